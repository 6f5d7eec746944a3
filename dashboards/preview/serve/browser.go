package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// browser is a Chromium without a window that does what we say: DevTools messages, each ended by a zero byte, over two pipes.
type browser struct {
	program *exec.Cmd
	home    string
	says    bytes.Buffer // its standard error
	to      io.WriteCloser
	from    *bufio.Reader
	pipe    io.Closer // below from
	last    int       // number of the last message
	session string    // of the page
}

// start runs a Chromium whose files are all below a directory of its own, and that reaches this machine only.
func start(ctx context.Context) (*browser, error) {
	home, err := os.MkdirTemp("", "brickyard-preview-")
	if err != nil {
		return nil, err
	}
	b := &browser{home: home}
	reads, to, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.home))
	}
	from, writes, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, reads.Close(), to.Close(), os.RemoveAll(b.home))
	}
	b.to, b.from, b.pipe = to, bufio.NewReader(from), from
	b.program = exec.CommandContext(ctx, "chromium", "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-quic", //nolint:gosec // all are ours
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE [::1]", "--user-data-dir="+b.home, "about:blank")
	b.program.ExtraFiles = []*os.File{reads, writes} // it knows them as 3 and 4
	b.program.Env = append(os.Environ(), "HOME="+b.home, "TZ=UTC")
	b.program.Stderr, b.program.WaitDelay = &b.says, lastChance
	err = b.program.Start()
	_, _ = reads.Close(), writes.Close() // the browser has its own of them
	if err != nil {
		return nil, errors.Join(fmt.Errorf("chromium: %w: hack/install pictures installs it", err), to.Close(), from.Close(), os.RemoveAll(b.home))
	}
	var target struct {
		TargetID string `json:"targetId"`
	}
	err = b.do("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	if err == nil {
		var attached struct {
			SessionID string `json:"sessionId"`
		}
		err = b.do("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
		b.session = attached.SessionID
	}
	if err != nil {
		return nil, errors.Join(err, b.stop())
	}
	return b, nil
}

// do has the browser do one thing, and waits for its answer; what else it tells is not for us.
func (b *browser) do(method string, parameters map[string]any, answer any) error {
	b.last++
	message := map[string]any{"id": b.last, "method": method, "params": parameters}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		return fmt.Errorf("chromium: %s: %w", method, err)
	}
	for {
		text, err := b.from.ReadBytes(0)
		if err != nil {
			return fmt.Errorf("chromium: %s: %w", method, err)
		}
		var reply struct {
			ID     int             `json:"id"`
			Result json.RawMessage `json:"result"`
			Error  *struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		switch err := json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &reply); {
		case err != nil:
			return fmt.Errorf("chromium: %s: %w", method, err)
		case reply.ID != b.last:
		case reply.Error != nil:
			return fmt.Errorf("chromium: %s: %s", method, reply.Error.Message)
		case answer == nil:
			return nil
		default:
			return json.Unmarshal(reply.Result, answer)
		}
	}
}

// stop ends it; what it said is worth reading when something had gone wrong.
func (b *browser) stop() error {
	b.session = ""
	asked := b.do("Browser.close", map[string]any{}, nil)
	err := errors.Join(asked, b.to.Close(), b.program.Wait(), b.pipe.Close(), os.RemoveAll(b.home))
	if err != nil {
		return fmt.Errorf("%w: %s", err, b.says.Bytes())
	}
	return nil
}
