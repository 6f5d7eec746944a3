package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// machines are the virtual machines of one group.
type machines struct {
	script string // hack/vms
}

// program is where this program is on the machines.
const program = "/usr/local/sbin/power-test"

func (m *machines) vms(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, m.script, args...)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("vms %s: %w\n%s%s", strings.Join(args, " "), err, out.String(), bytes.TrimSpace(words.Bytes()))
	}
	if words.Len() > 0 {
		fmt.Fprint(os.Stderr, words.String())
	}
	return out.String(), nil
}

// on runs a line of shell on a machine.
func (m *machines) on(ctx context.Context, name, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	return m.vms(ctx, "run", name, line)
}

// commandLimit is more than any one command may take.
const commandLimit = 20 * time.Minute

// status runs a line of shell and returns its exit status and what it said. 255
// is that of a connection that failed.
func (m *machines) status(ctx context.Context, name, line string) (int, string) {
	out, err := m.on(ctx, name, line)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), err.Error()
	}
	if err != nil {
		return 255, err.Error()
	}
	return 0, out
}

// hands carry out operations below one directory of a machine.
type hands struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *json.Encoder
	got chan reply
}

func (m *machines) hands(name, dir string) (*hands, error) {
	cmd := exec.Command(m.script, "run", name, program, "do", dir)
	cmd.Stderr = io.Discard
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h := &hands{cmd: cmd, in: in, enc: json.NewEncoder(in), got: make(chan reply)}
	go func() {
		defer close(h.got)
		for dec := json.NewDecoder(out); ; {
			var r reply
			if dec.Decode(&r) != nil {
				return
			}
			h.got <- r
		}
	}()
	return h, nil
}

var errNoAnswer = errors.New("no answer")

// answerLimit is longer than clients wait for a server that died silently, on a busy machine too.
const answerLimit = 15 * time.Minute

// do returns what came of an operation. After an error the hands are of no use
// any more, and nobody knows whether it took effect.
func (h *hands) do(ctx context.Context, o op) (reply, error) {
	if err := h.enc.Encode(o); err != nil {
		return reply{}, errors.Join(errNoAnswer, err)
	}
	select {
	case r, ok := <-h.got:
		if !ok {
			return r, errNoAnswer
		}
		return r, nil
	case <-time.After(answerLimit):
		return reply{}, fmt.Errorf("%w after %s to %s %s", errNoAnswer, answerLimit, o.Kind, o.Path)
	case <-ctx.Done():
		return reply{}, errors.Join(errNoAnswer, context.Cause(ctx))
	}
}

func (h *hands) close() {
	h.in.Close()         //nolint:errcheck,gosec // what is at the other end may be gone
	h.cmd.Process.Kill() //nolint:errcheck,gosec // as may this
	for range h.got {    //nolint:revive // what comes too late
	}
	h.cmd.Wait() //nolint:errcheck,gosec // it was killed
}
