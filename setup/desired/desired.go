// Package desired turns the cluster file into what one node and the pool
// should look like. Everything here is pure: it reads no file and asks nobody.
package desired

import (
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"

	"brickyard/gluster"
	"brickyard/setup/cluster"
	"brickyard/setup/textfile"
)

// Paths on every node that both apply and the units it writes rely on.
const (
	ClusterFile  = "/etc/brickyard/cluster.yaml"   // default of --file, and what the units read at boot
	Binary       = "/usr/local/sbin/gluster-setup" // where apply installs itself when it runs from elsewhere
	WaitUnit     = "gluster-setup-wait@%s.service" // client mounts of volume %s require it
	unitDir      = "/etc/systemd/system"           //
	ExporterName = "gluster_exporter"              // its program, beside Binary
	ExporterUnit = "gluster_exporter.service"
	// ExporterSocket listens for it, comes and goes with it, and is not enabled itself.
	ExporterSocket = "gluster_exporter.socket"
	dropIn         = "glusterd.service.d/gluster-setup.conf"
)

// State is what one node should look like, and the pool it belongs to. It is
// also the data that templates see.
type State struct {
	Node         string // this node's name in the cluster file
	Addresses    map[string]netip.Addr
	ClusterFile  string // where the units find the cluster file
	Binary       string // where the units find gluster-setup
	Server       bool   // this node has bricks and runs glusterd
	IPv6         bool   // the pool talks IPv6
	ManageHosts  bool
	HoldSeconds  int  // how long a clean shutdown waits at most while others heal from here
	Packages     bool // install what is missing
	Hosts        []textfile.HostLine
	BrickMounts  []BrickMount
	Directories  []Directory
	ClientMounts []ClientMount
	Exporter     *Exporter // nil where none is wanted
	Check        string    // when bricks are compared, for systemd; "" where never
	Pool         Pool
}

// Exporter is how gluster_exporter runs on this node.
type Exporter struct {
	Binary string   // where the unit finds it
	Socket string   // where its socket listens, as systemd writes it
	Flags  []string // in order
	// Connects: a flag has it call a program that opens connections to the bricks of all nodes.
	Connects bool
}

// BrickMount is a file system of this node that holds a brick.
type BrickMount struct {
	Volume    string
	Path      string // mount point
	Spec      string // first field of fstab: tmpfs, a device, UUID=, LABEL= or an image file
	Fstype    string
	Options   []string // of fstab
	Sync      bool     // every write reaches the disk before it is acknowledged
	Size      int64    // bytes: of a tmpfs, or of the image file to make; else 0
	Image     bool     // Spec is an image file, mounted by a loop device
	Unit      string   // systemd's name for the mount
	BrickPath string
}

// Directory is a directory on a file system that is already there and holds a brick.
type Directory struct {
	Volume    string
	Path      string
	BrickPath string
}

// TmpfsBricks are the bricks of this node that a reboot wipes, as directories.
func (s *State) TmpfsBricks() []string {
	var out []string
	for _, m := range s.BrickMounts {
		if m.Fstype == "tmpfs" {
			out = append(out, m.BrickPath)
		}
	}
	return out
}

// MountUnits are systemd's names of the mounts that /etc/fstab has for this node, and of the units that those require.
func (s *State) MountUnits() (mounts, required []string) {
	for _, m := range s.BrickMounts {
		mounts = append(mounts, m.Unit)
	}
	for _, m := range s.ClientMounts {
		mounts = append(mounts, m.Unit)
		if unit := fmt.Sprintf(WaitUnit, m.Volume); !slices.Contains(required, unit) {
			required = append(required, unit)
		}
	}
	return mounts, required
}

// ClientMount is a volume mounted on this node.
type ClientMount struct {
	Volume  string
	Path    string
	Server  string   // whom the mount asks for the volfile first
	Source  string   // server:/volume
	Options []string // of fstab
	Unit    string
}

// Pool is the trusted pool: the nodes that have bricks, in the order of the
// cluster file, and the volumes.
type Pool struct {
	Servers []Server
	Volumes []Volume
	// Resolved says that /etc/hosts on every node gives the servers' addresses
	// their names, by which GlusterFS then knows whoever probes it.
	Resolved bool
}

// Server is a node of the pool.
type Server struct {
	Name    string
	Aliases []string
	Address netip.Addr
}

// Is reports whether one of a peer's names means this server.
func (s Server) Is(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return strings.EqualFold(n, s.Name) || n == s.Address.String() || slices.ContainsFunc(s.Aliases, func(a string) bool { return strings.EqualFold(a, n) })
	})
}

// Volume is a volume as it should be.
type Volume struct {
	Spec    gluster.VolumeSpec
	Options []cluster.Option // explicit and from the profile, sorted by key
	Sets    [][]cluster.Brick
	Quorum  gluster.Quorum
	Mode    fs.FileMode // of its root directory
	Chmod   bool        // the cluster file names Mode, and root of a client may set it
}

// Leader is the node that makes the changes of the pool: the first server in
// the order of the cluster file.
func (p Pool) Leader() string {
	if len(p.Servers) == 0 {
		return ""
	}
	return p.Servers[0].Name
}

// Volume returns the volume with that name.
func (p Pool) Volume(name string) (Volume, bool) {
	i := slices.IndexFunc(p.Volumes, func(v Volume) bool { return v.Spec.Name == name })
	if i < 0 {
		return Volume{}, false
	}
	return p.Volumes[i], true
}

// Server returns the server with that name.
func (p Pool) Server(name string) (Server, bool) {
	i := slices.IndexFunc(p.Servers, func(s Server) bool { return s.Name == name })
	if i < 0 {
		return Server{}, false
	}
	return p.Servers[i], true
}

// ServersOf returns the nodes that have bricks of a volume, in brick order.
func (v Volume) ServersOf() []string {
	var names []string
	for _, b := range v.Spec.Bricks {
		if !slices.Contains(names, b.Host) {
			names = append(names, b.Host)
		}
	}
	return names
}

// For returns what the node should look like.
func For(c *cluster.Cluster, node string) (*State, error) {
	self, ok := c.Nodes[node]
	if !ok {
		return nil, fmt.Errorf("node %s is not in %s: add it under nodes, or name another with --node", node, c.Source)
	}
	s := &State{
		Node:        node,
		ClusterFile: ClusterFile,
		Binary:      Binary,
		HoldSeconds: *c.ShutdownWait,
		ManageHosts: c.ManageHosts(),
		Packages:    c.ManagePackages(),
		Addresses:   map[string]netip.Addr{},
	}
	for _, name := range c.NodeOrder {
		addr, err := netip.ParseAddr(c.Nodes[name].Address)
		if err != nil {
			return nil, fmt.Errorf("nodes.%s.address: %w", name, err)
		}
		s.Addresses[name] = addr
		s.Hosts = append(s.Hosts, textfile.HostLine{Address: addr, Names: append([]string{name}, c.Nodes[name].Aliases...)})
	}
	own, err := netip.ParseAddr(self.Address)
	if err != nil {
		return nil, fmt.Errorf("nodes.%s.address: %w", node, err)
	}
	s.IPv6 = own.Is6()
	s.Pool = pool(c, s.Addresses)
	s.Pool.Resolved = s.ManageHosts
	for _, name := range c.VolumeOrder {
		if v := c.Volumes[name]; slices.Contains(v.Bricks.Nodes, node) {
			s.Server = true
			s.addBrick(name, v)
		}
	}
	for _, m := range c.Mounts {
		if slices.Contains(m.Nodes, node) {
			s.ClientMounts = append(s.ClientMounts, s.clientMount(c, m))
		}
	}
	s.exporter(c)
	if c.Check != nil && s.Server {
		s.Check = c.Check.Schedule
	}
	return s, nil
}

// SetBinary says where the units find gluster-setup; gluster_exporter lies beside it.
func (s *State) SetBinary(file string) {
	s.Binary = file
	if s.Exporter != nil {
		s.Exporter.Binary = path.Join(path.Dir(file), ExporterName)
	}
}

// exporter adds gluster_exporter to a node that has bricks or mounts.
func (s *State) exporter(c *cluster.Cluster) {
	e := c.Exporter
	if e == nil || !s.Server && len(s.ClientMounts) == 0 {
		return
	}
	listen := e.Listen
	if port, own := strings.CutPrefix(listen, cluster.OwnAddress+":"); own {
		listen = net.JoinHostPort(s.Addresses[s.Node].String(), port)
	}
	// The socket of the unit listens. The address is a flag as well: whoever reads the unit sees it, and replaced templates without a socket need it.
	out := &Exporter{
		Binary: path.Join(path.Dir(s.Binary), ExporterName), Socket: strings.TrimPrefix(listen, ":"),
		Flags: []string{"--web.listen-address=" + listen}, Connects: slices.ContainsFunc(e.Flags, healInfo),
	}
	if e.WebConfig != "" {
		out.Flags = append(out.Flags, "--web.config.file="+e.WebConfig)
	}
	var probed []ClientMount
	for _, m := range s.ClientMounts {
		// The prober is root, and has a directory that nobody else may write.
		if v, _ := s.Pool.Volume(m.Volume); !cluster.Squashes(v.Options) {
			probed = append(probed, m)
		}
	}
	if *e.ProbeInterval > 0 && len(probed) > 0 {
		out.Flags = append(
			out.Flags, fmt.Sprintf("--probe.interval=%ds", *e.ProbeInterval),
			"--probe.node="+s.Node, "--probe.peers="+strings.Join(probers(c, probed), ","),
		)
		for _, m := range probed {
			out.Flags = append(out.Flags, "--probe.mount="+m.Path)
		}
	}
	out.Flags = append(out.Flags, e.Flags...)
	s.Exporter = out
}

// healInfo reports whether a flag has the exporter call gluster volume heal.
func healInfo(flag string) bool {
	name, value, set := strings.Cut(flag, "=")
	return name == "--collector.heal-info" && (!set || value != "false")
}

// probers are the nodes that mount a volume of these mounts, in order: their probers hear each other, and nobody else.
func probers(c *cluster.Cluster, mounts []ClientMount) []string {
	var names []string
	for _, m := range c.Mounts {
		if slices.ContainsFunc(mounts, func(own ClientMount) bool { return own.Volume == m.Volume }) {
			names = append(names, m.Nodes...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func pool(c *cluster.Cluster, addresses map[string]netip.Addr) Pool {
	var p Pool
	inPool := map[string]bool{}
	for _, name := range c.VolumeOrder {
		v := c.Volumes[name]
		vol := Volume{
			Spec:    gluster.VolumeSpec{Name: name, Replica: v.Replica, Arbiter: v.Arbiter},
			Options: c.EffectiveOptions(name),
			Sets:    c.ReplicaSets(name),
		}
		options := map[string]string{}
		for _, o := range vol.Options {
			options[o.Name] = o.Value
		}
		vol.Mode, vol.Chmod = v.RootMode()
		vol.Chmod = vol.Chmod && !cluster.Squashes(vol.Options)
		vol.Quorum = gluster.QuorumOf(options, v.Replica)
		for _, set := range vol.Sets {
			for _, b := range set {
				vol.Spec.Bricks = append(vol.Spec.Bricks, gluster.Brick{Host: b.Node, Path: b.Path, Arbiter: b.Arbiter})
				inPool[b.Node] = true
			}
		}
		p.Volumes = append(p.Volumes, vol)
	}
	for _, name := range c.NodeOrder {
		if inPool[name] {
			p.Servers = append(p.Servers, Server{Name: name, Aliases: c.Nodes[name].Aliases, Address: addresses[name]})
		}
	}
	return p
}

func (s *State) addBrick(name string, v cluster.Volume) {
	brick := path.Join(cluster.BrickMount(v), cluster.BrickDir)
	b := v.Bricks
	switch {
	case b.Tmpfs != nil:
		s.BrickMounts = append(s.BrickMounts, BrickMount{
			Volume: name, Path: b.Tmpfs.Mount, Spec: "tmpfs", Fstype: "tmpfs", Size: int64(b.Tmpfs.Size),
			Options: []string{"defaults", "nosuid", "nodev", "mode=0700", "size=" + b.Tmpfs.Size.String()}, Unit: mountUnit(b.Tmpfs.Mount), BrickPath: brick,
		})
	case b.Disk != nil:
		m := BrickMount{
			Volume: name, Path: b.Disk.Mount, Spec: b.Disk.Device.For(s.Node), Fstype: b.Disk.Fstype,
			Sync: b.Disk.Durability == "sync", Size: int64(b.Disk.Size), Unit: mountUnit(b.Disk.Mount), BrickPath: brick,
		}
		m.Image = strings.HasPrefix(m.Spec, "/") && !strings.HasPrefix(m.Spec, "/dev/")
		// nofail: a brick's disk that is gone must not keep the machine from
		// booting; glusterd's own drop-in gives the order that nofail drops.
		m.Options = []string{"defaults", "nosuid", "nodev", "noatime", "nofail"}
		if m.Sync {
			m.Options = append(m.Options, "sync")
		}
		if m.Image {
			m.Options = append(m.Options, "loop")
		} else {
			m.Options = append(m.Options, "x-systemd.device-timeout=30s")
		}
		s.BrickMounts = append(s.BrickMounts, m)
	default:
		s.Directories = append(s.Directories, Directory{Volume: name, Path: b.Directory, BrickPath: brick})
	}
}

func (s *State) clientMount(c *cluster.Cluster, m cluster.Mount) ClientMount {
	v, _ := s.Pool.Volume(m.Volume) // validation guarantees that it exists
	servers := v.ServersOf()
	// A server mounts from itself, so that it needs nobody else to boot.
	if i := slices.Index(servers, s.Node); i > 0 {
		servers = append([]string{s.Node}, slices.Delete(slices.Clone(servers), i, i+1)...)
	}
	opts := []string{"defaults", "_netdev"}
	if len(servers) > 1 {
		opts = append(opts, "backup-volfile-servers="+strings.Join(servers[1:], ":"))
	}
	if s.IPv6 {
		opts = append(opts, "xlator-option=transport.address-family=inet6")
	}
	opts = append(opts, c.MountOptions(m)...)
	opts = append(opts, "x-systemd.requires="+fmt.Sprintf(WaitUnit, m.Volume))
	if s.Server {
		// Stopping goes the other way round: unmount, then stop the bricks.
		opts = append(opts, "x-systemd.after=glusterd.service")
	}
	return ClientMount{
		Volume: m.Volume, Path: m.Path, Server: servers[0], Source: servers[0] + ":/" + m.Volume,
		Options: opts, Unit: mountUnit(m.Path),
	}
}

func mountUnit(p string) string { return unit.UnitNamePathEscape(p) + ".mount" }
