// Package mounted says whether what is mounted in a client mount's place is the volume that the cluster file means: the one of this
// pool, not its namesake, and the whole of it.
package mounted

import (
	"cmp"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

// Seen is what tells which volume is mounted at a path.
type Seen struct {
	FSType, Source string // of the mount table
	Root           string // of the mount table: the directory of the file system that is shown, "/" where it is the whole
	Graph          Graph  // what the mount's client says; empty where it does not answer
}

// Graph is what a GlusterFS client says of itself: its present translators, and how it was started.
type Graph struct {
	VolumeIDs    []string // as clients of replicated volumes know them (GlusterFS 9 to 11); others know none
	Hosts        []string // of the bricks, as the volume was created with them
	Subdirectory string   // what it shows of the volume, "" where that is the whole
}

// Pool is what a mount is compared with.
type Pool struct {
	Servers []desired.Server
	Server  bool   // this machine is one of them, so that localhost is, too
	ID      string // of the volume in the pool, "" where nobody who could tell has answered
	// Resolve returns the addresses of a name that the cluster file does not have.
	Resolve func(host string) []netip.Addr
}

// Other says how what is mounted differs from the volume that should be, and what to do; nothing where it is that volume. The name
// decides nothing, since every pool may have a volume of that name: the volume's id does, or else where its bricks are. The server
// that the mount asked for its volfile counts only while the mount's client does not answer.
func Other(m desired.ClientMount, seen Seen, pool Pool) (problem, remedy string) {
	remedy = "unmount it if it is not needed, or choose another path under mounts in the cluster file"
	want := "the cluster file says volume " + m.Volume
	if seen.FSType != "fuse.glusterfs" {
		return fmt.Sprintf("%s (%s) is mounted there, %s", seen.FSType, seen.Source, want), remedy
	}
	from := gluster.ParseDevice(seen.Source)
	if len(from.Servers) == 0 || from.Volume != m.Volume {
		return fmt.Sprintf("the volume %s is mounted there, %s", seen.Source, want), remedy
	}
	remedy = fmt.Sprintf("run \"umount %s\" when its users can do without it, then \"gluster-setup apply\", which mounts the volume of the cluster file", m.Path)
	if only := path.Join("/", cmp.Or(seen.Graph.Subdirectory, from.Directory), seen.Root); only != "/" {
		return fmt.Sprintf("only the directory %s of volume %s is mounted there, the cluster file says the whole volume", only, m.Volume), remedy
	}
	switch g := seen.Graph; {
	case len(g.VolumeIDs) > 0 && pool.ID != "":
		if !slices.Contains(g.VolumeIDs, pool.ID) {
			return fmt.Sprintf("another volume named %s is mounted there: it has the volume id %s and its bricks on %s, the one of this pool has %s. What is written there does not reach this pool",
				m.Volume, strings.Join(g.VolumeIDs, " and "), strings.Join(g.Hosts, ", "), pool.ID), remedy
		}
	case len(g.Hosts) > 0:
		if !slices.ContainsFunc(g.Hosts, pool.has) {
			return fmt.Sprintf("the volume %s of another pool is mounted there: its bricks are on %s, none of which is a server of the cluster file. What is written there does not reach this pool",
				m.Volume, strings.Join(g.Hosts, ", ")), remedy
		}
	case !slices.ContainsFunc(from.Servers, pool.has):
		return fmt.Sprintf("the volume is mounted there from %s, which is no server of the cluster file, and the mount does not say whose it is", strings.Join(from.Servers, ", ")), remedy
	}
	return "", ""
}

// has reports whether a name or an address is that of a server.
func (p Pool) has(host string) bool {
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	names, addresses := []string{host}, []netip.Addr{a.Unmap()}
	is := func(s desired.Server) bool { return s.Is(names) || slices.Contains(addresses, s.Address) }
	switch {
	case host == "localhost", err == nil && a.Unmap().IsLoopback():
		return p.Server
	case slices.ContainsFunc(p.Servers, is):
		return true
	case err == nil, p.Resolve == nil:
		return false
	}
	addresses = p.Resolve(host)
	return slices.ContainsFunc(p.Servers, is)
}
