package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
)

// errAlive says that a process that was told to end still runs.
var errAlive = errors.New("still runs")

// StartGlusterd starts glusterd and waits until it answers.
func (n *Node) StartGlusterd() {
	n.lab.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := n.startGlusterd(ctx); err != nil {
		n.lab.t.Fatalf("lab: %s: %v", n.Name, err)
	}
}

func (n *Node) startGlusterd(ctx context.Context) error {
	argv := []string{"glusterd", "-p", "/run/glusterd.pid"}
	if n.lab.options.GeoReplication {
		// gsyncd leaves mount points and sockets in the directory for temporary files, which is the machine's.
		argv = append([]string{"env", "TMPDIR=/run"}, argv...)
	}
	if _, err := n.run(ctx, argv...); err != nil {
		return fmt.Errorf("%w\n%s", err, n.tail("/var/log/glusterfs/glusterd.log"))
	}
	return waitUntil(ctx, func() error {
		_, err := n.Client().UUID(ctx)
		return err
	})
}

// StopGlusterd ends glusterd, as stopping its service does; bricks go on.
func (n *Node) StopGlusterd() {
	n.lab.t.Helper()
	if err := n.end("/run/glusterd.pid", syscall.SIGTERM); err != nil {
		n.lab.t.Fatalf("lab: %s: stop glusterd: %v", n.Name, err)
	}
}

// KillBrick kills the process of the brick at path and waits until it is gone.
func (n *Node) KillBrick(path string) {
	n.lab.t.Helper()
	bricks, err := gluster.BrickProcesses(n.Path("/proc"))
	if err != nil {
		n.lab.t.Fatalf("lab: %s: %v", n.Name, err)
	}
	for _, b := range bricks {
		if b.Path != path {
			continue
		}
		if err := n.kill(b.PID, syscall.SIGKILL); err != nil {
			n.lab.t.Fatalf("lab: %s: kill brick %s: %v", n.Name, path, err)
		}
		return
	}
	n.lab.t.Fatalf("lab: %s: no process of brick %s", n.Name, path)
}

// end sends a signal to the process whose identifier is in a file of the node, and waits until it is gone.
func (n *Node) end(pidFile string, sig syscall.Signal) error {
	pid, err := readPID(n.Path(pidFile))
	if err != nil || pid == 0 {
		return err
	}
	return n.kill(pid, sig)
}

// SignalPID sends a signal to a process by its identifier in the node, at once: no program is started for it.
func (n *Node) SignalPID(pid int, sig syscall.Signal) error {
	path := n.Path("/proc/" + strconv.Itoa(pid))
	process, err := os.Open(path) //nolint:gosec // below the node's root
	if err != nil {
		return err
	}
	defer process.Close() //nolint:errcheck // nothing was written
	// A process's directory in any /proc stands for it: see pidfd_send_signal(2).
	if err := unix.PidfdSendSignal(int(process.Fd()), sig, nil, 0); err != nil {
		return &fs.PathError{Op: "signal", Path: path, Err: err}
	}
	return nil
}

// Freeze stops a process of the node by its identifier in it, until SIGCONT, and returns when all its threads have stopped: the signal
// is taken by one of them, which stops the others when it is its turn, on a busy machine much later.
func (n *Node) Freeze(pid int) {
	n.lab.t.Helper()
	if err := n.SignalPID(pid, syscall.SIGSTOP); err != nil {
		n.lab.t.Fatalf("lab: %s: freeze: %v", n.Name, err)
	}
	WaitFor(n.lab.t, fmt.Sprintf("process %d of %s to stop", pid, n.Name), func() bool {
		threads, err := filepath.Glob(n.Path("/proc/" + strconv.Itoa(pid) + "/task/*/stat"))
		if err != nil || len(threads) == 0 {
			return false
		}
		return !slices.ContainsFunc(threads, func(thread string) bool {
			text, err := os.ReadFile(thread)               //nolint:gosec // below the node's root
			_, state, _ := strings.Cut(string(text), ") ") // after the name, in which anything may stand
			return err == nil && !strings.HasPrefix(state, "T ")
		})
	})
}

// kill signals a process by its identifier in the node and waits until it is gone.
func (n *Node) kill(pid int, sig syscall.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	id := strconv.Itoa(pid)
	if err := n.SignalPID(pid, sig); err != nil {
		return err
	}
	return waitUntil(ctx, func() error {
		_, err := os.Stat(n.Path("/proc/" + id))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("process %d: %w", pid, errAlive)
	})
}

func (n *Node) waitForPeers(ctx context.Context, count int) error {
	return waitUntil(ctx, func() error {
		peers, err := n.Client().Peers(ctx)
		if err != nil {
			return err
		}
		if len(peers) != count {
			return fmt.Errorf("%s sees %d of %d peers", n.Name, len(peers), count)
		}
		for _, p := range peers {
			if !p.Local && (!p.Connected || p.State != gluster.PeerInCluster) {
				return fmt.Errorf("%s sees peer %v as %s, connected %t", n.Name, p.Names, p.State, p.Connected)
			}
		}
		return nil
	})
}

// peerName is how the other nodes call this one.
func (n *Node) peerName() string {
	if n.lab.options.EmptyHosts {
		return n.Address
	}
	return n.Name
}

// tail returns the last lines of a log of the node.
func (n *Node) tail(path string) string {
	const size = 4096
	b, err := os.ReadFile(n.Path(path))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-size):])
}
