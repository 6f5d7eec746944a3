package actual

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/beneath"
	"brickyard/setup/powerloss"
)

// disk looks at the place of a local brick, and reports whether it is on tmpfs.
func (o *Observer) disk(v gluster.Volume, b *Brick) (tmpfs bool) {
	for _, m := range o.State.BrickMounts {
		if m.BrickPath != b.Path {
			continue
		}
		tmpfs = m.Fstype == "tmpfs"
		problem, err := o.Mounted(m)
		if err != nil {
			problem = err.Error()
		}
		if problem != "" {
			b.Disk, b.Why = Unmounted, m.Path+" is not the brick's file system of the cluster file: "+problem
			return tmpfs
		}
	}
	b.Disk, b.Why = lookAtDisk(b.Path, v.ID)
	exposed, err := beneath.Exposed(b.Path)
	if err != nil {
		exposed = "nobody knows who may write around it: " + err.Error()
	}
	b.Exposed = exposed
	if b.Disk != Wiped {
		return tmpfs
	}
	switch dir, id, err := powerloss.Withheld(b.Path); {
	case err != nil:
		b.Disk, b.Why = Unmounted, err.Error()
	case dir == "":
	case strings.EqualFold(id, v.ID):
		b.Disk, b.Why = Withheld, dir
	default:
		b.Disk, b.Why = Foreign, dir+" has the volume-id "+id
	}
	return tmpfs
}

func lookAtDisk(dir, volume string) (Disk, string) {
	st, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(dir)); err != nil {
			return Unmounted, "the directory of the brick is not there: " + err.Error()
		}
		return Wiped, ""
	case err != nil:
		return Unmounted, err.Error()
	case st.Mode()&fs.ModeSymlink != 0:
		return Link, dir
	}
	switch id, err := gluster.BrickVolumeID(dir); {
	case err != nil:
		return Unmounted, err.Error()
	case strings.EqualFold(id, volume):
		return Stamped, ""
	case id != "":
		return Foreign, "volume-id " + id
	}
	d, err := os.Open(dir) //nolint:gosec // beneath a directory that only root enters
	if err != nil {
		return Unmounted, err.Error()
	}
	defer d.Close() //nolint:errcheck // read only
	names, err := d.Readdirnames(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return Unmounted, err.Error()
	}
	for _, n := range names {
		if n != ".glusterfs" {
			return Unstamped, dir + " has " + n
		}
	}
	return Wiped, ""
}

// compared fills in with which others a local brick was compared.
func compared(set *Set, own int) {
	with, err := powerloss.Compared(set.Bricks[own].Path)
	for i := range set.Bricks {
		set.Bricks[i].Compared = err == nil && slices.Contains(with, set.Bricks[i].Comparison()) // a record that cannot be read is none
	}
}

// Begun is how the mark of a refill begins that GlusterFS has not confirmed. A
// reset-brick that fails on another node has stamped the brick here already.
const Begun = "begun "

// readMark fills in what root's mark beside a brick says. Anybody else's counts
// for nothing; one that cannot be read may be root's.
func readMark(path string, b *Brick) {
	mark, err := beneath.ReadState(path)
	switch {
	case errors.Is(err, beneath.ErrNotRoots):
		b.Ignored = err.Error()
	case !errors.Is(err, fs.ErrNotExist):
		b.Mark, b.Begun = true, strings.HasPrefix(string(mark), Begun)
	}
}

// MarkPath is where the mark of an unfinished refill of a brick lies: beside it, so that it vanishes with it.
func MarkPath(brick string) string {
	return filepath.Join(filepath.Dir(brick), ".gluster-setup-refill")
}
