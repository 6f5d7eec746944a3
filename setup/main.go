// Command gluster-setup makes a machine a node of the cluster that one YAML
// file describes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"

	"github.com/alecthomas/kong"

	"brickyard/setup/desired"
	"brickyard/setup/verify"
	"brickyard/templates"
)

// version is stamped by the linker.
var version = "unknown"

func main() {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signals = append(signals, syscall.SIGHUP)
		// A cut connection is told twice: by the shell, and when that has ended by the kernel. Only the first one says anything.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	// The first one has what is under way come to its end, the second ends the program.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// CLI is the command line.
type CLI struct {
	Plan     PlanCmd     `cmd:"" help:"Show every change that apply would make on this node and in the pool."`
	Apply    ApplyCmd    `cmd:"" help:"Make this machine the node that the cluster file describes. Run it on all nodes, at once or one by one, again and again."`
	Render   RenderCmd   `cmd:"" help:"Write the node's files below a directory and touch nothing else."`
	Status   StatusCmd   `cmd:"" help:"Show peers, volumes, bricks, heals and mounts as this node sees them."`
	Verify   VerifyCmd   `cmd:"" help:"Prove replication through the mounts: write, see it elsewhere, remove, see it gone. Start it on all client nodes at once."`
	Bench    BenchCmd    `cmd:"" help:"Measure create, write, read and remove on one or more paths."`
	Recover  RecoverCmd  `cmd:"" help:"Bring wiped and stopped bricks of this node back; the unit that apply installs runs it at boot."`
	OkToStop OkToStopCmd `cmd:"" help:"Say whether this node may be stopped now without hurting any volume (exit 0) or not (exit 3, with the reason)."`
	Check    CheckCmd    `cmd:"" help:"Compare the bricks of each replica set name by name, as they are: finds what heal info cannot see."`
	Guard    GuardCmd    `cmd:"" help:"Withhold bricks that a power cut may have cost writes, and move volumes aside that glusterd could not read; the units that apply installs call it before glusterd starts."`
	Wait     WaitCmd     `cmd:"" help:"Wait until a volume serves; the units that apply writes call it at boot."`
	Init     InitCmd     `cmd:"" help:"Print a commented cluster file to start from."`
	Schema   SchemaCmd   `cmd:"" help:"Print the JSON Schema of the cluster file, for editors."`
	Version  VersionCmd  `cmd:"" help:"Print the version."`
}

const description = `Replicated GlusterFS volumes on tmpfs or disk, from one cluster file.

Exit status: 0 nothing to do or done, 1 error, 2 changes pending (plan), 3 refused as unsafe or conflicting, 4 partly done.`

// IO is where a command prints and what it was started with.
type IO struct {
	Out, Err io.Writer
}

// run parses the command line and runs the command. Whatever happens, a panic
// included, status 2 only ever means that changes are pending.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(stderr, "gluster-setup: bug: %v\n%s", r, debug.Stack()) //nolint:errcheck // the last words
			code = exitError
		}
	}()
	if data, ok := moduleArguments(args); ok {
		return module(ctx, data, IO{Out: stdout, Err: stderr})
	}
	exited := false
	var cli CLI
	parser, err := newParser(&cli, kong.Writers(stdout, stderr), kong.Exit(func(int) { exited = true }),
		kong.Bind(IO{Out: stdout, Err: stderr}), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		fmt.Fprintf(stderr, "gluster-setup: %v\n", err) //nolint:errcheck // the last words
		return exitError
	}
	k, err := parser.Parse(args)
	if exited { // --help was printed
		return exitOK
	}
	streams := IO{Out: stdout, Err: stderr}
	if err != nil {
		return usage(streams, args, err)
	}
	err = k.Run()
	var said exitStatus
	switch {
	case errors.As(err, &said):
		return int(said)
	case err != nil:
		return fail(streams, k, flagText(k, "output") == "json", reason(err), err)
	}
	return exitOK
}

// newParser returns the parser of the command line, whose manual page and completions are made from it too.
func newParser(cli *CLI, more ...kong.Option) (*kong.Kong, error) {
	return kong.New(cli, append([]kong.Option{
		kong.Name("gluster-setup"), kong.Description(description), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.NamedMapper("path", pathFlag{}),
		kong.Vars{
			"file": desired.ClusterFile, "binary": desired.Binary, "templates": templates.Dir, "targets": desired.TargetsFile,
			"verifyRounds": strconv.Itoa(verify.DefaultRounds), "verifyTimeout": verify.DefaultTimeout.String(), "verifyPatience": verify.DefaultPatience.String(),
		},
	}, more...)...)
}
