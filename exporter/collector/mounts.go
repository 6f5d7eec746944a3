package collector

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"brickyard/exporter/mounttable"
	"brickyard/exporter/node"
	"brickyard/gluster"
)

// mounts looks at tables only: a question to a mount that hangs could not be taken back. That is for the prober's children.
func mounts(fstab, table, words string) Collector {
	labels := []string{"volume", "mountpoint"}
	expected := gauge("mount_expected", "Whether /etc/fstab says that the volume should be mounted here, without noauto or x-systemd.automount.", labels...)
	mounted := gauge("mount_mounted", "Whether the volume is mounted here; 0 where /etc/fstab says that it should be, and it is not, or is a directory of it, or a volume of that name from other servers than those of /etc/fstab.", labels...)
	running := gauge("mount_process_running", "Whether the mount has a process: without one every access fails (\"Transport endpoint is not connected\").", labels...)
	readOnly := gauge("mount_read_only", "Whether the volume is mounted read-only.", labels...)
	waiting := gauge("mount_waiting", "Whether a mount that is not there is under way since the boot, and waits until this node's own brick of the volume is healed (mount_wait_seconds).", labels...)
	invalidation := gauge("mount_auto_invalidation", "Whether the mount's kernel drops what it keeps of a file when its times or size change (auto-invalidation=yes): 0 when a read may return what another node has overwritten since.", labels...)
	return Collector{
		Name: "mounts", Help: "which volumes should be mounted here, and are", Cost: "/etc/fstab and this machine's table of mounts, and the addresses of servers whose names differ in the two; asks no mount",
		Metrics: []*Metric{expected, mounted, running, readOnly, waiting, invalidation},
		collect: func(ctx context.Context, s *node.Scrape, to sink) error {
			want, err := mounttable.Expected(fstab)
			errs := []error{err}
			have, err := mounttable.Current(table)
			errs = append(errs, err)
			processes, err := s.Processes()
			errs = append(errs, err)
			invalidates := map[string]bool{} // of those that run
			for _, p := range processes.Mounts {
				invalidates[p.Path] = p.AutoInvalidation
			}
			for _, m := range have {
				if gluster.OfGsyncd(m.Path) {
					continue // geo-replication's own, each at another path
				}
				meant, here := want[m.Path]
				right := here && meant.Is(m.Source, mounttable.Lookup(ctx))
				if here && !right && meant.Volume == m.Volume {
					continue // a namesake, or a directory of the volume: what is meant is not mounted
				}
				to.is(expected, right, m.Volume, m.Path)
				to.set(mounted, 1, m.Volume, m.Path)
				drops, alive := invalidates[m.Path]
				to.is(running, alive, m.Volume, m.Path)
				if alive {
					to.is(invalidation, drops, m.Volume, m.Path)
				}
				to.is(readOnly, m.ReadOnly, m.Volume, m.Path)
				if right {
					delete(want, m.Path)
				}
			}
			for at, source := range want {
				volume := source.Volume
				to.set(expected, 1, volume, at)
				to.set(mounted, 0, volume, at)
				to.set(running, 0, volume, at)
				to.is(waiting, heals(filepath.Join(words, volume)), volume, at)
			}
			return errors.Join(errs...)
		},
	}
}

// heals reports whether somebody who waits for a heal left word, and lives: it is written anew at least every fifteen seconds.
func heals(word string) bool {
	st, err := os.Stat(word)
	return err == nil && time.Since(st.ModTime()) < time.Minute
}
