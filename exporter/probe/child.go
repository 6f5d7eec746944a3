package probe

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	// stopGrace is how long a child may take to remove its files when it is told to end.
	stopGrace = endGrace + time.Second
	// killPatience is how long a killed child is waited for at the exporter's end.
	killPatience = 5 * time.Second
)

// child is the process that probes one mount.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	enc   *json.Encoder

	progress chan message  // of the request under way
	dropped  chan struct{} // closed when nobody reads progress any more
	done     chan struct{} // closed when the process is gone and has been waited for
	drop     sync.Once
	killed   bool
}

// startChild starts a child. The calling thread must stay alive as long as the child, which is told to end when it dies.
// What the child says outside of requests goes to heard, from a goroutine of the child's.
func startChild(executable string, cfg childConfig, heard func(message)) (*child, error) {
	cmd := exec.Command(executable, ChildArgument) //nolint:gosec // this very program
	cmd.Dir = "/"
	// Two threads that run are enough, also where the machine has many cores.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	cmd.Stderr = os.Stderr
	// SIGTERM, so that it removes its files when the exporter is killed. The end of its standard input says the same.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, stdin.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{
		cmd: cmd, stdin: stdin, enc: json.NewEncoder(stdin),
		progress: make(chan message), dropped: make(chan struct{}), done: make(chan struct{}),
	}
	go c.listen(stdout, heard)
	if err := c.enc.Encode(cfg); err != nil {
		c.kill()
		<-c.done // it has made no call on the mount yet
		return nil, err
	}
	return c, nil
}

// listen passes on what the child says until it ends, and waits for it.
func (c *child) listen(stdout io.Reader, heard func(message)) {
	defer close(c.done)
	for decoder := json.NewDecoder(stdout); ; {
		var m message
		if err := decoder.Decode(&m); err != nil {
			break
		}
		if m.ID == 0 {
			heard(m)
			continue
		}
		select {
		case c.progress <- m:
		case <-c.dropped:
		}
	}
	// What cannot be understood ends the child too. One that is stuck in the kernel holds its side open until it ends.
	_ = c.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
	_ = c.cmd.Wait()         //nolint:errcheck // nobody asks how it ended
}

// kill ends the child at once. The kernel ends it when no call of it waits for its mount any more: see done.
func (c *child) kill() {
	if c.killed {
		return
	}
	c.killed = true
	c.drop.Do(func() { close(c.dropped) })
	_ = c.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
}

// ended reports whether the child is gone, and waits up to patience for that.
func (c *child) ended(patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
		return false
	}
}

// stop ends the child in the way that removes its files, and reports whether it is gone.
func (c *child) stop() bool {
	if !c.killed {
		c.drop.Do(func() { close(c.dropped) })
		_ = c.stdin.Close() //nolint:errcheck // it may have ended by itself
		if c.ended(stopGrace) {
			return true
		}
	}
	c.kill()
	return c.ended(killPatience)
}
