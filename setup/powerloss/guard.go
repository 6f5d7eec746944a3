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
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/beneath"
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
	// Undecided are the names that could not be looked at.
	Undecided int    `json:"undecided"`
	Doubt     string `json:"doubt,omitempty"` // what kept the guard from knowing more, in words
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
// left alone: nothing stopped. Whatever keeps this from knowing that a brick is
// right withholds it, too; with an error it could not be withheld, and must not
// be started.
func (g *Guard) Start(b Brick) (u Unclean, unclean bool, err error) {
	running, err := g.running(b.Path)
	if err != nil || running {
		return u, false, err
	}
	clean, doubt := takeMarker(cleanPath(b.Path))
	id, unread := gluster.BrickVolumeID(b.Path)
	switch {
	case errors.Is(unread, unix.ENOENT) || errors.Is(unread, unix.ENOTDIR):
		return u, false, nil // no brick yet, or its file system is missing
	case unread == nil && (clean || id == ""):
		return u, false, nil
	}
	u = Unclean{Volume: b.Volume, Brick: b.Path, Time: g.Now(), TakenOut: []string{}}
	sync, err := synchronous(b.Path)
	for _, problem := range []error{doubt, unread, err} {
		u.doubt(problem)
	}
	if sync && unread == nil {
		aside := NewAside(b.Path, "unfinished", g.Now())
		u.TakenOut, u.Undecided, err = takeOutUnfinished(b.Path, aside)
		u.doubt(err)
		if len(u.TakenOut) > 0 {
			u.Aside = aside.Dir
		}
		if err == nil {
			return u, true, nil
		}
	}
	u.Withheld = true
	return u, true, Withhold(b.Path)
}

// doubt adds what could not be found out about a brick.
func (u *Unclean) doubt(err error) {
	if err != nil && u.Doubt != "" {
		u.Doubt += "; "
	}
	if err != nil {
		u.Doubt += err.Error()
	}
}

// synchronous reports whether what a brick acknowledges is on its disk.
func synchronous(brick string) (bool, error) {
	d, err := beneath.Open(brick)
	if err != nil {
		return false, err
	}
	st, err := d.Statfs()
	return err == nil && st.Flags&unix.ST_SYNCHRONOUS != 0, errors.Join(err, d.Close())
}

// Stop leaves the marker of a clean stop when the brick's process has ended
// and what it wrote is on the disk. Where it runs, there is no stop.
func (g *Guard) Stop(b Brick) (err error) {
	running, err := g.running(b.Path)
	if err != nil || running {
		return err
	}
	brick, err := beneath.Open(b.Path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := errors.Join(brick.SyncFS(), brick.Close()); err != nil {
		return err
	}
	return beneath.WriteState(cleanPath(b.Path), []byte("stopped "+g.Now().UTC().Format(time.RFC3339)+"\n"))
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

// takeMarker reports whether root left a marker; it is gone for good when this
// returns. One that anybody else may have made counts for nothing, and neither
// does one that cannot be removed, since it would count again at the next start.
func takeMarker(path string) (bool, error) {
	noted, err := beneath.Noted(path)
	if rerr := beneath.RemoveState(path); rerr != nil {
		return false, errors.Join(err, rerr)
	}
	return noted, err
}

// withheldPath is where the directory of a brick lies while it is withheld:
// beside its place. GlusterFS starts no brick whose directory is missing; one
// without its volume-id would be given a new one by the next "volume start
// force" on any node.
func withheldPath(brick string) string {
	return filepath.Join(filepath.Dir(brick), ".gluster-setup-withheld")
}

// Withhold keeps a brick, whose process does not run, from GlusterFS until
// Release. Whatever it was compared with before counts no more: where that
// record cannot be removed, the brick is withheld all the same.
func Withhold(brick string) error {
	forgotten := ForgetCompared(brick)
	if err := renameBeside(brick, brick, withheldPath(brick)); err != nil {
		return fmt.Errorf("withhold brick %s: %w", brick, errors.Join(err, forgotten))
	}
	return forgotten
}

// renameBeside renames the directory of a brick. No other brick has the new name.
func renameBeside(brick, from, to string) error {
	beside, err := beneath.Open(filepath.Dir(brick))
	if err != nil {
		return err
	}
	defer beside.Close() //nolint:errcheck // what was renamed is on the disk by then
	err = beside.Rename(filepath.Base(from), beside, filepath.Base(to))
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ENOTDIR) {
		// Only root can make something a brick: anything else is in the way.
		if id, ierr := gluster.BrickVolumeID(to); ierr == nil && id == "" {
			err = beside.Displace(filepath.Base(to))
			if err == nil {
				err = beside.Rename(filepath.Base(from), beside, filepath.Base(to))
			}
		}
	}
	if err != nil {
		return err
	}
	return beside.Sync()
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
	err := renameBeside(brick, withheldPath(brick), brick)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("release brick %s: %w", brick, err)
	}
	return nil
}
