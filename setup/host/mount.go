package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
)

// brickMount plans one brick file system: mounted, and the declared one.
func (h *Host) brickMount(m desired.BrickMount, d device) (change.Plan, error) {
	var p change.Plan
	refuse := func(problem, remedy string) (change.Plan, error) {
		p.Conflicts = append(p.Conflicts, change.Conflict{Code: "brick-mount", Object: "mount " + m.Path, Problem: problem, Remedy: remedy})
		return p, nil
	}
	field := "volumes." + m.Volume + ".bricks"
	if c, err := exposed("mount "+m.Path, m.Path, field); err != nil || c != nil {
		if c != nil {
			p.Conflicts = append(p.Conflicts, *c)
		}
		return p, err
	}
	mnt, err := machine.MountAt(m.Path)
	if err != nil {
		return p, err
	}
	if mnt == nil {
		if c, err := machine.HiddenFiles(m.Path); err != nil || c != nil {
			if c != nil {
				p.Conflicts = append(p.Conflicts, *c)
			}
			return p, err
		}
		p.Changes = append(p.Changes, h.mount(m.Path, "the brick file system of volume "+m.Volume+" is not mounted"))
		return p, nil
	}
	remedy := "unmount it if it is not needed, or correct " + field + " in the cluster file"
	if problem := d.mismatch(m, mnt); problem != "" {
		return refuse(problem, remedy)
	}
	if m.Fstype == "tmpfs" {
		return h.tmpfs(m, mnt)
	}
	if machine.HasOption(mnt, "ro") {
		return refuse("it is mounted read-only: somebody asked for that, or the kernel found an error on the disk (see dmesg)",
			"find out which; then \"mount -o remount,rw "+m.Path+"\", or unmount, repair and mount it again")
	}
	if c, err := brickDir(m.BrickPath); err != nil || c != nil {
		if c != nil {
			p.Conflicts = append(p.Conflicts, *c)
		}
		return p, err
	}
	var options, whys []string
	switch {
	case m.Sync && !machine.HasOption(mnt, "sync"):
		options, whys = []string{"sync"}, []string{"durability is sync: what is acknowledged must be on the disk"}
	case !m.Sync && machine.HasOption(mnt, "sync"):
		options, whys = []string{"async"}, []string{"durability is async"}
	}
	return h.settings(m, mnt, options, whys)
}

// brickDir is a conflict when what should be the brick is something else.
func brickDir(path string) (*change.Conflict, error) {
	st, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // creating the volume makes it
	case err != nil:
		return nil, err
	case st.IsDir():
		return nil, nil //nolint:nilnil // as it should be
	}
	what := "a file"
	if st.Mode()&fs.ModeSymlink != 0 {
		what = "a symbolic link"
	}
	return &change.Conflict{Code: "brick-path", Object: "brick " + path, Problem: "it is " + what + ", not a directory", Remedy: "move it away: the brick must be a directory of this file system"}, nil
}

func (h *Host) tmpfs(m desired.BrickMount, mnt *mountinfo.Info) (change.Plan, error) {
	var p change.Plan
	conflict := func(code, problem, remedy string) (change.Plan, error) {
		p.Conflicts = append(p.Conflicts, change.Conflict{Code: code, Object: "mount " + mnt.Mountpoint, Problem: problem, Remedy: remedy})
		return p, nil
	}
	all, err := machine.Mounts()
	if err != nil {
		return p, err
	}
	for _, o := range all {
		if number(o) == number(mnt) && o.Mountpoint != mnt.Mountpoint {
			return conflict("brick-mount", fmt.Sprintf("the tmpfs there is also mounted at %s: it is somebody else's", o.Mountpoint), "unmount it, and run apply again")
		}
	}
	if machine.HasOption(mnt, "ro") {
		return conflict("brick-mount", "it is mounted read-only", "find out who did that; then run \"mount -o remount,rw "+m.Path+"\", and run apply again")
	}
	var st unix.Statfs_t
	if err := unix.Statfs(m.Path, &st); err != nil {
		return p, fmt.Errorf("statfs %s: %w", m.Path, err)
	}
	page := int64(os.Getpagesize())
	have, want := int64(st.Blocks)*st.Bsize, (m.Size+page-1)/page*page //nolint:gosec // block counts of a tmpfs fit
	used := int64(st.Blocks-st.Bfree) * st.Bsize                       //nolint:gosec // as above
	var options, whys []string
	switch {
	case have == want:
	case used > want:
		return conflict("tmpfs-size", fmt.Sprintf("it holds %d bytes, more than the %d bytes that the cluster file allows", used, want),
			"free space on the volume, or raise volumes."+m.Volume+".bricks.tmpfs.size")
	default:
		options, whys = []string{fmt.Sprintf("size=%d", want)}, []string{fmt.Sprintf("the tmpfs has %d bytes, the cluster file says %d", have, want)}
	}
	return h.settings(m, mnt, options, whys)
}

func (h *Host) mount(path, why string) change.Change {
	return change.Change{
		Part: change.Host, Object: path, Code: "brick-mount", Action: "mount", Why: why,
		Commands: []string{"mkdir -p " + path, "mount " + path, "chmod 0700 " + path},
		Do: func(ctx context.Context) error {
			if err := os.MkdirAll(path, 0o755); err != nil { //nolint:gosec // mount points are world readable
				return err
			}
			// The plan may be minutes old, and fstab's automount or a person quicker.
			if mnt, err := machine.MountAt(path); err != nil || mnt != nil {
				return err
			}
			if _, err := h.Exec(ctx, nil, "mount", path); err != nil {
				return err
			}
			mnt, err := machine.MountAt(path)
			if err == nil && mnt == nil {
				err = fmt.Errorf("mount %s: %w", path, errNotThere)
			}
			if err != nil {
				return err
			}
			return MakePrivate(path) // a new file system may be read by everybody
		},
	}
}

// errNotThere keeps apply from mounting again and again.
var errNotThere = errors.New("mount reports success, but the mount table does not show it: look at \"findmnt\" and at systemd's journal, which may have unmounted it again")

func (h *Host) remount(path, option, why string) change.Change {
	return change.Change{
		Part: change.Host, Object: path, Code: "brick-remount", Action: "remount", Why: why,
		Commands: []string{"mount -o remount," + option + " " + path},
		Do: func(ctx context.Context) error {
			_, err := h.Exec(ctx, nil, "mount", "-o", "remount,"+option, path)
			return err
		},
	}
}

// directory plans a brick directory on a file system that is already there.
// GlusterFS refuses bricks on the root file system, so that is a conflict here.
func (h *Host) directory(d desired.Directory) (change.Plan, error) {
	var p change.Plan
	conflict := func(code, problem, remedy string) (change.Plan, error) {
		p.Conflicts = append(p.Conflicts, change.Conflict{Code: code, Object: "directory " + d.Path, Problem: problem, Remedy: remedy})
		return p, nil
	}
	missing, _, err := h.fstabSays(d.Path, "")
	if err != nil {
		return p, err
	}
	if missing != "" {
		return conflict("not-mounted", fmt.Sprintf("/etc/fstab lists a file system at %s that is not mounted: the brick would land below it", missing), "mount "+missing+" and run apply again")
	}
	if c, err := machine.Linked(d.Path); err != nil || c != nil {
		if c != nil {
			p.Conflicts = append(p.Conflicts, *c)
		}
		return p, err
	}
	if c, err := exposed("directory "+d.Path, d.BrickPath, "volumes."+d.Volume+".bricks.directory"); err != nil || c != nil {
		if c != nil {
			p.Conflicts = append(p.Conflicts, *c)
		}
		return p, err
	}
	dev, exists, err := machine.DeviceOf(d.Path)
	if err != nil {
		return p, err
	}
	root, _, err := machine.DeviceOf("/")
	if err != nil {
		return p, err
	}
	if dev == root {
		return conflict("brick-on-root", "it is on the root file system, where GlusterFS refuses bricks: a full volume would fill the machine's own disk",
			"mount a file system there first, or use disk with an image file in volumes."+d.Volume+".bricks")
	}
	for _, path := range []string{d.Path, d.BrickPath} {
		if c, err := brickDir(path); err != nil || c != nil {
			if c != nil {
				p.Conflicts = append(p.Conflicts, *c)
			}
			return p, err
		}
	}
	if !exists {
		p.Changes = append(p.Changes, change.Change{
			Part: change.Host, Object: d.Path, Code: "brick-directory", Action: "create", Why: "the brick directory of volume " + d.Volume + " is missing",
			Commands: []string{"install -d -m 0700 " + d.Path},
			Do: func(context.Context) error {
				if err := os.MkdirAll(filepath.Dir(d.Path), 0o755); err != nil { //nolint:gosec // only the last is the brick's
					return err
				}
				return os.Mkdir(d.Path, 0o700)
			},
		})
	}
	return p, nil
}
