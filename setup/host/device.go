package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	if err != nil || mnt != nil {
		return p, d, err // brickMount compares what is mounted with the device
	}
	if !d.exists {
		return h.newImage(m, field), d, nil
	}
	formatting := exists(h.formatMark(d.path))
	state, err := h.probe(ctx, d)
	if err != nil {
		return p, d, err
	}
	switch {
	case formatting:
		p.Changes = append(p.Changes, h.format(m, d, true, "the machine stopped while the file system was being made on this blank device"))
	case state.fstype == m.Fstype:
	case state.blank:
		p.Changes = append(p.Changes, h.format(m, d, false, "the device is blank: no signature and nothing but zeros where one would look"))
	default:
		p.Conflicts = append(p.Conflicts, change.Conflict{
			Code: "device-not-blank", Object: "device " + m.Spec, Problem: fmt.Sprintf("it holds %s, not the %s that the cluster file says, and is not blank", state.holds, m.Fstype),
			Remedy: fmt.Sprintf("correct %s or fstype; if its content may be lost, erase it yourself (wipefs -a and blkdiscard -z %s)", field, d.path),
		})
	}
	return p, d, nil
}

// resolve finds the device of a fstab spec. A problem is in words for a person.
func (h *Host) resolve(ctx context.Context, spec string) (d device, problem string, err error) {
	d.path = spec
	for prefix, flag := range map[string]string{"UUID=": "-U", "LABEL=": "-L"} {
		value, ok := strings.CutPrefix(spec, prefix)
		if !ok {
			continue
		}
		out, err := h.Exec(ctx, nil, "blkid", flag, value)
		if machine.ExitCode(err) == 2 {
			return d, "no device on this machine has this " + strings.TrimSuffix(prefix, "="), nil
		}
		if err != nil {
			return d, "", fmt.Errorf("find device %s: %w", spec, err)
		}
		d.path = strings.TrimSpace(string(out))
	}
	var st unix.Stat_t
	switch err := unix.Stat(d.path, &st); {
	case errors.Is(err, unix.ENOENT) && strings.HasPrefix(d.path, "/dev/"):
		return d, "there is no such device on this machine", nil
	case errors.Is(err, unix.ENOENT):
		return d, "", nil
	case err != nil:
		return d, "", fmt.Errorf("stat %s: %w", d.path, err)
	}
	d.exists = true
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFBLK:
		d.rdev = st.Rdev
	case unix.S_IFREG:
	default:
		return d, "it is neither a block device nor a file", nil
	}
	return d, "", nil
}

// mismatch says in words how a mounted file system differs from the declared
// one, or nothing when it is the same.
func (d device) mismatch(m desired.BrickMount, mnt *mountinfo.Info) string {
	if mnt.FSType != m.Fstype {
		return fmt.Sprintf("%s (%s) is mounted there, the cluster file says %s", mnt.FSType, mnt.Source, m.Fstype)
	}
	switch {
	case m.Fstype == "tmpfs":
		return ""
	case !d.exists:
		return fmt.Sprintf("%s is mounted there, the cluster file says %s, which does not exist", mnt.Source, m.Spec)
	case d.rdev != 0:
		if unix.Mkdev(uint32(mnt.Major), uint32(mnt.Minor)) != d.rdev { //nolint:gosec // device numbers are small
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
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

type deviceState struct {
	fstype string // of the file system on it
	blank  bool
	holds  string // what is on it, in words
}

// probe looks at what a device holds: signatures by blkid, then the bytes.
func (h *Host) probe(ctx context.Context, d device) (deviceState, error) {
	out, err := h.Exec(ctx, nil, "blkid", "-p", "-o", "export", d.path)
	switch code := machine.ExitCode(err); {
	case err == nil:
		values := map[string]string{}
		for l := range strings.SplitSeq(string(out), "\n") {
			if k, v, ok := strings.Cut(l, "="); ok {
				values[k] = v
			}
		}
		s := deviceState{fstype: values["TYPE"], holds: "a file system of type " + values["TYPE"]}
		if s.fstype == "" {
			s.holds = "a partition table (" + values["PTTYPE"] + ")"
		}
		return s, nil
	case code == 8:
		return deviceState{holds: "signatures of several file systems at once"}, nil
	case code != 2:
		return deviceState{}, fmt.Errorf("look at device %s: %w", d.path, err)
	}
	// O_EXCL on a block device fails while anything in the kernel uses it.
	fd, err := unix.Open(d.path, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.EBUSY) {
		return deviceState{holds: "something that is in use (mounted, or part of a RAID, LVM or multipath device)"}, nil
	}
	if err != nil {
		return deviceState{}, fmt.Errorf("open %s: %w", d.path, err)
	}
	f := os.NewFile(uintptr(fd), d.path)
	defer f.Close() //nolint:errcheck // read only
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return deviceState{}, fmt.Errorf("size of %s: %w", d.path, err)
	}
	at, err := firstData(f, size)
	if err != nil {
		return deviceState{}, fmt.Errorf("read %s: %w", d.path, err)
	}
	if at >= 0 {
		return deviceState{holds: fmt.Sprintf("data that no tool knows, first seen at byte %d,", at)}, nil
	}
	return deviceState{blank: true}, nil
}

const (
	edge    = 16 << 20 // bytes read in full at both ends of a device
	sample  = 4 << 10  // bytes read at each point between
	samples = 2048
)

// firstData looks for a byte that is not zero: in full at both ends, where
// every file system, RAID and partition table keeps its signatures, and at
// evenly spread points between. It returns -1 when it finds none.
func firstData(r io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 1<<20)
	scan := func(from, to int64) (int64, error) {
		for at := from; at < to; {
			n, err := r.ReadAt(buf[:min(int64(len(buf)), to-at)], at)
			for i, b := range buf[:n] {
				if b != 0 {
					return at + int64(i), nil
				}
			}
			at += int64(n)
			if err != nil && !errors.Is(err, io.EOF) {
				return 0, err
			}
			if n == 0 {
				break
			}
		}
		return -1, nil
	}
	if size <= 2*edge {
		return scan(0, size)
	}
	if at, err := scan(0, edge); at >= 0 || err != nil {
		return at, err
	}
	if at, err := scan(size-edge, size); at >= 0 || err != nil {
		return at, err
	}
	step := (size - 2*edge) / samples
	for i := range int64(samples) {
		from := edge + i*step
		if at, err := scan(from, min(from+sample, size-edge)); at >= 0 || err != nil {
			return at, err
		}
	}
	return -1, nil
}

func mkfs(fstype, path string, again bool) []string {
	argv := []string{"mkfs." + fstype, "-q"}
	switch {
	case fstype == "xfs" && again:
		argv = append(argv, "-f")
	case fstype == "ext4" && again:
		argv = append(argv, "-F")
	}
	return append(argv, path)
}

// format makes the file system. The mark says that this device was blank when
// we began, so that a run after a crash may begin again.
func (h *Host) format(m desired.BrickMount, d device, again bool, why string) change.Change {
	argv := mkfs(m.Fstype, d.path, again)
	return change.Change{
		Part: change.Host, Object: d.path, Action: "format", Why: why, Commands: []string{strings.Join(argv, " ")},
		Do: func(ctx context.Context) error {
			mark := h.formatMark(d.path)
			if err := machine.WriteFile(mark, []byte(d.path+"\n"), 0o600); err != nil {
				return fmt.Errorf("leave a mark before formatting: %w", err)
			}
			if _, err := h.Exec(ctx, nil, argv...); err != nil {
				return err
			}
			return os.Remove(mark)
		},
	}
}

func (h *Host) formatMark(path string) string {
	return filepath.Join(h.StateDir, "formatting-"+strings.ReplaceAll(strings.Trim(path, "/"), "/", "-"))
}

// newImage makes an image file with its file system under another name first:
// under its own name it exists only when it is complete.
func (h *Host) newImage(m desired.BrickMount, field string) change.Plan {
	var p change.Plan
	if m.Size == 0 {
		p.Conflicts = append(p.Conflicts, change.Conflict{
			Code: "device-missing", Object: "image file " + m.Spec, Problem: "it does not exist, and the cluster file does not say how large to make it",
			Remedy: "add volumes." + m.Volume + ".bricks.disk.size, or correct " + field,
		})
		return p
	}
	temp := m.Spec + ".new"
	argv := mkfs(m.Fstype, temp, true)
	if m.Fstype == "xfs" {
		argv = append(argv[:len(argv)-1], "-K", temp) // keep the blocks that were just reserved
	} else {
		argv = append(argv[:len(argv)-1], "-E", "nodiscard", temp)
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Host, Object: m.Spec, Action: "create", Why: "the image file of volume " + m.Volume + "'s brick is missing",
		Commands: []string{fmt.Sprintf("fallocate -l %d %s", m.Size, temp), strings.Join(argv, " "), "mv " + temp + " " + m.Spec},
		Do: func(ctx context.Context) error {
			if err := os.MkdirAll(filepath.Dir(m.Spec), 0o755); err != nil { //nolint:gosec // the image itself is private
				return err
			}
			if err := reserve(temp, m.Size); err != nil {
				return errors.Join(err, os.Remove(temp))
			}
			if _, err := h.Exec(ctx, nil, argv...); err != nil {
				return errors.Join(err, os.Remove(temp))
			}
			return os.Rename(temp, m.Spec)
		},
	})
	return p
}

// reserve makes a file of size bytes whose blocks are all allocated, so that a
// brick cannot run out of room that its file system promised.
func reserve(path string, size int64) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, size); err != nil {
		return fmt.Errorf("reserve %d bytes for %s: %w", size, path, err)
	}
	return f.Sync()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
