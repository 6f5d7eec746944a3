// Package cluster reads the cluster file: one YAML document that describes
// every node, volume and mount of a cluster, the same on all nodes.
package cluster

// BrickDir is the directory below a brick's mount (or directory) that
// GlusterFS gets as the brick. It exists only while the brick's file system
// is mounted, so a missing mount never becomes a brick on the root disk.
const BrickDir = "brick"

// Cluster is a decoded and validated cluster file.
type Cluster struct {
	// Nodes are the machines of the cluster by host name.
	Nodes map[string]Node `yaml:"nodes" json:"nodes" jsonschema:"required" jsonschema_description:"The machines of the cluster, by the host name that GlusterFS and the mounts use for them."`
	// Volumes are the GlusterFS volumes by name.
	Volumes map[string]Volume `yaml:"volumes" json:"volumes,omitempty" jsonschema_description:"The GlusterFS volumes, by name."`
	// Mounts are the client mounts.
	Mounts []Mount `yaml:"mounts" json:"mounts,omitempty" jsonschema_description:"Where volumes are mounted, and on which nodes."`
	// Manage switches off parts of the host work.
	Manage Manage `yaml:"manage" json:"manage,omitempty" jsonschema_description:"Parts of the host work that somebody else may do."`

	// NodeOrder and VolumeOrder hold the keys in the order of the file.
	NodeOrder   []string `yaml:"-" json:"-"`
	VolumeOrder []string `yaml:"-" json:"-"`
	// Source is the path of the file, for messages.
	Source string `yaml:"-" json:"-"`
}

// Node is one machine.
type Node struct {
	Address string   `yaml:"address" json:"address"`
	Aliases []string `yaml:"aliases" json:"aliases,omitempty"`
}

// Volume is one replicated volume.
type Volume struct {
	Replica   int               `yaml:"replica" json:"replica"`
	Arbiter   int               `yaml:"arbiter" json:"arbiter,omitempty"`
	Bricks    Bricks            `yaml:"bricks" json:"bricks"`
	Profile   string            `yaml:"profile" json:"profile,omitempty"` // cache, web or none
	Options   map[string]string `yaml:"options" json:"options,omitempty"` // scalars of any YAML type, kept as text
	Ephemeral *bool             `yaml:"ephemeral" json:"ephemeral,omitempty"`
}

// Bricks says where a volume's bricks are. Exactly one of Tmpfs, Disk and
// Directory is set.
type Bricks struct {
	Nodes     []string `yaml:"nodes" json:"nodes"`
	Tmpfs     *Tmpfs   `yaml:"tmpfs" json:"tmpfs,omitempty"`
	Disk      *Disk    `yaml:"disk" json:"disk,omitempty"`
	Directory string   `yaml:"directory" json:"directory,omitempty"`
}

// Tmpfs is a brick file system in memory.
type Tmpfs struct {
	Mount string `yaml:"mount" json:"mount"`
	Size  Size   `yaml:"size" json:"size"`
}

// Disk is a brick file system on a block device or image file.
type Disk struct {
	Mount      string `yaml:"mount" json:"mount"`
	Device     Device `yaml:"device" json:"device"`         // one for all nodes, or one a node
	Fstype     string `yaml:"fstype" json:"fstype"`         // xfs (default) or ext4
	Durability string `yaml:"durability" json:"durability"` // sync (default) or async
	Size       Size   `yaml:"size" json:"size"`             // of an image file that apply creates
}

// Mount is a client mount of a volume on some nodes.
type Mount struct {
	Volume  string   `yaml:"volume" json:"volume"`
	Path    string   `yaml:"path" json:"path"`
	Nodes   []string `yaml:"nodes" json:"nodes"`
	Options []string `yaml:"options" json:"options,omitempty"` // further mount.glusterfs options
}

// Manage says which shared parts of the machine apply may change. Both
// default to true.
type Manage struct {
	Packages *bool `yaml:"packages" json:"packages,omitempty"` // install missing packages
	Hosts    *bool `yaml:"hosts" json:"hosts,omitempty"`       // write /etc/hosts
}

// Size is a number of bytes, written like 512m or 2g (powers of 1024).
type Size int64

// Device names a brick's device on each node: a block device, UUID=, LABEL=
// or the path of an image file.
type Device struct {
	All    string            // for every node, or
	ByNode map[string]string // one a node
}
