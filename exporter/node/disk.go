package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
)

// Disk is the file system below a brick of this node.
type Disk struct {
	Size, Free, Available uint64 // bytes; Available is what is left for processes without privileges
	Inodes, FreeInodes    uint64 // 0 where the file system has no fixed number
	ReadOnly              bool
	// OnRoot says that the brick lies on the root file system: its own is not mounted, or it has none.
	OnRoot bool
	// VolumeID is the volume that the directory says it belongs to; "" says none.
	VolumeID string
	// Backlog is what the brick noted down to be healed on others.
	Backlog gluster.HealBacklog
}

// ErrStuck says that an earlier question to a file system is still without an answer.
var ErrStuck = errors.New("the file system does not answer")

// guard lets one question at a time through to a file system. A question to a disk that hangs cannot be taken back: its thread waits, the only one.
type guard struct {
	turn  chan struct{} // holds a token while nobody asks
	since time.Time     // of the question under way
}

// Disk looks at the file system below a brick, or gives up at the end of the context. Until that look has ended every other is ErrStuck.
func (n *Node) Disk(ctx context.Context, brick Brick) (Disk, error) {
	return guarded(ctx, n, brick.Path, func() (Disk, error) { return n.look(brick) })
}

// Changed is when a client last changed something below a brick: see gluster.BrickChanged. It waits as Disk does.
func (n *Node) Changed(ctx context.Context, brick Brick) (seconds float64, err error) {
	return guarded(ctx, n, brick.Path, func() (float64, error) { return gluster.BrickChanged(brick.Path, brick.Volume.ID) })
}

// guarded asks the file system below a brick, when its turn has come, on a thread that may wait for ever.
func guarded[T any](ctx context.Context, n *Node, path string, ask func() (T, error)) (T, error) {
	var none T
	g := n.guard(path)
	select {
	case <-g.turn:
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", ErrStuck, ctx.Err())
	}
	n.mu.Lock()
	g.since = time.Now()
	n.mu.Unlock()
	type answered struct {
		value T
		err   error
	}
	result := make(chan answered, 1)
	go func() {
		value, err := ask()
		n.mu.Lock()
		g.since = time.Time{}
		n.mu.Unlock()
		g.turn <- struct{}{}
		result <- answered{value, err}
	}()
	select {
	case a := <-result:
		return a.value, a.err
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", ErrStuck, ctx.Err())
	}
}

// StuckFor is how long the file system below a brick has not answered a question; 0 where none is open.
func (n *Node) StuckFor(path string) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if g := n.guards[path]; g != nil && !g.since.IsZero() {
		return time.Since(g.since)
	}
	return 0
}

func (n *Node) guard(path string) *guard {
	n.mu.Lock()
	defer n.mu.Unlock()
	g := n.guards[path]
	if g == nil {
		g = &guard{turn: make(chan struct{}, 1)}
		g.turn <- struct{}{}
		n.guards[path] = g
		n.indices[path] = gluster.NewHealIndex(path)
	}
	return g
}

// look makes the system calls. Only the holder of the guard's turn calls it.
func (n *Node) look(brick Brick) (Disk, error) {
	var d Disk
	var fs unix.Statfs_t
	if err := unix.Statfs(brick.Path, &fs); err != nil {
		return d, fmt.Errorf("statfs %s: %w", brick.Path, err)
	}
	block := uint64(fs.Frsize) //nolint:gosec // block sizes are positive
	if block == 0 {
		block = uint64(fs.Bsize) //nolint:gosec // see above
	}
	d.Size, d.Free, d.Available = fs.Blocks*block, fs.Bfree*block, fs.Bavail*block
	d.Inodes, d.FreeInodes = fs.Files, fs.Ffree
	d.ReadOnly = fs.Flags&unix.ST_RDONLY != 0
	var root, dir unix.Stat_t
	if err := errors.Join(unix.Stat("/", &root), unix.Stat(brick.Path, &dir)); err != nil {
		return d, fmt.Errorf("stat %s: %w", brick.Path, err)
	}
	d.OnRoot = root.Dev == dir.Dev
	var err error
	if d.VolumeID, err = gluster.BrickVolumeID(brick.Path); err != nil {
		return d, err
	}
	pid := 0
	if brick.Process != nil {
		pid = brick.Process.PID
	}
	n.mu.Lock()
	index := n.indices[brick.Path]
	n.mu.Unlock()
	d.Backlog, err = index.Read(pid)
	return d, err
}
