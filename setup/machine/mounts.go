// Package machine is the thin layer that touches this machine: the mount table,
// programs, and files replaced as a whole.
package machine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"brickyard/setup/change"
)

// MountAt returns what is mounted on a path, the topmost when several are, or
// nil; a mount that another hides (mounted later on a parent directory) does
// not count. It reads /proc/self/mountinfo and never touches the path: a hung
// mount does not hang it.
func MountAt(path string) (*mountinfo.Info, error) {
	all, err := Mounts()
	if err != nil {
		return nil, err
	}
	if m := Holding(all, path); m != nil && m.Mountpoint == path {
		return m, nil
	}
	return nil, nil //nolint:nilnil // "nothing is mounted" is no error
}

// Mounts returns the mount table.
func Mounts() ([]*mountinfo.Info, error) {
	all, err := mountinfo.GetMounts(nil)
	if err != nil {
		return nil, fmt.Errorf("read the mount table: %w", err)
	}
	return all, nil
}

// Holding returns the mount that a path without symbolic links lies on: the
// walk from the root that the kernel makes.
func Holding(all []*mountinfo.Info, path string) *mountinfo.Info {
	var at *mountinfo.Info
	ids := map[int]bool{}
	for _, m := range all {
		ids[m.ID] = true
	}
	for _, m := range all {
		if m.Mountpoint == "/" && (!ids[m.Parent] || m.Parent == m.ID) {
			at = m
		}
	}
	if at == nil {
		return nil
	}
	step := "/"
	cross := func() {
		for again := true; again; {
			again = false
			for _, m := range slices.Backward(all) {
				if m.Parent == at.ID && m.ID != at.ID && m.Mountpoint == step {
					at, again = m, true
					break
				}
			}
		}
	}
	cross()
	for part := range strings.SplitSeq(strings.Trim(filepath.Clean(path), "/"), "/") {
		if part == "" {
			continue
		}
		step = filepath.Join(step, part)
		cross()
	}
	return at
}

// HasOption reports whether a mount has an option, of its own or of its file system.
func HasOption(m *mountinfo.Info, option string) bool {
	return slices.Contains(strings.Split(m.Options, ","), option) || slices.Contains(strings.Split(m.VFSOptions, ","), option)
}

// Linked is a conflict when a symbolic link stands anywhere in path: the mount
// table, systemd and GlusterFS would each know the place by another name.
func Linked(path string) (*change.Conflict, error) {
	step := "/"
	for part := range strings.SplitSeq(strings.Trim(filepath.Clean(path), "/"), "/") {
		step = filepath.Join(step, part)
		st, err := os.Lstat(step)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil //nolint:nilnil // what does not exist is no link
		}
		if err != nil {
			return nil, err
		}
		if st.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		remedy := "choose a path without links in the cluster file"
		if target, err := filepath.EvalSymlinks(path); err == nil {
			remedy = "write " + target + " in the cluster file, or choose another path"
		}
		return &change.Conflict{Code: "symbolic-link", Object: path, Problem: step + " is a symbolic link, which systemd refuses below a mount point and GlusterFS in a brick", Remedy: remedy}, nil
	}
	return nil, nil //nolint:nilnil // no link
}

// HiddenFiles is a conflict when a mount on path would hide files, or path is
// not a plain directory.
func HiddenFiles(path string) (*change.Conflict, error) {
	if c, err := Linked(path); c != nil || err != nil {
		return c, err
	}
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // it will be created
	}
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return &change.Conflict{
			Code: "mount-point", Object: path, Problem: "it is the mount point of the cluster file, but it is no directory",
			Remedy: "move it away, or choose another path in the cluster file",
		}, nil
	}
	d, err := os.Open(path) //nolint:gosec // a mount point that the cluster file names
	if err != nil {
		return nil, err
	}
	defer d.Close() //nolint:errcheck // read only
	names, err := d.Readdirnames(1)
	if errors.Is(err, io.EOF) {
		return nil, nil //nolint:nilnil // empty, as it should be
	}
	if err != nil {
		return nil, err
	}
	return &change.Conflict{
		Code: "mount-point", Object: path, Problem: fmt.Sprintf("nothing is mounted there, but it holds files (%s), which a mount would hide", names[0]),
		Remedy: "move the files away, or choose another path in the cluster file",
	}, nil
}

// DeviceOf returns the device number of the file system that holds the path,
// or would hold it: that of its nearest parent that exists.
func DeviceOf(path string) (dev uint64, exists bool, err error) {
	exists = true
	for {
		var st unix.Stat_t
		err := unix.Stat(path, &st)
		if err == nil {
			return st.Dev, exists, nil
		}
		if !errors.Is(err, unix.ENOENT) || path == "/" {
			return 0, false, fmt.Errorf("stat %s: %w", path, err)
		}
		path, exists = filepath.Dir(path), false
	}
}
