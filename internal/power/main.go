// Command power takes the power from virtual test machines while files change
// on their volume, switches them on again, and compares every brick and every
// client with an exact record of what was acknowledged. The same program runs
// on the machine that has the virtual ones (run) and on those (all other
// commands), where it only does what it is told: the record outlives every cut.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"
)

type commands struct {
	Run     runCmd     `cmd:"" help:"Take the power from the machines of a group, again and again."`
	Do      doCmd      `cmd:"" help:"Carry out the operations on standard input, one JSON object a line, below a directory."`
	Mounted mountedCmd `cmd:"" help:"Wait until a volume is mounted."`
	First   firstCmd   `cmd:"" help:"Wait until a volume is mounted, and keep what it showed at that moment."`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	defer stop()
	var c commands
	parser := kong.Must(&c, kong.Name("power"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	at, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	if err := at.Run(); err != nil {
		parser.Errorf("%s", err)
		return 1
	}
	return 0
}
