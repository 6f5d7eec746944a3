package lab

import (
	"bufio"
	"bytes"
	_ "embed" // node.sh
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

//go:embed node.sh
var nodeScript string

// switchScript is the first process of the network namespace that connects the nodes.
const switchScript = `set -eu
ip link set lo up
ip link add name lab0 type bridge
ip link set lab0 up
echo ready
while read -r _; do :; done`

// holder is the first process of a set of namespaces. It lives as long as the test
// holds the other end of its standard input.
type holder struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
	said  *Transcript
	once  sync.Once
}

// hold starts script in the given new namespaces (CLONE_NEW... flags). ready waits for it.
func hold(t testing.TB, script string, namespaces uintptr, args ...string) *holder {
	t.Helper()
	cmd := exec.Command("bash", append([]string{"-c", script, "lab"}, args...)...) //nolint:gosec // our own scripts
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Setpgid: true}
	h := &holder{cmd: cmd, said: &Transcript{}}
	cmd.Stderr = h.said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	h.stdin, h.out = stdin, bufio.NewReader(stdout)
	if err := cmd.Start(); err != nil {
		t.Fatalf("lab: new namespaces need root: %v", err)
	}
	t.Cleanup(h.end)
	return h
}

// ready waits until the script has prepared its namespaces.
func (h *holder) ready() error {
	if line, err := h.out.ReadString('\n'); err != nil || line != "ready\n" {
		h.end()
		return fmt.Errorf("namespaces could not be prepared: %s", strings.TrimSpace(h.said.String()))
	}
	return nil
}

// end kills every process in the holder's PID namespace and waits until they are gone.
func (h *holder) end() {
	h.once.Do(func() {
		_ = h.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
		_ = h.stdin.Close()      //nolint:errcheck // nothing was written
		_ = h.cmd.Wait()         //nolint:errcheck // it was killed
	})
}

func (h *holder) pid() string { return strconv.Itoa(h.cmd.Process.Pid) }

// Transcript collects what a process says while another goroutine reads it.
type Transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends p.
func (b *Transcript) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String is what was said until now.
func (b *Transcript) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
