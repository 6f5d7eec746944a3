package probe

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

const fileSystemType = "fuse.glusterfs"

// mount is a mounted volume.
type mount struct {
	volume string
	device uint64 // as stat gives it
}

// findMount looks in the mount table for the GlusterFS that is mounted on path, and never touches path. The error wraps
// errNotMounted where there is none. A mount that another one on a parent directory hides is found all the same: whoever
// opens path compares the device.
func findMount(table, path string) (mount, error) {
	b, err := os.ReadFile(table)
	if err != nil {
		return mount{}, fmt.Errorf("read the mount table: %w", err)
	}
	found, err := mountinfo.GetMountsFromReader(bytes.NewReader(b), func(m *mountinfo.Info) (skip, stop bool) {
		return m.Mountpoint != path, false
	})
	if err != nil {
		return mount{}, fmt.Errorf("read the mount table: %w", err)
	}
	if len(found) == 0 {
		return mount{}, fmt.Errorf("%s: %w", path, errNotMounted)
	}
	m := found[len(found)-1] // hides the others
	if m.FSType != fileSystemType {
		return mount{}, fmt.Errorf("%s: %w, but %s", path, errNotMounted, m.FSType)
	}
	return mount{volume: volumeOf(m.Source), device: unix.Mkdev(uint32(m.Major), uint32(m.Minor))}, nil //nolint:gosec // device numbers
}

// volumeOf finds the volume in HOST:/VOLUME, HOST:VOLUME or HOST:/VOLUME/DIRECTORY. HOST may have colons, but no slashes.
func volumeOf(source string) string {
	_, name, ok := strings.Cut(source, ":/")
	if !ok {
		name = strings.TrimPrefix(source[strings.LastIndex(source, ":")+1:], "/")
	}
	name, _, _ = strings.Cut(name, "/")
	return name
}
