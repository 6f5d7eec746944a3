package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Exec runs a program and returns its standard output. The error names the
// command and holds the last lines of what it printed.
type Exec func(ctx context.Context, env []string, argv ...string) ([]byte, error)

// ErrNoProgram is wrapped when the program is not installed.
var ErrNoProgram = errors.New("program not found")

// Run is the Exec of the real machine.
func Run(ctx context.Context, env []string, argv ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(append(os.Environ(), "LC_ALL=C"), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
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
	var e *exec.ExitError
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	return -1
}
