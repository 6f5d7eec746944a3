package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
)

// Node is one machine of the lab.
type Node struct {
	// Name is the host name.
	Name string
	// Address is what Name resolves to on all nodes.
	Address string
	// IPv4 and IPv6 are the addresses of the node's interface eth0.
	IPv4, IPv6 string

	lab    *Lab
	index  int
	holder *holder

	mu     sync.Mutex
	client *gluster.Client
}

// Dir is the root directory of the node as the test sees it. Absolute symbolic links below it
// lead out of the node: see Path.
func (n *Node) Dir() string { return "/proc/" + n.holder.pid() + "/root" }

// Path gives the test's name for a path of the node.
func (n *Node) Path(path string) string {
	// /var/run is an absolute link to /run, which would lead to the machine's own.
	if rest, ok := strings.CutPrefix(path, "/var/run"); ok {
		path = "/run" + rest
	}
	return filepath.Join(n.Dir(), path)
}

// Client reads from the node's glusterd over its unix socket. It is closed with the lab.
func (n *Node) Client() *gluster.Client {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.client == nil {
		n.client = client(n)
		n.lab.t.Cleanup(func() { _ = n.client.Close() }) //nolint:errcheck // the connection is only read from
	}
	return n.client
}

// Command makes a command that runs in all namespaces of the node, with the environment of the test and in /.
// Killing it, as the end of ctx does, kills the program in the node; for other signals use Signal.
// What the program leaves running in the background stays until the node ends.
func (n *Node) Command(ctx context.Context, argv ...string) *exec.Cmd {
	args := append(n.enter(), argv...)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // what the test says
	// For what a program left behind that has its output open.
	cmd.WaitDelay = Patience
	n.lab.usage.add(cmd)
	return cmd
}

// CLI makes changes through the gluster program in the node.
func (n *Node) CLI() gluster.CLI { return gluster.CLI{Prefix: n.enter()} }

// enter is what stands in front of a command to run it in the node and to kill it when it is killed.
func (n *Node) enter() []string {
	return []string{
		"nsenter", "--target", n.holder.pid(), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd",
		"--", "setpriv", "--pdeathsig", "KILL", "--",
	}
}

// Signal sends a signal to the program that a command made by Command runs.
func (n *Node) Signal(cmd *exec.Cmd, sig syscall.Signal) error {
	pid := cmd.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return err
	}
	for child := range strings.FieldsSeq(string(children)) {
		id, err := strconv.Atoi(child)
		if err != nil {
			return err
		}
		if err := syscall.Kill(id, sig); err != nil {
			return err
		}
	}
	return nil
}

// Network calls do on a thread that is in the node's network. Only sockets that do makes itself are
// the node's: those to addresses, not names, since names are looked up on other threads, in the machine's network.
func (n *Node) Network(do func()) {
	n.lab.t.Helper()
	done := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine and nobody else gets it.
		runtime.LockOSThread()
		err := n.enterNetwork()
		if err == nil {
			do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		n.lab.t.Fatalf("lab: %s: enter network: %v", n.Name, err)
	}
}

func (n *Node) enterNetwork() error {
	ns, err := os.Open("/proc/" + n.holder.pid() + "/ns/net")
	if err != nil {
		return err
	}
	return errors.Join(unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET), ns.Close()) //nolint:gosec // descriptors are small
}

// Run runs a program in the node and returns what it printed. The test fails where the program does.
func (n *Node) Run(argv ...string) string {
	n.lab.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	out, err := n.run(ctx, argv...)
	if err != nil {
		n.lab.t.Fatalf("lab: %s: %v", n.Name, err)
	}
	return out
}

// Gluster runs the gluster command line in the node in script mode and returns what it printed.
func (n *Node) Gluster(args ...string) string {
	n.lab.t.Helper()
	return n.Run(append([]string{"gluster", "--mode=script"}, args...)...)
}

func (n *Node) run(ctx context.Context, argv ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := n.Command(ctx, argv...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w: %s%s", strings.Join(argv, " "), err, out, stderr.Bytes())
	}
	return string(out), nil
}

// End ends the node as a power failure does: all its processes are killed and its
// file systems are lost.
func (n *Node) End() { n.holder.end() }

// prepare connects the node to the bridge and writes its configuration.
func (n *Node) prepare(ctx context.Context) error {
	if err := n.holder.ready(); err != nil {
		return err
	}
	port := fmt.Sprintf("p%d", n.index)
	if err := ipBatch(ctx, n.lab.link,
		"link add "+port+" type veth peer name eth0 netns "+n.holder.pid(),
		"link set "+port+" master lab0 up"); err != nil {
		return err
	}
	if err := ipBatch(ctx, n.holder,
		"link set lo up",
		"addr add "+n.IPv4+"/24 dev eth0",
		"addr add "+n.IPv6+"/64 dev eth0 nodad",
		"link set eth0 up"); err != nil {
		return err
	}
	if err := os.WriteFile(n.Path("/etc/hosts"), []byte(n.lab.hosts()), 0o644); err != nil { //nolint:gosec // as on any machine
		return err
	}
	if !n.lab.options.IPv6 || n.index >= n.lab.options.Nodes {
		return nil
	}
	volfile := n.Path("/etc/glusterfs/glusterd.vol")
	b, err := os.ReadFile(volfile) //nolint:gosec // below the node's root
	if err != nil {
		return err
	}
	b = bytes.Replace(b, []byte("end-volume"), []byte("    option transport.address-family inet6\nend-volume"), 1)
	return os.WriteFile(volfile, b, 0o644) //nolint:gosec // as the package installs it
}

// ipBatch runs ip's commands in the network namespace of h.
func ipBatch(ctx context.Context, h *holder, lines ...string) error {
	cmd := exec.CommandContext(ctx, "nsenter", "--target", h.pid(), "--net", "--", "ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(lines, "; "), err, bytes.TrimSpace(out))
	}
	return nil
}

// waitUntil looks until done says so, and returns what it said last where ctx ends before.
func waitUntil(ctx context.Context, done func() error) error {
	for began := time.Now(); ; {
		err := done()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pollPause(time.Since(began))):
		}
	}
}

// readPID reads a file that holds a process identifier; 0 where there is none.
func readPID(path string) (int, error) {
	b, err := os.ReadFile(path) //nolint:gosec // below a node's root
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	text := strings.TrimSpace(string(b))
	if text == "" {
		return 0, nil
	}
	return strconv.Atoi(text)
}
