// Package cluster reads the cluster file: one YAML document that describes
// every node, volume and mount of a cluster, the same on all nodes.
//
// Parse and Load decode strictly and report every problem they find, each with
// file, line, column and a remedy. What they return has passed every check that
// needs no running cluster, and has its defaults filled in.
package cluster

// BrickDir is the directory below a brick's mount (or directory) that
// GlusterFS gets as the brick. It exists only while the brick's file system
// is mounted, so a missing mount never becomes a brick on the root disk.
const BrickDir = "brick"

// Values of the keys that take one word out of a few.
const (
	FstypeXFS  = "xfs"
	FstypeExt4 = "ext4"

	DurabilitySync  = "sync"
	DurabilityAsync = "async"

	ProfileCache = "cache"
	ProfileWeb   = "web"
	ProfileNone  = "none"
)

// Cluster is a decoded and validated cluster file.
type Cluster struct {
	// Nodes are the machines of the cluster by host name.
	Nodes map[string]Node `yaml:"nodes" json:"nodes" jsonschema_description:"The machines of the cluster, by the host name that GlusterFS and the mounts use for them."`
	// Volumes are the GlusterFS volumes by name.
	Volumes map[string]Volume `yaml:"volumes" json:"volumes,omitempty" jsonschema_description:"The GlusterFS volumes, by name."`
	// Mounts are the client mounts.
	Mounts []Mount `yaml:"mounts" json:"mounts,omitempty" jsonschema_description:"Where volumes are mounted, and on which nodes."`
	// Manage switches off parts of the host work.
	Manage Manage `yaml:"manage" json:"manage,omitzero" jsonschema_description:"Parts of the host work that somebody else may do."`
	// ShutdownWait is in seconds, and never nil in a parsed Cluster.
	ShutdownWait *int `yaml:"shutdown_wait_seconds" json:"shutdown_wait_seconds,omitempty" jsonschema:"minimum=0,maximum=3600,default=300" jsonschema_description:"How long a clean shutdown of a brick node waits at most, in seconds, while other nodes fill their bricks from the only complete copy, which is on it. 0: not at all."`
	// MountWait is in seconds, and never nil in a parsed Cluster.
	MountWait *int `yaml:"mount_wait_seconds" json:"mount_wait_seconds,omitempty" jsonschema:"minimum=0,maximum=3600,default=600" jsonschema_description:"How long a node waits at most at boot, in seconds, before it mounts a volume, while its own brick of the volume lacks what others have: until that is healed, names that were removed meanwhile are shown. 0: not at all."`

	// Exporter is nil where no exporter is wanted.
	Exporter *Exporter `yaml:"exporter" json:"exporter,omitempty" jsonschema_description:"Run gluster_exporter on every node that has bricks or mounts. {} takes all defaults."`

	// Check is nil where bricks are not compared regularly.
	Check *Check `yaml:"check" json:"check,omitempty" jsonschema_description:"Compare the bricks of every volume regularly, by a timer on every node with bricks; each replica set is compared by the node of its first brick. {} takes all defaults. Without it nothing is compared unless somebody runs gluster-setup check."`

	// NodeOrder and VolumeOrder hold the keys in the order of the file.
	NodeOrder   []string `yaml:"-" json:"-"`
	VolumeOrder []string `yaml:"-" json:"-"`
	// Source is the path of the file, for messages.
	Source string `yaml:"-" json:"-"`
}

// Node is one machine.
type Node struct {
	Address string   `yaml:"address" json:"address" jsonschema:"example=10.0.0.1,example=2001:db8::1" jsonschema_description:"The IPv4 or IPv6 address that the other nodes reach this one by; of a node with bricks it is on one of its interfaces. It goes into /etc/hosts. No loopback, multicast or link-local address, no port, no prefix length."`
	Aliases []string `yaml:"aliases" json:"aliases,omitempty" jsonschema_description:"Further names of the node, written to /etc/hosts beside its host name."`
}

// Volume is one replicated volume.
type Volume struct {
	Replica   int               `yaml:"replica" json:"replica" jsonschema:"enum=2,enum=3" jsonschema_description:"Copies of every file: 2 or 3. With 2 a cut network can leave two different versions of one file (split-brain); 3, or 3 with arbiter 1, cannot."`
	Arbiter   int               `yaml:"arbiter" json:"arbiter,omitempty" jsonschema:"enum=0,enum=1,default=0" jsonschema_description:"1: every third brick of the list is an arbiter, which keeps the names and attributes of all files and no contents. Only with replica 3."`
	Bricks    Bricks            `yaml:"bricks" json:"bricks" jsonschema_description:"Where the volume's data lies. Exactly one of tmpfs, disk and directory says on what."`
	Profile   string            `yaml:"profile" json:"profile,omitempty" jsonschema:"enum=cache,enum=web,enum=none,default=none" jsonschema_description:"A named set of volume and mount options. Entries of options win over it."`
	Options   map[string]string `yaml:"options" json:"options,omitempty" jsonschema_description:"GlusterFS volume options, as gluster volume set takes them. Options that are not named here are left as they are."` // scalars of any YAML type, kept as text
	Access    Access            `yaml:"access" json:"access,omitzero" jsonschema_description:"Whom the bricks let in. Without it the addresses of the nodes that serve anything or mount this volume, and nobody else (auth.allow). A list adds addresses, and networks such as 10.9.0.0/24; any lets every machine in that reaches the bricks."`
	Owner     string            `yaml:"owner" json:"owner,omitempty" jsonschema:"example=33:33" jsonschema_description:"The owner of the volume's root directory, UID:GID in numbers (storage.owner-uid, storage.owner-gid). Every brick sets it whenever it starts. Without it root at first, and then whoever chown says."`
	Mode      string            `yaml:"mode" json:"mode,omitempty" jsonschema:"example=0770,example=2770" jsonschema_description:"The mode of the volume's root directory, in quotes. Without it 0755 at first, and then whatever chmod says."`
	Ephemeral *bool             `yaml:"ephemeral" json:"ephemeral,omitempty" jsonschema_description:"Whether the data may be forgotten: when every brick of a replica set is empty after a reboot, an ephemeral volume is rebuilt empty and any other one stops and waits for a person. Default: true for tmpfs, false otherwise."`
}

// Bricks says where a volume's bricks are. Exactly one of Tmpfs, Disk and
// Directory is set.
type Bricks struct {
	Nodes     []string `yaml:"nodes" json:"nodes" jsonschema_description:"The nodes that hold a brick, one brick each. Their number is a multiple of replica; the order of the list makes the replica sets: with replica 2 the first two nodes hold the same files, then the next two, and so on."`
	Tmpfs     *Tmpfs   `yaml:"tmpfs" json:"tmpfs,omitempty" jsonschema_description:"Bricks in memory. A node that reboots loses its copy and gets it back from the others."`
	Disk      *Disk    `yaml:"disk" json:"disk,omitempty" jsonschema_description:"Bricks on a file system of their own, on a block device or in an image file."`
	Directory string   `yaml:"directory" json:"directory,omitempty" jsonschema:"example=/server" jsonschema_description:"Bricks in a directory of a file system that is already there. The brick is the sub-directory brick of it. How the file system is mounted, and so what a power cut costs, is not ours to choose."`
}

// Tmpfs is a brick file system in memory.
type Tmpfs struct {
	Mount string `yaml:"mount" json:"mount" jsonschema:"example=/cache_server" jsonschema_description:"Where the tmpfs is mounted. The brick is the sub-directory brick of it."`
	Size  Size   `yaml:"size" json:"size" jsonschema_description:"How much memory the tmpfs may take on each node."`
}

// Disk is a brick file system on a block device or image file.
type Disk struct {
	Mount      string `yaml:"mount" json:"mount" jsonschema:"example=/server" jsonschema_description:"Where the file system is mounted. The brick is the sub-directory brick of it."`
	Device     Device `yaml:"device" json:"device" jsonschema_description:"What is mounted: a block device, UUID=, LABEL= or the path of an image file; one for all brick nodes, or a map with one for each of them."`
	Fstype     string `yaml:"fstype" json:"fstype,omitempty" jsonschema:"enum=xfs,enum=ext4,default=xfs" jsonschema_description:"The file system. A device gets one only if it is provably blank."`
	Durability string `yaml:"durability" json:"durability,omitempty" jsonschema:"enum=sync,enum=async,default=sync" jsonschema_description:"sync mounts the file system sync, so that a power cut loses nothing that was acknowledged. async is faster on disks with slow flushes and makes a brick suspect after every unclean stop."`
	Size       Size   `yaml:"size" json:"size,omitempty" jsonschema_description:"The size of an image file that does not exist yet and is to be made. Without it the image file must exist. Not for block devices."`
}

// Mount is a client mount of a volume on some nodes.
type Mount struct {
	Volume  string   `yaml:"volume" json:"volume" jsonschema:"example=server" jsonschema_description:"The volume, one of volumes."`
	Path    string   `yaml:"path" json:"path" jsonschema:"example=/client" jsonschema_description:"Where it is mounted."`
	Nodes   []string `yaml:"nodes" json:"nodes" jsonschema_description:"The nodes that mount it. They may be brick nodes too."`
	Options []string `yaml:"options" json:"options,omitempty" jsonschema_description:"Further options for mount.glusterfs, one an entry. What makes the mount wait for the network, its servers and its volume is set already."`
}

// Manage says which shared parts of the machine apply may change. Both
// default to true and are never nil in a parsed Cluster.
type Manage struct {
	Packages *bool `yaml:"packages" json:"packages,omitempty" jsonschema:"default=true" jsonschema_description:"Whether apply installs missing packages."`
	Hosts    *bool `yaml:"hosts" json:"hosts,omitempty" jsonschema:"default=true" jsonschema_description:"Whether apply writes the nodes to /etc/hosts. With false something else, such as DNS, must resolve every node's name to its address on every node, which apply looks at for servers."`
}

// Exporter says how gluster_exporter runs.
type Exporter struct {
	Listen        string   `yaml:"listen" json:"listen,omitempty" jsonschema:"default=:9189,example=address:9189" jsonschema_description:"Where it listens. :9189 is all addresses of the node, address:9189 the one that the node has under nodes."`
	ProbeInterval *int     `yaml:"probe_interval_seconds" json:"probe_interval_seconds,omitempty" jsonschema:"minimum=0,maximum=3600,default=15" jsonschema_description:"How often it writes, reads and removes a file on each client mount of the node, in seconds. 0: never."`
	WebConfig     string   `yaml:"web_config" json:"web_config,omitempty" jsonschema:"example=/etc/brickyard/web.yaml" jsonschema_description:"A file on the node that switches TLS and authentication on (--web.config.file). You put it there."`
	Flags         []string `yaml:"flags" json:"flags,omitempty" jsonschema:"example=--collector.heal-info" jsonschema_description:"Further flags of gluster_exporter, one an entry; see gluster_exporter --help."`
}

// Check says when and how bricks are compared.
type Check struct {
	Schedule  string `yaml:"schedule" json:"schedule,omitempty" jsonschema:"default=weekly,example=Sun 03:00" jsonschema_description:"When: daily, weekly, monthly, a time of day such as 03:00, or days and a time such as Sun 03:00 or Tue,Fri 22:30. Each node begins up to half an hour later."`
	Content   bool   `yaml:"content" json:"content,omitempty" jsonschema:"default=false" jsonschema_description:"Whether contents are read and compared, too. Without it only names, sizes, modes, owners, links and attributes are."`
	Rate      *int   `yaml:"names_per_second" json:"names_per_second,omitempty" jsonschema:"minimum=0,maximum=1000000,default=1000" jsonschema_description:"How many names are compared a second at most. 0: as many as possible."`
	Bandwidth Size   `yaml:"bandwidth" json:"bandwidth,omitempty" jsonschema_description:"How much of contents is read a second from each brick at most. Without it 16m."`
}

// Size is a number of bytes, written like 512m or 2g (powers of 1024).
type Size int64

// Device names a brick's device on each node: a block device, UUID=, LABEL=
// or the path of an image file.
type Device struct {
	All    string            // for every node, or
	ByNode map[string]string // one a node
}
