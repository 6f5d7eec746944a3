package verify

import (
	"fmt"

	"github.com/moby/sys/mountinfo"

	"brickyard/gluster"
)

// checkMount makes sure that path is the volume's mount and not a directory
// of the root disk. It reads the kernel's list and does not touch the mount.
func checkMount(path, volume string) error {
	mounts, err := mountinfo.GetMounts(func(m *mountinfo.Info) (skip, stop bool) { return m.Mountpoint != path, false })
	if err != nil {
		return fmt.Errorf("find what is mounted on %s: %w", path, err)
	}
	return checkMounts(mounts, path, volume)
}

// checkMounts looks at the last mount on path, which hides the others.
func checkMounts(mounts []*mountinfo.Info, path, volume string) error {
	if len(mounts) == 0 {
		return fmt.Errorf("nothing is mounted on %s: run gluster-setup apply on this node first", path)
	}
	m := mounts[len(mounts)-1]
	if m.FSType != "fuse.glusterfs" && m.FSType != "glusterfs" {
		return fmt.Errorf("%s is a mount of %s (%s), not of volume %s: unmount it and run gluster-setup apply", path, m.Source, m.FSType, volume)
	}
	if gluster.ParseDevice(m.Source).Volume != volume {
		return fmt.Errorf("%s is a mount of %s, not of volume %s: unmount it and run gluster-setup apply", path, m.Source, volume)
	}
	return nil
}
