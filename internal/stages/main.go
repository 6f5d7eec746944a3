// Command stages runs the stages of the full test, each with its log, some beside each other, and sums up. hack/test
// builds and calls it; table.go has the stages.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"
)

// inner are the commands by which this program calls itself.
type inner struct {
	Reap reapCmd `cmd:"" help:"Run a command and wait for all that it started, also for what left it."`
	Load loadCmd `cmd:"" help:"Keep processors and disk busy until standard input ends."`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	defer stop()
	options := []kong.Option{
		kong.Name("hack/test"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Description("Runs stages of the test, each with its log in .cache/logs, some beside each other, and sums up."),
	}
	var c runCmd
	parser := kong.Must(&c, options...)
	if len(args) > 0 && (args[0] == "reap" || args[0] == "load") {
		parser = kong.Must(&inner{}, options...)
	}
	at, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	if err := at.Run(); err != nil {
		parser.Errorf("%s", err)
		return 1
	}
	return 0
}
