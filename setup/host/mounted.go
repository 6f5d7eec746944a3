package host

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"brickyard/setup/desired"
	"brickyard/setup/machine"
)

// Mounted reports in words how the file system of a brick differs from the
// declared one; nothing when it is mounted as it should be.
func (h *Host) Mounted(ctx context.Context, m desired.BrickMount) (problem string, err error) {
	mnt, err := machine.MountAt(m.Path)
	if err != nil {
		return "", err
	}
	if mnt == nil {
		return "nothing is mounted there", nil
	}
	var d device
	if m.Fstype != "tmpfs" {
		d, problem, err = h.resolve(ctx, m.Spec)
		if err != nil || problem != "" {
			return problem, err
		}
	}
	if problem := d.mismatch(m, mnt); problem != "" {
		return problem, nil
	}
	if m.Fstype != "tmpfs" {
		return "", nil
	}
	var st unix.Statfs_t
	if err := unix.Statfs(m.Path, &st); err != nil {
		return "", fmt.Errorf("statfs %s: %w", m.Path, err)
	}
	if have := int64(st.Blocks) * st.Bsize; have < m.Size { //nolint:gosec // block counts of a tmpfs fit
		return fmt.Sprintf("the tmpfs has %d bytes, the cluster file says %d", have, m.Size), nil
	}
	return "", nil
}
