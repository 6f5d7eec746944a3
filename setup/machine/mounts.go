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
// nil. It reads /proc/self/mountinfo and never touches the path: a hung mount
// does not hang it.
func MountAt(path string) (*mountinfo.Info, error) {
	infos, err := mountinfo.GetMounts(func(m *mountinfo.Info) (skip, stop bool) { return m.Mountpoint != path, false })
	if err != nil {
		return nil, fmt.Errorf("read the mount table: %w", err)
	}
	if len(infos) == 0 {
		return nil, nil //nolint:nilnil // "nothing is mounted" is no error
	}
	return infos[len(infos)-1], nil
}

// HasOption reports whether a mount has an option, of its own or of its file system.
func HasOption(m *mountinfo.Info, option string) bool {
	return slices.Contains(strings.Split(m.Options, ","), option) || slices.Contains(strings.Split(m.VFSOptions, ","), option)
}

// HiddenFiles is a conflict when a mount on path would hide files, or path is
// not a plain directory.
func HiddenFiles(path string) (*change.Conflict, error) {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // it will be created
	}
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return &change.Conflict{
			Code: "mount-point", Object: path, Problem: fmt.Sprintf("it is the mount point of the cluster file, but it is no directory (%s)", st.Mode().Type()),
			Remedy: "move it away, or choose another path in the cluster file",
		}, nil
	}
	d, err := os.Open(path)
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
