package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/textfile"
)

// unmountTimeout bounds one unmount, which writes to the file system what was kept back.
const unmountTimeout = 90 * time.Second

// takeMounts plans that mounts of ours are unmounted: when nobody uses them and nothing is lost with them.
func (h *Host) takeMounts(ctx context.Context, l left) (change.Plan, error) {
	var p change.Plan
	if len(l.mounts) == 0 {
		return p, nil
	}
	all, err := machine.Mounts()
	if err != nil {
		return p, err
	}
	for _, e := range l.mounts {
		mnt, err := machine.MountAt(e.File)
		if err != nil {
			return p, err
		}
		if e.Type == glusterFstype {
			if p.Changes, err = h.takeWait(ctx, p.Changes, e); err != nil {
				return p, err
			}
		}
		if mnt == nil || !mounts(e, mnt) {
			continue // only the line goes
		}
		c, err := h.inUse(e, mnt, all)
		if err != nil {
			return p, err
		}
		if c != nil {
			p.Conflicts = append(p.Conflicts, *c)
			continue
		}
		p.Changes = append(p.Changes, h.unmount(e, mnt))
	}
	return p, nil
}

const glusterFstype = "glusterfs"

// mounts reports whether what is mounted is what a line of ours mounts.
func mounts(e textfile.Fstab, mnt *mountinfo.Info) bool {
	if e.Type == glusterFstype {
		return mnt.FSType == "fuse.glusterfs" && gluster.ParseDevice(mnt.Source).Volume == gluster.ParseDevice(e.Spec).Volume
	}
	return mnt.FSType == e.Type && slices.Contains([]string{"tmpfs", "xfs", "ext4"}, e.Type)
}

// takeWait plans the end of a wait at boot for a volume that no mount of the cluster file waits for.
func (h *Host) takeWait(ctx context.Context, before []change.Change, e textfile.Fstab) ([]change.Change, error) {
	volume := gluster.ParseDevice(e.Spec).Volume
	unit := fmt.Sprintf(desired.WaitUnit, volume)
	if !h.Systemd.Running() || slices.ContainsFunc(h.State.ClientMounts, func(m desired.ClientMount) bool { return m.Volume == volume }) ||
		slices.ContainsFunc(before, func(c change.Change) bool { return c.Object == unit }) {
		return before, nil
	}
	active, _, err := h.Systemd.State(ctx, unit)
	if err == nil && active == "activating" {
		before = append(before, h.stopUnit(unit))
	}
	return before, err
}

// inUse is a conflict where a mount cannot go without harm.
func (h *Host) inUse(e textfile.Fstab, mnt *mountinfo.Info, all []*mountinfo.Info) (*change.Conflict, error) {
	what := "the file system of a brick"
	if e.Type == glusterFstype {
		what = "volume " + gluster.ParseDevice(e.Spec).Volume
	}
	if e.Type == "tmpfs" {
		held, err := holds(e.File)
		if err != nil {
			return nil, err
		}
		if held != "" {
			return &change.Conflict{
				Code: "left-files", Object: "mount " + e.File, Problem: fmt.Sprintf("the cluster file does not have this tmpfs any more, and it holds files (%s), which would be lost", held),
				Remedy: fmt.Sprintf("copy what is needed, run \"umount %s\", and run apply again; or write it back into %s", e.File, h.Source),
			}, nil
		}
	}
	users, err := h.Users(mnt)
	if err != nil {
		return nil, err
	}
	users = slices.DeleteFunc(users, h.ourExporter)
	words := others(e, mnt, all)
	for _, u := range users {
		words = append(words, u.String())
	}
	if len(words) == 0 {
		return nil, nil //nolint:nilnil // nobody uses it
	}
	const most = 8
	if n := len(words) - most; n > 0 {
		words = append(words[:most], fmt.Sprintf("%d more", n))
	}
	return &change.Conflict{
		Code: "left-in-use", Object: "mount " + e.File, Problem: fmt.Sprintf("the cluster file does not have this mount of %s any more, and it is in use: %s", what, strings.Join(words, "; ")),
		Remedy: fmt.Sprintf("end what uses it, and run apply again; or write the mount back into %s", h.Source),
	}, nil
}

// ourExporter reports whether a process is one of the exporter that runs by a unit of ours: this plan ends its probes of the mount.
func (h *Host) ourExporter(u machine.User) bool {
	if !strings.Contains(u.Group, "/"+desired.ExporterUnit) {
		return false
	}
	text, err := readText(filepath.Join(h.Root, desired.UnitPath(desired.ExporterUnit)))
	return err == nil && desired.Marked(text)
}

// others are the mounts that need a mount: those below it, and those of the same volume that a bind mount made.
func others(e textfile.Fstab, mnt *mountinfo.Info, all []*mountinfo.Info) []string {
	var words []string
	for _, o := range all {
		switch {
		case o.ID == mnt.ID:
		case o.Parent == mnt.ID:
			words = append(words, o.Mountpoint+" is mounted below it")
		case e.Type == glusterFstype && o.Major == mnt.Major && o.Minor == mnt.Minor:
			words = append(words, "it is mounted on "+o.Mountpoint+", too")
		}
	}
	return words
}

// holds names something on a brick's file system that is not GlusterFS's or ours; "" where there is nothing.
func holds(mount string) (string, error) {
	brick := desired.BrickOf(mount)
	for dir, own := range map[string]func(name string) bool{
		mount: func(name string) bool {
			// Other words of ours beside a brick are files that say something, these are what was taken out of one.
			contents := strings.HasPrefix(name, ".gluster-setup-aside") || strings.HasPrefix(name, ".gluster-setup-withheld")
			return name == filepath.Base(brick) || strings.HasPrefix(name, ".gluster-setup-") && !contents
		},
		brick: func(name string) bool {
			return name == ".glusterfs" || strings.HasPrefix(name, ".glusterfs-anonymous-inode-")
		},
	} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return !own(e.Name()) }); i >= 0 {
			return filepath.Join(dir, entries[i].Name()), nil
		}
	}
	return "", nil
}

var errBusy = errors.New("somebody uses it")

func (h *Host) unmount(e textfile.Fstab, mnt *mountinfo.Info) change.Change {
	return change.Change{
		Part: change.Host, Object: e.File, Code: leftMount, Action: "unmount", Why: "the cluster file does not have this mount any more, and nobody uses it",
		Commands: []string{"umount " + e.File},
		Do: func(ctx context.Context) error {
			now, err := machine.MountAt(e.File)
			if err != nil || now == nil || now.ID != mnt.ID {
				return err // somebody was quicker; the next look judges what is there now
			}
			ctx, cancel := context.WithTimeout(ctx, unmountTimeout)
			defer cancel()
			if _, err := h.Exec(ctx, nil, "umount", e.File); err != nil {
				if strings.Contains(err.Error(), "busy") {
					return &change.RetryError{Waiting: "nobody to use " + e.File, Err: fmt.Errorf("%w: %w", errBusy, err)}
				}
				return err
			}
			return nil
		},
	}
}
