package collector

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"

	"brickyard/exporter/node"
)

const fuseType = "fuse.glusterfs"

// mounts looks at tables only: a question to a mount that hangs could not be taken back. That is for the prober's children.
func mounts(fstab, table string) Collector {
	labels := []string{"volume", "mountpoint"}
	expected := gauge("mount_expected", "Whether /etc/fstab says that the volume should be mounted here, without noauto.", labels...)
	mounted := gauge("mount_mounted", "Whether the volume is mounted here; 0 where only /etc/fstab says that it should be.", labels...)
	running := gauge("mount_process_running", "Whether the mount has a process: without one every access fails (\"Transport endpoint is not connected\").", labels...)
	readOnly := gauge("mount_read_only", "Whether the volume is mounted read-only.", labels...)
	return Collector{
		Name: "mounts", Help: "which volumes should be mounted here, and are", Cost: "/etc/fstab and this machine's table of mounts; asks no mount",
		Metrics: []*Metric{expected, mounted, running, readOnly},
		collect: func(_ context.Context, s *node.Scrape, to sink) error {
			want, err := expectedMounts(fstab)
			errs := []error{err}
			have, err := currentMounts(table)
			errs = append(errs, err)
			processes, err := s.Processes()
			errs = append(errs, err)
			alive := map[string]bool{}
			for _, p := range processes.Mounts {
				alive[p.Path] = true
			}
			for _, m := range have {
				to.is(expected, want[m.at] != "", m.volume, m.at)
				to.set(mounted, 1, m.volume, m.at)
				to.is(running, alive[m.at], m.volume, m.at)
				to.is(readOnly, m.readOnly, m.volume, m.at)
				delete(want, m.at)
			}
			for at, volume := range want {
				to.set(expected, 1, volume, at)
				to.set(mounted, 0, volume, at)
				to.set(running, 0, volume, at)
			}
			return errors.Join(errs...)
		},
	}
}

type volumeMount struct {
	volume, at string
	readOnly   bool
}

// currentMounts are those of volumes in a table in the form of /proc/self/mountinfo. Of mounts on top of each other the last counts.
func currentMounts(table string) ([]volumeMount, error) {
	f, err := os.Open(table)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	all, err := mountinfo.GetMountsFromReader(f, mountinfo.FSTypeFilter(fuseType))
	if err != nil {
		return nil, err
	}
	var out []volumeMount
	for _, m := range all {
		v := volumeMount{volume: volumeOf(m.Source), at: m.Mountpoint, readOnly: slices.Contains(strings.Split(m.Options, ","), "ro")}
		out = slices.DeleteFunc(out, func(o volumeMount) bool { return o.at == v.at })
		out = append(out, v)
	}
	return out, nil
}

// volumeOf is the volume of a device HOST:/VOLUME, or HOST:/VOLUME/DIRECTORY.
func volumeOf(device string) string {
	_, path, ok := strings.Cut(device, ":/")
	if !ok {
		path = strings.TrimPrefix(device, "/")
	}
	volume, _, _ := strings.Cut(path, "/")
	return volume
}

// expectedMounts are the lines of a file system table that name a volume, by mount point.
func expectedMounts(fstab string) (map[string]string, error) {
	f, err := os.Open(fstab)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	out := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || strings.HasPrefix(fields[0], "#") || fields[2] != "glusterfs" && fields[2] != fuseType || slices.Contains(strings.Split(fields[3], ","), "noauto") {
			continue
		}
		unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`)
		at := strings.TrimSuffix(unescape.Replace(fields[1]), "/")
		out[at] = volumeOf(unescape.Replace(fields[0]))
	}
	return out, lines.Err()
}
