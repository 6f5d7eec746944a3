package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"brickyard/gluster"
)

// Volume is a volume and the numbers by which nodes compare what they know of it.
type Volume struct {
	gluster.Volume
	// Stamps are zero where glusterd's files cannot be read; then Unstamped says why.
	Stamps    gluster.VolumeStamps
	Unstamped error
	// Secondaries are those of its geo-replication sessions, none where Unread says why.
	Secondaries []gluster.Secondary
	Unread      error
}

// volumeCache keeps what glusterd said of each volume until its files of the volume are replaced: glusterd tells of one volume a call, and of a
// thousand in a fifth of a second.
type volumeCache struct {
	mu    sync.Mutex
	known map[string]cached
	order []string
}

type cached struct {
	volume Volume
	paths  [2]string // of info and cksum
	stored [2]stored // the same, as they were
}

// stored identifies one state of a file that is replaced as a whole.
type stored struct {
	inode, size uint64
	time        syscall.Timespec
}

func (c *volumeCache) all(ctx context.Context, n *Node, a *answer[[]Volume]) ([]Volume, error) {
	return a.get(func() ([]Volume, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		err := c.refresh(ctx, n)
		out := make([]Volume, 0, len(c.order))
		for _, name := range c.order {
			out = append(out, c.known[name].volume)
		}
		return out, err
	})
}

func (c *volumeCache) refresh(ctx context.Context, n *Node) error {
	names, err := n.Glusterd.VolumeNames(ctx)
	if err != nil {
		return err
	}
	known, order := make(map[string]cached, len(names)), make([]string, 0, len(names))
	var errs []error
	for _, name := range names {
		// Looked at first: what changes later makes another state.
		now, ok := c.known[name]
		if !ok {
			dir := filepath.Join(n.cfg.Workdir, "vols", name)
			now.paths = [2]string{filepath.Join(dir, "info"), filepath.Join(dir, "cksum")}
		}
		files := statesOf(now.paths)
		if !ok || files[0] == (stored{}) || files != now.stored {
			v, err := n.Glusterd.Volume(ctx, name)
			if errors.Is(err, gluster.ErrNoSuchVolume) {
				continue // deleted since
			}
			if err != nil {
				errs = append(errs, err)
				if !ok {
					continue
				}
			} else {
				now = cached{volume: Volume{Volume: v}, paths: now.paths, stored: files}
				now.volume.Stamps, now.volume.Unstamped = n.Store.VolumeStamps(name)
				now.volume.Secondaries, now.volume.Unread = n.Store.Secondaries(name)
			}
		}
		known[name], order = now, append(order, name)
	}
	c.known, c.order = known, order
	return errors.Join(errs...)
}

// statesOf identifies the states of files; where one cannot be seen all are zero.
func statesOf(paths [2]string) (out [2]stored) {
	for i, path := range paths {
		var st syscall.Stat_t
		if err := syscall.Stat(path, &st); err != nil {
			return [2]stored{}
		}
		out[i] = stored{inode: st.Ino, size: uint64(st.Size), time: st.Mtim} //nolint:gosec // a size
	}
	return out
}

// Exists reports whether there is a file, or may be one.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
