package cluster

import (
	"slices"
	"strings"
)

// Brick is one brick of a volume.
type Brick struct {
	Node string
	// Path is what GlusterFS gets: the directory BrickDir below the brick's
	// mount or directory.
	Path    string
	Arbiter bool
}

// String returns the brick as the gluster command names it: NODE:PATH.
func (b Brick) String() string {
	return b.Node + ":" + b.Path
}

// BrickMount returns the directory that holds a volume's brick on each of its
// nodes: the mount point of tmpfs and disk bricks, or the directory itself.
func BrickMount(v Volume) string {
	switch {
	case v.Bricks.Tmpfs != nil:
		return v.Bricks.Tmpfs.Mount
	case v.Bricks.Disk != nil:
		return v.Bricks.Disk.Mount
	default:
		return v.Bricks.Directory
	}
}

// BrickPath returns the path of a volume's brick on each of its nodes.
func BrickPath(v Volume) string {
	return strings.TrimSuffix(BrickMount(v), "/") + "/" + BrickDir
}

// ReplicaSets returns the bricks of a volume in the order of the create
// command, grouped into the sets that hold the same files. It returns nil for
// an unknown volume.
func (c *Cluster) ReplicaSets(volume string) [][]Brick {
	v, ok := c.Volumes[volume]
	if !ok || v.Replica < 1 {
		return nil
	}
	var sets [][]Brick
	for nodes := range slices.Chunk(v.Bricks.Nodes, v.Replica) {
		set := make([]Brick, len(nodes))
		for i, node := range nodes {
			set[i] = Brick{Node: node, Path: BrickPath(v), Arbiter: i >= v.Replica-v.Arbiter}
		}
		sets = append(sets, set)
	}
	return sets
}

// Servers returns the nodes that hold at least one brick, in the order of the
// file. They are the members of the trusted pool.
func (c *Cluster) Servers() []string {
	serves := map[string]bool{}
	for _, v := range c.Volumes {
		for _, name := range v.Bricks.Nodes {
			serves[name] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(c.NodeOrder), func(name string) bool { return !serves[name] })
}

// VolumesOn returns the volumes that have a brick on the node, in the order of
// the file.
func (c *Cluster) VolumesOn(node string) []string {
	var volumes []string
	for _, name := range c.VolumeOrder {
		if slices.Contains(c.Volumes[name].Bricks.Nodes, node) {
			volumes = append(volumes, name)
		}
	}
	return volumes
}

// MountsOn returns the client mounts of the node, in the order of the file.
func (c *Cluster) MountsOn(node string) []Mount {
	var mounts []Mount
	for _, m := range c.Mounts {
		if slices.Contains(m.Nodes, node) {
			mounts = append(mounts, m)
		}
	}
	return mounts
}

// IsEphemeral says whether the volume's data may be forgotten.
func (v Volume) IsEphemeral() bool {
	if v.Ephemeral != nil {
		return *v.Ephemeral
	}
	return v.Bricks.Tmpfs != nil
}

// ManagePackages says whether apply installs missing packages.
func (c *Cluster) ManagePackages() bool {
	return c.Manage.Packages == nil || *c.Manage.Packages
}

// ManageHosts says whether apply writes /etc/hosts.
func (c *Cluster) ManageHosts() bool {
	return c.Manage.Hosts == nil || *c.Manage.Hosts
}
