package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/internal/programs"
)

// Mount is a brick of a running volume, shown by a client of GlusterFS that
// knows this brick alone: nothing is compared, healed or hidden on the way, and
// nothing can be written. The brick lets it in as it lets in any client of its
// pool, at the port that it has anyway. The mount is in a mount namespace of
// its own, which ends with its process, and that ends with this one.
type Mount struct {
	tree
	cmd   *exec.Cmd
	ended chan struct{}
	dir   string
	stop  func() bool // the end of the context does not end the client any more
}

const (
	// connectTime is how long a client may take to say whether it reaches its brick.
	connectTime = 20 * time.Second
	// refusedTime is how long it may say that it does not: it tries every three seconds.
	refusedTime = 7 * time.Second
)

// mountOptions make the kernel keep what it was told for three seconds, long enough
// to use the attributes that come with names, and no contents. A volume with root squash shows itself to them all the same.
func mountOptions() []string {
	return []string{"--no-daemon", "--acl", "--capability", "--entry-timeout=3", "--attribute-timeout=3", "--direct-io-mode=enable", "--lru-limit=16384", "--no-root-squash=on", "--log-level=ERROR"}
}

// MountBrick shows a brick of a set. dir is a directory for it, which nobody
// else uses.
func MountBrick(ctx context.Context, s Set, brick int, dir string) (*Mount, error) {
	return mountBrick(ctx, s, brick, dir, "--read-only")
}

// MountToAccuse is MountBrick for what Accuse does.
func MountToAccuse(ctx context.Context, s Set, brick int, dir string) (*Mount, error) {
	return mountBrick(ctx, s, brick, dir)
}

// Accuse notes on the brick that another one lacks changes of a file or
// directory, as the replication does when it cannot reach that brick: it is read
// from there no more until it is healed. Key is one of Set.Accusations.
func (m *Mount) Accuse(path, key string, value []byte) error {
	dir, name := parent(path), filepath.Base(path)
	if path == "" {
		name = "."
	}
	fd, err := m.open(dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written through it
	return away(again(func() error { return unix.Lsetxattr(within(fd, name), key, value, 0) }))
}

func mountBrick(ctx context.Context, s Set, brick int, dir string, flags ...string) (_ *Mount, err error) {
	program := programs.Find("/", "glusterfs")
	if program == "" {
		return nil, errors.New("the program glusterfs is missing: install GlusterFS's client, as apply does")
	}
	m := &Mount{dir: dir, ended: make(chan struct{})}
	m.gluster, m.skip, m.root = true, internal, -1
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", s.Bricks[brick], err), m.Close())
		}
	}()
	if err := os.RemoveAll(dir); err != nil {
		return m, err
	}
	target := filepath.Join(dir, "brick")
	if err := os.MkdirAll(target, 0o700); err != nil {
		return m, err
	}
	volfile, log := filepath.Join(dir, "volfile"), filepath.Join(dir, "log")
	if err := os.WriteFile(volfile, []byte(s.volfiles[brick]), 0o600); err != nil { // has a password
		return m, err
	}
	m.cmd = exec.Command(program, append(append(mountOptions(), flags...), "--volfile="+volfile, "--log-file="+log, target)...) //nolint:gosec // GlusterFS's client, with arguments that are ours; no shell is involved
	m.cmd.Env = append(os.Environ(), "LC_ALL=C")
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := m.start(); err != nil {
		return m, err
	}
	// Questions to a brick that hangs end with the client.
	m.stop = context.AfterFunc(ctx, m.Abort)
	late := time.AfterFunc(connectTime, m.Abort)
	defer late.Stop()
	seen := fmt.Sprintf("/proc/%d/root%s", m.cmd.Process.Pid, target)
	for began := time.Now(); ; {
		err := m.connect(seen, target)
		if err == nil {
			return m, nil
		}
		if errors.Is(away(err), ErrAway) && time.Since(began) > refusedTime {
			return m, away(err)
		}
		select {
		case <-m.ended:
			return m, fmt.Errorf("%w: glusterfs ended: %s", ErrAway, lastLine(log))
		case <-ctx.Done():
			return m, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// start starts the client from a thread that lives as long as it: the signal at
// the end of the parent follows the thread.
func (m *Mount) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := m.cmd.Start()
		started <- err
		if err == nil {
			_ = m.cmd.Wait() //nolint:errcheck // whoever asks it for files sees that it is gone
			close(m.ended)
		}
	}()
	return <-started
}

var errNotMounted = errors.New("not mounted yet")

// connect opens the root of the brick when it is mounted and the brick answers.
func (m *Mount) connect(seen, target string) error {
	var here, there unix.Stat_t
	if err := unix.Stat(target, &here); err != nil {
		return err
	}
	if err := unix.Stat(seen, &there); err != nil {
		return err
	}
	if here.Dev == there.Dev {
		return errNotMounted
	}
	fd, err := unix.Open(seen, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	m.root = fd
	again, err := m.open("", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		m.root = -1
		return errors.Join(err, unix.Close(fd))
	}
	return unix.Close(again)
}

// internal are names that GlusterFS keeps for itself: what it is about to
// remove lies in a directory that clients do not see.
func internal(dir, name string) bool {
	return dir == "" && (name == ".glusterfs" || strings.HasPrefix(name, ".glusterfs-anonymous-inode-"))
}

func lastLine(log string) string {
	text, err := os.ReadFile(log) //nolint:gosec // in a directory that this run made
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(lines[len(lines)-1])
}

// Abort ends the client: whoever waits for the brick gets an error.
func (m *Mount) Abort() {
	if m.cmd != nil && m.cmd.Process != nil {
		_ = m.cmd.Process.Kill() //nolint:errcheck // it may have ended
	}
}

// Close ends the client and removes what it needed.
func (m *Mount) Close() error {
	if m.stop != nil {
		m.stop()
	}
	if m.root >= 0 {
		_ = unix.Close(m.root) //nolint:errcheck // read only
		m.root = -1
	}
	if m.cmd != nil && m.cmd.Process != nil {
		m.Abort()
		<-m.ended
	}
	return os.RemoveAll(m.dir)
}
