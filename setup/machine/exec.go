package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"brickyard/internal/programs"
	"brickyard/setup/change"
)

// Exec runs a program and returns its standard output. The error names the
// command and holds the last lines of what it printed.
type Exec func(ctx context.Context, env []string, argv ...string) ([]byte, error)

// ErrNoProgram is wrapped when the program is not installed.
var ErrNoProgram = errors.New("program not found")

// lastWait is how long a program that was told to end, or what it left behind
// with its output open, may take before Run goes on without it.
const lastWait = 15 * time.Second

// Run is the Exec of the real machine. When the context ends, the program is
// asked to end, so that a package manager or mount can tidy up, and killed
// when it does not. It is logged where it is part of a change.
func Run(ctx context.Context, env []string, argv ...string) (out []byte, err error) {
	err = change.Lent(ctx, strings.Join(argv, " "), func() (err error) {
		out, err = run(ctx, env, argv...)
		return err
	})
	return out, err
}

func run(ctx context.Context, env []string, argv ...string) ([]byte, error) {
	program := programs.Look(argv[0])
	if program == "" {
		return nil, fmt.Errorf("%s: %w", argv[0], ErrNoProgram)
	}
	cmd := exec.CommandContext(ctx, program, argv[1:]...) //nolint:gosec // the program and its arguments are the plan's; no shell is involved
	cmd.Args[0] = argv[0]
	cmd.Env = append(append(os.Environ(), "LC_ALL=C", "PATH="+programs.Path()), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = lastWait
	// A hangup, or Ctrl-C, is for this program to handle: the terminal must not send it to the other one in the middle of its work.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	// A daemon that the program started and that keeps its output open is no failure.
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		return out, nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", argv[0], ErrNoProgram)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	said := tail(stderr.String()+string(out), 4)
	if said == "" {
		return out, fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return out, fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, said)
}

// tail returns the last n lines that are not empty, joined into one.
func tail(s string, n int) string {
	var lines []string
	for l := range strings.SplitSeq(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], " / ")
}

// ExitCode is the exit status in an error of Exec: 0 without an error, -1 when
// the program did not end by itself.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode()
	}
	return -1
}
