// Package powerloss knows which bricks of this node may have lost what they
// had acknowledged: a brick on a disk whose node stopped without a clean
// shutdown. Replication cannot see it: GlusterFS marks a file while it is being
// written and never flushes it, so what the kernel had not written back is
// gone from one brick, and no mark says so.
//
// A clean stop leaves a marker beside the brick, and the next start takes it
// away, before glusterd starts. Where it is missing then, a brick whose file
// system is mounted sync holds everything it acknowledged, except for names
// that were half made; any other brick is withheld: moved out of its place,
// where GlusterFS does not start it. Package resync makes it equal to a
// survivor, and then it is released.
package powerloss

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/machine"
)

// Brick is a brick of this node on a file system that outlives a reboot.
type Brick struct{ Volume, Path string }

// Unclean is a start of a brick whose node had not been stopped cleanly.
type Unclean struct {
	Volume   string    `json:"volume"`
	Brick    string    `json:"brick"`     // path
	Time     time.Time `json:"time"`      // of the start
	Withheld bool      `json:"withheld"`  // it may have lost something
	Aside    string    `json:"aside"`     // directory with what was taken out, "" where nothing was
	TakenOut []string  `json:"taken_out"` // half made names, from the root of the volume
}

// Guard looks at bricks before glusterd starts and after it has stopped.
type Guard struct {
	Proc string // where /proc is
	Now  func() time.Time
}

func cleanPath(brick string) string {
	return filepath.Join(filepath.Dir(brick), ".gluster-setup-clean")
}

// Start says whether the brick's node was not stopped cleanly, and withholds
// the brick if that may have cost it anything. A brick whose process runs is
// left alone: nothing stopped.
func (g *Guard) Start(b Brick) (u Unclean, unclean bool, err error) {
	running, err := g.running(b.Path)
	if err != nil || running {
		return u, false, err
	}
	clean, err := takeMarker(cleanPath(b.Path))
	if err != nil {
		return u, false, err
	}
	id, err := gluster.BrickVolumeID(b.Path)
	switch {
	case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR):
		return u, false, nil // no brick yet, or its file system is missing
	case err != nil:
		return u, false, err
	case clean || id == "":
		return u, false, nil
	}
	u = Unclean{Volume: b.Volume, Brick: b.Path, Time: g.Now(), TakenOut: []string{}}
	var st unix.Statfs_t
	if err := unix.Statfs(b.Path, &st); err != nil {
		return u, true, fmt.Errorf("statfs %s: %w", b.Path, err)
	}
	if st.Flags&unix.ST_SYNCHRONOUS == 0 {
		u.Withheld = true
		return u, true, Withhold(b.Path)
	}
	aside := NewAside(b.Path, "unfinished", g.Now())
	u.TakenOut, err = takeOutUnfinished(b.Path, aside)
	if len(u.TakenOut) > 0 {
		u.Aside = aside.Dir
	}
	return u, true, err
}

// Stop leaves the marker of a clean stop when the brick's process has ended
// and what it wrote is on the disk. Where it runs, there is no stop.
func (g *Guard) Stop(b Brick) error {
	running, err := g.running(b.Path)
	if err != nil || running {
		return err
	}
	dir := filepath.Dir(b.Path)
	if _, err := os.Lstat(b.Path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := syncfs(dir); err != nil {
		return err
	}
	return machine.WriteFile(cleanPath(b.Path), []byte("stopped "+g.Now().UTC().Format(time.RFC3339)+"\n"), 0o600)
}

// Processes are the identifiers of the processes that serve a brick.
func (g *Guard) Processes(brick string) ([]int, error) {
	serving, err := gluster.ServingBrick(g.Proc, brick)
	if err != nil {
		return nil, fmt.Errorf("find the process of brick %s: %w", brick, err)
	}
	var out []int
	for _, p := range serving {
		out = append(out, p.PID)
	}
	return out, nil
}

func (g *Guard) running(brick string) (bool, error) {
	processes, err := g.Processes(brick)
	return len(processes) > 0, err
}

// takeMarker reports whether a marker was there; it is gone for good when this
// returns.
func takeMarker(path string) (bool, error) {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, fsync(filepath.Dir(path))
}

// withheldPath is where the directory of a brick lies while it is withheld:
// beside its place. GlusterFS starts no brick whose directory is missing; one
// without its volume-id would be given a new one by the next "volume start
// force" on any node.
func withheldPath(brick string) string {
	return filepath.Join(filepath.Dir(brick), ".gluster-setup-withheld")
}

// Withhold keeps a brick, whose process does not run, from GlusterFS until
// Release. Whatever it was compared with before counts no more.
func Withhold(brick string) error {
	if err := ForgetCompared(brick); err != nil {
		return err
	}
	if err := os.Rename(brick, withheldPath(brick)); err != nil {
		return fmt.Errorf("withhold brick %s: %w", brick, err)
	}
	return fsync(filepath.Dir(brick))
}

// Withheld is where a brick lies that is withheld, and the UUID of its volume;
// both are "" of another brick.
func Withheld(brick string) (dir, volume string, err error) {
	dir = withheldPath(brick)
	volume, err = gluster.BrickVolumeID(dir)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return "", "", nil
	}
	return dir, volume, err
}

// Release puts a brick back to its place: GlusterFS may start it.
func Release(brick string) error {
	err := os.Rename(withheldPath(brick), brick)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("release brick %s: %w", brick, err)
	}
	return fsync(filepath.Dir(brick))
}

func fsync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
