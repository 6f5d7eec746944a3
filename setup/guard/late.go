package guard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/setup/desired"
	"brickyard/setup/host"
	"brickyard/setup/machine"
	"brickyard/setup/powerloss"
)

// Late does for disks that appeared late what the guard did for all others. It
// comes before anything that starts their bricks.
func (b *Bricks) Late() error {
	for _, m := range b.state.BrickMounts {
		note := filepath.Join(b.absent, m.Unit)
		if _, err := os.Stat(note); err != nil {
			continue // it was looked at
		}
		there, err := b.mounted(m.Path)
		if (err == nil || errors.Is(err, fs.ErrNotExist)) && !there {
			switch tried, err := b.mount(m); {
			case err != nil:
				b.log.Error("a disk that was not there at boot is there now, and cannot be mounted",
					"volume", m.Volume, "mount", m.Path, "error", err)
			case tried:
				b.log.Warn("a disk that was not there at boot is there now: it is mounted",
					"volume", m.Volume, "mount", m.Path)
			}
			there, err = b.mounted(m.Path)
		}
		if err != nil || !there {
			continue
		}
		if err := b.look([]powerloss.Brick{{Volume: m.Volume, Path: m.BrickPath}}); err != nil {
			return fmt.Errorf("look at a brick whose disk appeared late: %w", err)
		}
		if err := os.Remove(note); err != nil {
			return err
		}
	}
	return nil
}

// mountLate has systemd mount a disk for which it waited in vain at boot, once
// it is there: nothing else would. It does not wait for that, and leaves alone
// what a person or a program like fsck has opened for itself, and a mount that
// failed.
func mountLate(m desired.BrickMount) (tried bool, err error) {
	device := m.Spec
	for prefix, dir := range map[string]string{"UUID=": "/dev/disk/by-uuid/", "LABEL=": "/dev/disk/by-label/"} {
		if name, ok := strings.CutPrefix(m.Spec, prefix); ok {
			device = dir + name
		}
	}
	manager := host.DBus{}
	if _, err := os.Stat(device); err != nil || !manager.Running() {
		return false, nil //nolint:nilerr // not there yet
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if active, _, err := manager.State(ctx, m.Unit); err != nil || active != "inactive" {
		return false, err
	}
	f, err := os.OpenFile(device, os.O_RDONLY|unix.O_EXCL, 0) //nolint:gosec // the device that the cluster file names
	if err != nil {
		return false, nil //nolint:nilerr // in use
	}
	if err := f.Close(); err != nil {
		return false, err
	}
	_, err = machine.Run(ctx, nil, "systemctl", "start", "--no-block", m.Unit)
	return true, err
}
