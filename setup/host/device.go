package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
)

// device is what a declared brick device is on this machine.
type device struct {
	path   string // the block device or image file
	rdev   uint64 // number of the block device; 0 for an image file
	exists bool
}

// device plans a brick's device up to its file system. A file system is only
// ever made on a device that is provably blank; everything else is a conflict.
func (h *Host) device(ctx context.Context, m desired.BrickMount) (change.Plan, device, error) {
	var p change.Plan
	field := "volumes." + m.Volume + ".bricks.disk.device"
	d, problem, err := h.resolve(ctx, m.Spec)
	if err != nil {
		return p, d, err
	}
	if problem != "" {
		p.Conflicts = append(p.Conflicts, change.Conflict{Code: "device-missing", Object: "device " + m.Spec, Problem: problem, Remedy: "attach the device, or correct " + field})
		return p, d, nil
	}
	mnt, err := machine.MountAt(m.Path)
	if err != nil {
		return p, d, err
	}
	if mnt != nil { // brickMount compares what is mounted with the device
		if d.exists && d.mismatch(m, mnt) == "" {
			return h.forgetMarks(d), d, nil
		}
		return p, d, nil
	}
	if !d.exists {
		p, err = h.newImage(m, field)
		return p, d, err
	}
	state, err := h.probe(ctx, d)
	if err != nil {
		return p, d, err
	}
	if state.busy != "" {
		p.Conflicts = append(p.Conflicts, change.Conflict{
			Code: "device-in-use", Object: "device " + m.Spec, Problem: "it is in use by " + state.busy,
			Remedy: "free the device if it is the right one (umount, or take it out of what uses it), or correct " + field,
		})
		return p, d, nil
	}
	mark, err := h.markOf(d, state)
	if err != nil {
		return p, d, err
	}
	switch {
	case state.blank:
		p.Changes = append(p.Changes, h.format(m, d, "the device is blank: no signature and nothing but zeros where one would look"))
	case mark != nil && (state.unknown || state.fstype == m.Fstype):
		p.Changes = append(p.Changes, h.resume(m, d, *mark))
	case state.fstype == m.Fstype:
	default:
		p.Conflicts = append(p.Conflicts, notBlank(m, d, state, field))
	}
	return p, d, nil
}

func notBlank(m desired.BrickMount, d device, state deviceState, field string) change.Conflict {
	return change.Conflict{
		Code: "device-not-blank", Object: "device " + m.Spec, Problem: fmt.Sprintf("it holds %s not the %s that the cluster file says, and is not blank", strings.TrimSuffix(state.holds, ",")+",", m.Fstype),
		Remedy: fmt.Sprintf("correct %s or fstype; if its content may be lost, erase it yourself (wipefs -a and blkdiscard -z %s)", field, d.path),
	}
}

// resolve finds the device of a fstab spec. A problem is in words for a person.
func (h *Host) resolve(ctx context.Context, spec string) (d device, problem string, err error) {
	d.path = spec
	if tag, _, ok := strings.Cut(spec, "="); ok && !strings.HasPrefix(spec, "/") {
		d.path, problem, err = h.byTag(ctx, tag, spec)
		if err != nil || problem != "" {
			return d, problem, err
		}
	}
	var st unix.Stat_t
	switch err := unix.Stat(d.path, &st); {
	case errors.Is(err, unix.ENOENT) && strings.HasPrefix(d.path, "/dev/"):
		return d, "there is no such device on this machine", nil
	case errors.Is(err, unix.ENOENT):
		if exists(d.path) {
			return d, "it is a symbolic link to something that does not exist", nil
		}
		return d, "", nil
	case errors.Is(err, unix.ENOTDIR):
		return d, "a part of its path is no directory", nil
	case err != nil:
		return d, "", fmt.Errorf("stat %s: %w", d.path, err)
	}
	d.exists = true
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFBLK:
		d.rdev = st.Rdev
	case unix.S_IFREG:
		if strings.HasPrefix(d.path, "/dev/") {
			return d, "it is a plain file below /dev (somebody wrote to the device's name while the device was missing)", nil
		}
	default:
		return d, "it is neither a block device nor a file", nil
	}
	return d, "", nil
}

// byTag finds the one device whose file system has a UUID or label. blkid's
// cache is left out: it remembers devices that are gone. Devices that are legs
// of another one (multipath, RAID 1) carry its tags and do not count.
func (h *Host) byTag(ctx context.Context, tag, spec string) (path, problem string, err error) {
	out, err := h.Exec(ctx, nil, "blkid", "-c", "/dev/null", "-o", "device", "-t", spec)
	if err != nil && machine.ExitCode(err) != 2 {
		return spec, "", fmt.Errorf("find device %s: %w", spec, err)
	}
	var found []string
	for dev := range strings.FieldsSeq(string(out)) {
		holders, err := os.ReadDir(filepath.Join("/sys/class/block", filepath.Base(dev), "holders"))
		if err != nil || len(holders) == 0 {
			found = append(found, dev)
		}
	}
	switch len(found) {
	case 0:
		return spec, "no device on this machine has this " + tag, nil
	case 1:
		return found[0], "", nil
	default:
		return spec, fmt.Sprintf("%d devices have this %s (%s), so it is chance which one is mounted: one may be a copy of the other", len(found), tag, strings.Join(found, ", ")), nil
	}
}

// users says in words who uses the device on this machine, or nothing.
func (d device) users() (string, error) {
	numbers := []uint64{d.rdev}
	if d.rdev == 0 {
		loops, err := machine.LoopsOf(d.path)
		if err != nil || len(loops) == 0 {
			return "", err
		}
		numbers = nil
		for _, l := range loops {
			var st unix.Stat_t
			if unix.Stat(l, &st) == nil {
				numbers = append(numbers, st.Rdev)
			}
		}
		if at, err := mountedAt(numbers); at != "" || err != nil {
			return at, err
		}
		return "the loop device " + loops[0], nil
	}
	return mountedAt(numbers)
}

func mountedAt(numbers []uint64) (string, error) {
	all, err := machine.Mounts()
	if err != nil {
		return "", err
	}
	for _, m := range all {
		for _, n := range numbers {
			if number(m) == n {
				return "a file system mounted at " + m.Mountpoint, nil
			}
		}
	}
	return "", nil
}

func number(m *mountinfo.Info) uint64 {
	return unix.Mkdev(uint32(m.Major), uint32(m.Minor)) //nolint:gosec // device numbers are small
}

// mismatch says in words how a mounted file system differs from the declared
// one, or nothing when it is the same.
func (d device) mismatch(m desired.BrickMount, mnt *mountinfo.Info) string {
	if mnt.FSType != m.Fstype {
		return fmt.Sprintf("%s (%s) is mounted there, the cluster file says %s", mnt.FSType, mnt.Source, m.Fstype)
	}
	if mnt.Root != "/" {
		return fmt.Sprintf("only the directory %s of a file system (%s) is mounted there (a bind mount), the cluster file says the whole", mnt.Root, mnt.Source)
	}
	switch {
	case m.Fstype == "tmpfs":
		return ""
	case !d.exists:
		return fmt.Sprintf("%s is mounted there, the cluster file says %s, which does not exist", mnt.Source, m.Spec)
	case d.rdev != 0:
		if number(mnt) != d.rdev {
			return fmt.Sprintf("%s is mounted there, the cluster file says %s (%s)", mnt.Source, m.Spec, d.path)
		}
		return ""
	}
	backing, err := os.ReadFile(fmt.Sprintf("/sys/dev/block/%d:%d/loop/backing_file", mnt.Major, mnt.Minor))
	if err != nil {
		return fmt.Sprintf("%s is mounted there, which is no loop device, the cluster file says the image file %s", mnt.Source, m.Spec)
	}
	if have := strings.TrimSpace(string(backing)); have != d.path && !sameFile(have, d.path) {
		return fmt.Sprintf("the image file %s is mounted there, the cluster file says %s", have, m.Spec)
	}
	return ""
}

func sameFile(a, b string) bool {
	x, err1 := os.Stat(a) //nolint:gosec // the kernel's name of a backing file, or the cluster file's
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}
