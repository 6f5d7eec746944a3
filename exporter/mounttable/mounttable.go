// Package mounttable reads which volumes this machine mounts, and which it should. It reads tables and touches no mount: a question to
// one that hangs could not be taken back.
package mounttable

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// fuseType is the file system type of mounted volumes.
const fuseType = "fuse.glusterfs"

// Mount is a mounted volume.
type Mount struct {
	Volume, Path string
	ReadOnly     bool
	Device       uint64 // as stat gives it
}

// Current are the mounted volumes in a table in the form of /proc/self/mountinfo. Of mounts on top of each other the topmost counts. A mount
// that another one on a parent directory hides is listed all the same.
func Current(table string) ([]Mount, error) {
	f, err := os.Open(table)
	if err != nil {
		return nil, fmt.Errorf("read the mount table: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	all, err := mountinfo.GetMountsFromReader(f, nil)
	if err != nil {
		return nil, fmt.Errorf("read the mount table: %w", err)
	}
	top := map[string]int{}
	for i, m := range all {
		top[m.Mountpoint] = i
	}
	var out []Mount
	for i, m := range all {
		if top[m.Mountpoint] == i && m.FSType == fuseType {
			out = append(out, Mount{
				Volume: VolumeOf(m.Source), Path: m.Mountpoint, ReadOnly: slices.Contains(strings.Split(m.Options, ","), "ro"),
				Device: unix.Mkdev(uint32(m.Major), uint32(m.Minor)), //nolint:gosec // device numbers
			})
		}
	}
	return out, nil
}

// Expected are the volumes that a file in the form of /etc/fstab mounts at boot, by mount point. A file that does not exist has none.
func Expected(fstab string) (map[string]string, error) {
	out := map[string]string{}
	f, err := os.Open(fstab)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	defer f.Close() //nolint:errcheck // read only
	lines := bufio.NewScanner(f)
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || strings.HasPrefix(fields[0], "#") || fields[2] != "glusterfs" && fields[2] != fuseType || slices.Contains(strings.Split(fields[3], ","), "noauto") {
			continue
		}
		out[strings.TrimSuffix(unescape.Replace(fields[1]), "/")] = VolumeOf(unescape.Replace(fields[0]))
	}
	return out, lines.Err()
}

// VolumeOf finds the volume in HOST:/VOLUME, HOST:VOLUME or HOST:/VOLUME/DIRECTORY. HOST may have colons, but no slashes.
func VolumeOf(source string) string {
	_, name, ok := strings.Cut(source, ":/")
	if !ok {
		name = strings.TrimPrefix(source[strings.LastIndex(source, ":")+1:], "/")
	}
	name, _, _ = strings.Cut(name, "/")
	return name
}
