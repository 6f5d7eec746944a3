// Command reboot takes a cluster of test hosts through reboots, kills and
// half-done recoveries while clients write and read all the time, and checks
// after each step that every file is where it must be. The same program runs
// on the machine that has the hosts (run) and on the hosts (all other commands).
package main

import (
	"context"
	"os"
	"os/signal"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"

	"brickyard/internal/impostor"
)

type commands struct {
	Run     runCmd     `cmd:"" help:"Take the cluster of a group of test hosts through the steps."`
	Work    workCmd    `cmd:"" help:"Write and read on a client until told to end."`
	Pause   pauseCmd   `cmd:"" help:"Let the writers of this client finish what they are at, and print what they know."`
	Fill    fillCmd    `cmd:"" help:"Make files."`
	Sums    sumsCmd    `cmd:"" help:"Print the checksum of every file below directories."`
	Healed  healedCmd  `cmd:"" help:"Wait until gluster-setup status has nothing to say; print how long that took."`
	Enemy   enemyCmd   `cmd:"" help:"Try to do harm, as who calls it, until told to end; print what worked."`
	Receive receiveCmd `cmd:"" help:"Copy files here from the network, plainly."`
	Send    sendCmd    `cmd:"" help:"Copy files from here over the network, plainly."`
}

func main() {
	impostor.Main()
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	var c commands
	parser := kong.Must(&c, kong.Name("reboot"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	at, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	if err := at.Run(); err != nil {
		parser.Errorf("%s", err)
		return 1
	}
	return 0
}

// since is in seconds, for persons and tables.
func since(t time.Time) float64 { return time.Since(t).Seconds() }

// seconds since 1970.
func seconds(t time.Time) float64 {
	return float64(t.UnixMilli()) / 1e3
}
