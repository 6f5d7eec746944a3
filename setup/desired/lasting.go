package desired

import (
	"maps"
	"path"
	"slices"

	"brickyard/setup/cluster"
)

// LastingBricks are the bricks of this node that outlive a reboot, as
// directories: they may be older after a power cut than what they acknowledged.
func (s *State) LastingBricks() []Directory {
	var out []Directory
	for _, m := range s.BrickMounts {
		if m.Fstype != "tmpfs" {
			out = append(out, Directory{Volume: m.Volume, Path: m.Path, BrickPath: m.BrickPath})
		}
	}
	return append(out, s.Directories...)
}

// Lasting is a State that knows the bricks of a node that outlive a reboot and
// nothing else: the mount points of those on disks of their own, and the
// directories of the others, by volume.
func Lasting(disks, directories map[string]string) *State {
	s := &State{}
	for _, volume := range slices.Sorted(maps.Keys(disks)) {
		mount := disks[volume]
		s.BrickMounts = append(s.BrickMounts, BrickMount{Volume: volume, Path: mount, Unit: mountUnit(mount), BrickPath: path.Join(mount, cluster.BrickDir)})
	}
	for _, volume := range slices.Sorted(maps.Keys(directories)) {
		dir := directories[volume]
		s.Directories = append(s.Directories, Directory{Volume: volume, Path: dir, BrickPath: path.Join(dir, cluster.BrickDir)})
	}
	return s
}

// GuardFlags name the lasting bricks to "gluster-setup guard", which reads no
// cluster file then.
func (s *State) GuardFlags() []string {
	var flags []string
	for _, m := range s.BrickMounts {
		if m.Fstype != "tmpfs" {
			flags = append(flags, "--disk="+m.Volume+"="+m.Path)
		}
	}
	for _, d := range s.Directories {
		flags = append(flags, "--directory="+d.Volume+"="+d.Path)
	}
	return flags
}
