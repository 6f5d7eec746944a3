// Command oncall breaks one thing after the other on a cluster of test hosts, waits until the right alert of
// dashboards/rules arrives at Alertmanager, sees that nobody else is woken, repairs, and waits until the alert is over.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"
)

type commands struct {
	Run   runCmd   `cmd:"" help:"Take the cluster of a group of test hosts through the faults."`
	Scale scaleCmd `cmd:"" help:"Print rules with all their durations divided."`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	var c commands
	parser := kong.Must(&c, kong.Name("oncall"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	at, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	if err := at.Run(); err != nil {
		parser.Errorf("%s", err)
		return 1
	}
	return 0
}

type scaleCmd struct {
	File string `arg:"" help:"Rules of Prometheus."`
	By   int    `default:"10" help:"What the durations are divided by."`
}

// Run prints what Prometheus is given in the scenario.
func (c *scaleCmd) Run() error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	scaled, err := scale(string(text), c.By)
	fmt.Print(scaled)
	return err
}

// since is in seconds, for persons and tables.
func since(t time.Time) float64 { return time.Since(t).Seconds() }
