// Package mounttable reads which volumes this machine mounts, and which it should. It reads tables and touches no mount: a question to
// one that hangs could not be taken back.
package mounttable

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// fuseType is the file system type of mounted volumes.
const fuseType = "fuse.glusterfs"

// Mount is a mounted volume.
type Mount struct {
	Source
	Path     string
	ReadOnly bool
	Device   uint64 // as stat gives it
}

// Current are the mounted volumes in a table in the form of /proc/self/mountinfo. Of mounts on top of each other the topmost counts. A mount
// that another one on a parent directory hides is listed all the same.
func Current(table string) ([]Mount, error) {
	f, err := os.Open(table) //nolint:gosec // the system's own tables
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
			source := SourceOf(m.Source)
			source.Directory = clean(source.Directory + "/" + m.Root) // of a bind mount
			out = append(out, Mount{
				Source: source, Path: m.Mountpoint, ReadOnly: slices.Contains(strings.Split(m.Options, ","), "ro"),
				Device: unix.Mkdev(uint32(m.Major), uint32(m.Minor)), //nolint:gosec // device numbers
			})
		}
	}
	return out, nil
}

// Expected are the volumes that a file in the form of /etc/fstab mounts at boot, by mount point. A file that does not exist has none.
func Expected(fstab string) (map[string]Source, error) {
	out := map[string]Source{}
	f, err := os.Open(fstab) //nolint:gosec // the system's own tables
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	defer f.Close() //nolint:errcheck // read only
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if at, source, ok := entry(lines.Text()); ok {
			out[at] = source
		}
	}
	return out, lines.Err()
}

// entry reads a line of /etc/fstab as mount(8) and systemd do: fields end at blanks and tabs, and those behind the type may be absent.
func entry(line string) (at string, source Source, ok bool) {
	fields := strings.FieldsFunc(strings.TrimRight(line, "\r"), func(r rune) bool { return r == ' ' || r == '\t' })
	if len(fields) < 3 || strings.HasPrefix(fields[0], "#") || !slices.Contains([]string{"glusterfs", fuseType}, unescape(fields[2])) {
		return "", Source{}, false
	}
	source = SourceOf(unescape(fields[0]))
	var options []string
	if len(fields) > 3 {
		options = strings.Split(unescape(fields[3]), ",")
	}
	no, later := false, false
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		switch name {
		case "noauto", "auto":
			no = name == "noauto" // the last one counts
		case "x-systemd.automount":
			later = true // when somebody looks
		case "backup-volfile-servers", "backupvolfile-server":
			source.Servers = append(source.Servers, strings.Split(value, ":")...)
		}
	}
	return path.Clean(unescape(fields[1])), source, !no && !later
}

// unescape decodes octal escapes as mount(8) does: \040 is a blank.
func unescape(s string) string {
	return escapes.ReplaceAllStringFunc(s, func(octal string) string {
		n, err := strconv.ParseUint(octal[1:], 8, 8)
		if err != nil {
			return octal
		}
		return string([]byte{byte(n)})
	})
}

var escapes = regexp.MustCompile(`\\[0-7]{3}`)
