package gluster

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"brickyard/internal/programs"
)

// DefaultCLITimeout bounds a command whose context has no deadline. It is a little more than the 120 s
// after which the gluster program gives up by itself on most commands (CLI_DEFAULT_CMD_TIMEOUT, cli/src/cli.h, 10.3).
const DefaultCLITimeout = 130 * time.Second

// CLI makes changes through the gluster program, the only way that GlusterFS supports
// in all versions.
type CLI struct {
	// Path is the program; "" means gluster, searched in PATH and in the system's directories.
	Path string
	// Prefix is put in front of the program, to run it elsewhere, as nsenter does.
	Prefix []string
}

// Run makes one change. Every error is an *Error:
// ErrNotRunning where no glusterd answers, ErrTransaction where another command holds a lock, ErrNoSuchVolume,
// ErrAlready where there was nothing to do, ErrItself for a probe of the node itself, ErrTimeout where ctx ended before the command (the
// change may still be made), else ErrRefused.
func (c CLI) Run(ctx context.Context, cmd Command) error {
	_, err := c.output(ctx, cmd)
	return err
}

// HealInfo returns what waits to be healed in a volume, as any of its bricks
// knows it: paths from the root of the volume, or "<gfid:...>" where a brick does
// not know one. It asks every brick and takes seconds.
func (c CLI) HealInfo(ctx context.Context, volume string) ([]string, error) {
	cmd := Command{"volume", "heal", volume, "info"}
	doc, err := c.output(ctx, cmd)
	if err != nil {
		return nil, err
	}
	var out struct {
		Files []string `xml:"healInfo>bricks>brick>file"`
	}
	if err := xml.Unmarshal(doc, &out); err != nil {
		return nil, malformed(cmd.Name(), cmd.object(), err)
	}
	return out.Files, nil
}

// cliOutput is the part that all XML documents of the gluster program have in common.
type cliOutput struct {
	XMLName  xml.Name `xml:"cliOutput"`
	OpRet    int      `xml:"opRet"`
	OpErrno  int      `xml:"opErrno"`
	OpErrstr string   `xml:"opErrstr"`
	Output   string   `xml:"output"`
}

// output runs a command and returns its XML document. The exit status counts only where there is none:
// with --xml the program exits with 0 whatever happened (cli/src/cli.c and cli-xml-output.c, 10.3).
func (c CLI) output(ctx context.Context, cmd Command) ([]byte, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultCLITimeout)
		defer cancel()
	}
	path := c.Path
	if path == "" {
		path = "gluster"
	}
	argv := append(append([]string(nil), c.Prefix...), path, "--mode=script", "--xml")
	argv = append(argv, cmd...)
	if program := programs.Look(argv[0]); program != "" {
		argv[0] = program
	}
	stdout, stderr := boundedBuffer{left: maxOutput}, boundedBuffer{left: maxOutput}
	run := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // no shell is involved
	run.Stdout, run.Stderr = &stdout, &stderr
	run.Env = append(os.Environ(), "PATH="+programs.Path())
	run.WaitDelay = time.Second
	// Whom a hangup or Ctrl-C ends decides the caller, by the context, not the terminal.
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// With what it started, if anything.
	run.Cancel = func() error {
		if err := syscall.Kill(-run.Process.Pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
			return err
		}
		return os.ErrProcessDone
	}
	err := run.Run()
	if ctx.Err() != nil {
		return nil, unreachable(cmd.Name(), cmd.object(), ctx.Err())
	}
	if stdout.left < 0 || stderr.left < 0 {
		return nil, malformed(cmd.Name(), cmd.object(), fmt.Errorf("%w: more than %d bytes", errOutput, maxOutput))
	}
	if bytes.Contains(stdout.b.Bytes(), []byte("<cliOutput>")) {
		return stdout.b.Bytes(), parseCLI(cmd, stdout.b.Bytes())
	}
	if err == nil && cmd.plain() && strings.Contains(stdout.b.String(), "has been successful") {
		return nil, nil
	}
	return nil, plainFailure(cmd, stdout.b.String()+stderr.b.String(), err)
}

// maxOutput bounds what the program may print, in bytes. That of "heal info" has a hundred for each entry, and more
// entries than fit take longer than the program waits.
const maxOutput = 64 << 20

var errOutput = errors.New("the program prints without an end")

// boundedBuffer takes no more than it has room for. It has no other methods of a bytes.Buffer, which would fill it past
// its bound.
type boundedBuffer struct {
	b    bytes.Buffer
	left int // bytes; below 0 where there was no room
}

// Write fails where there is no room: then the program is told that nobody reads any more.
func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errOutput
	}
	return b.b.Write(p)
}

// parseCLI turns an XML document into the error it tells of, or nil.
func parseCLI(cmd Command, doc []byte) error {
	var out cliOutput
	if err := xml.Unmarshal(doc, &out); err != nil {
		return malformed(cmd.Name(), cmd.object(), err)
	}
	text := out.OpErrstr
	if text == "" {
		text = out.Output
	}
	// A probe of a peer or of the node itself succeeds and says so in its output.
	if out.OpRet == 0 {
		if e := refusal(cmd.Name(), cmd.object(), out.OpErrno, text); e.Kind == ErrAlready || e.Kind == ErrItself { //nolint:errorlint // our own field
			return e
		}
		return nil
	}
	return refusal(cmd.Name(), cmd.object(), out.OpErrno, text)
}

// plainFailure explains a run without an XML document.
func plainFailure(cmd Command, text string, err error) error {
	e := refusal(cmd.Name(), cmd.object(), 0, text)
	e.Err = err
	var exit *exec.ExitError
	switch {
	case err == nil:
		e.Kind, e.Err = ErrMalformed, errors.New("no XML in the answer")
	case !errors.As(err, &exit):
		e.Kind = nil // the program is missing or may not be run
	case strings.Contains(text, "Connection failed"):
		e.Kind = ErrNotRunning
	}
	return e
}
