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

	"golang.org/x/sys/unix"

	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/textfile"
)

// newImage makes an image file with its file system under another name first:
// under its own name it exists only when it is complete. An image that was
// here before, or whose directory is not what it should be, is never made anew.
func (h *Host) newImage(m desired.BrickMount, field string) (change.Plan, error) {
	var p change.Plan
	conflict := func(code, problem, remedy string) (change.Plan, error) {
		p.Conflicts = append(p.Conflicts, change.Conflict{Code: code, Object: "image file " + m.Spec, Problem: problem, Remedy: remedy})
		return p, nil
	}
	dir := filepath.Dir(m.Spec)
	missing, known, err := h.fstabSays(dir, m.Spec)
	if err != nil {
		return p, err
	}
	switch {
	case missing != "":
		return conflict("not-mounted", fmt.Sprintf("it does not exist, and %s, on which it lies, is not mounted although /etc/fstab lists it", missing), "mount "+missing+" and run apply again")
	case known:
		return conflict("image-lost", "it does not exist, but an earlier apply made or used it: it has a line in our block of /etc/fstab",
			"bring the file back (is the file system mounted that held it?); if it is lost for good, remove its line from /etc/fstab and run apply again: an empty brick takes its place")
	case m.Size == 0:
		return conflict("device-missing", "it does not exist, and the cluster file does not say how large to make it", "add volumes."+m.Volume+".bricks.disk.size, or correct "+field)
	}
	if remote, err := networkFS(dir); err != nil {
		return p, err
	} else if remote != "" {
		return conflict("image-on-network", fmt.Sprintf("its directory is on a network file system (%s): two nodes could mount one image and destroy it", remote), "put it on a disk of this node; correct "+field)
	}
	temp := filepath.Join(dir, "."+filepath.Base(m.Spec)+".gluster-setup-new")
	argv := []string{"mkfs." + m.Fstype, "-q", "-f", "-K", temp} // -K: keep the blocks that were just reserved
	if m.Fstype != "xfs" {
		argv = []string{"mkfs." + m.Fstype, "-q", "-F", "-E", "nodiscard", temp}
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Host, Object: m.Spec, Code: "image-create", Action: "create", Why: "the image file of volume " + m.Volume + "'s brick is missing",
		Commands: []string{fmt.Sprintf("fallocate -l %d %s", m.Size, temp), strings.Join(argv, " "), "mv -n " + temp + " " + m.Spec},
		Do: func(ctx context.Context) error {
			if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the image itself is private
				return err
			}
			if err := reserve(temp, m.Size); err != nil {
				return errors.Join(err, removeTemp(temp))
			}
			if _, err := h.Exec(ctx, nil, argv...); err != nil {
				return errors.Join(err, removeTemp(temp))
			}
			// mkfs.ext4 writes zeros by punching holes where the file system below is tmpfs.
			if err := allocate(temp, os.O_WRONLY, m.Size); err != nil {
				return errors.Join(err, removeTemp(temp))
			}
			if err := renameNew(temp, m.Spec); err != nil {
				return errors.Join(err, removeTemp(temp))
			}
			return machine.SyncDir(dir)
		},
	})
	return p, nil
}

func removeTemp(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// renameNew renames a file and fails when something has the new name already.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // the file system cannot
		if err := os.Link(from, to); err != nil {
			return err
		}
		return os.Remove(from)
	}
	if err != nil {
		return fmt.Errorf("rename %s to %s: %w", from, to, err)
	}
	return nil
}

// reserve makes a file of size bytes whose blocks are all allocated, so that a
// brick cannot run out of room that its file system promised. What a killed run
// left under the name, which is ours alone, goes.
func reserve(path string, size int64) error {
	if err := removeTemp(path); err != nil {
		return err
	}
	return allocate(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, size)
}

// allocate gives a file blocks up to size bytes where it has none, and flushes it. What it holds stays.
func allocate(path string, flags int, size int64) (err error) {
	f, err := os.OpenFile(path, flags, 0o600) //nolint:gosec // the image that the cluster file names
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	for {
		err := unix.Fallocate(int(f.Fd()), 0, 0, size) //nolint:gosec // a descriptor fits
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reserve %d bytes for %s: %w", size, path, err)
		}
		return f.Sync()
	}
}

// networkFS names the network file system that holds a path, or would hold it.
func networkFS(path string) (string, error) {
	for {
		var st unix.Statfs_t
		err := unix.Statfs(path, &st)
		if errors.Is(err, unix.ENOENT) && path != "/" {
			path = filepath.Dir(path)
			continue
		}
		if err != nil {
			return "", fmt.Errorf("statfs %s: %w", path, err)
		}
		switch int64(st.Type) { //nolint:unconvert // int32 on some architectures
		case unix.NFS_SUPER_MAGIC:
			return "NFS", nil
		case unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
			return "SMB", nil
		case unix.FUSE_SUPER_MAGIC:
			return "FUSE", nil
		case unix.CEPH_SUPER_MAGIC:
			return "Ceph", nil
		}
		return "", nil
	}
}

// fstabSays looks a directory up in /etc/fstab: missing is the mount point
// that should hold it and has nothing mounted; known says that our block
// mentions spec, so that an earlier apply has seen it.
func (h *Host) fstabSays(dir, spec string) (missing string, known bool, err error) {
	text, err := readText(filepath.Join(h.Root, fstabPath))
	if err != nil {
		return "", false, err
	}
	f, problem := textfile.Split(text)
	if problem != nil {
		return "", false, nil // the fstab part says what is wrong
	}
	outside := map[int]bool{}
	for _, l := range f.Outside() {
		outside[l.Number] = true
	}
	var points []string
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		e, ok := textfile.ParseFstab(line)
		if !ok {
			continue
		}
		known = known || !outside[n] && e.Spec == spec
		if e.File != "/" && within(dir, e.File) {
			points = append(points, e.File)
		}
	}
	slices.Sort(points)
	all, err := machine.Mounts()
	if err != nil {
		return "", false, err
	}
	for _, point := range points {
		if m := machine.Holding(all, point); m == nil || m.Mountpoint != point {
			return point, known, nil
		}
	}
	return "", known, nil
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
