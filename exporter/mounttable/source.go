package mounttable

import (
	"context"
	"net"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"brickyard/gluster"
)

// Source is what is mounted, or should be: a volume, or a directory of one, and the servers that are asked for it.
type Source struct {
	Servers   []string
	Volume    string
	Directory string // without slashes around it; "" is the whole volume
}

// SourceOf reads what the tables call a volume.
func SourceOf(device string) Source {
	d := gluster.ParseDevice(device)
	return Source{Servers: d.Servers, Volume: d.Volume, Directory: clean(d.Directory)}
}

func clean(directory string) string { return strings.Trim(path.Join("/", directory), "/") }

// Is reports whether a mount is what /etc/fstab says: the same volume and directory, and of a server that both name. Every pool may have
// a volume of that name. Servers with different names may be the same: lookup finds addresses. What it cannot find proves nothing, nor does
// a mount from this machine itself.
func (s Source) Is(mount Source, lookup func(host string) ([]netip.Addr, error)) bool {
	if s.Volume != mount.Volume || s.Directory != mount.Directory {
		return false
	}
	var addresses [2][]netip.Addr
	unknown := false
	for _, host := range mount.Servers {
		a, err := netip.ParseAddr(host)
		if host == "localhost" || err == nil && a.Unmap().IsLoopback() || slices.ContainsFunc(s.Servers, func(n string) bool { return strings.EqualFold(n, host) }) {
			return true
		}
	}
	for i, hosts := range [][]string{s.Servers, mount.Servers} {
		for _, host := range hosts {
			found, err := lookup(host)
			unknown = unknown || err != nil
			addresses[i] = append(addresses[i], found...)
		}
	}
	return unknown || slices.ContainsFunc(addresses[0], func(a netip.Addr) bool { return slices.Contains(addresses[1], a) })
}

// lookupPatience bounds the time that one name may take.
const lookupPatience = time.Second

// Lookup asks /etc/hosts and name servers for a host's addresses.
func Lookup(ctx context.Context) func(host string) ([]netip.Addr, error) {
	return func(host string) ([]netip.Addr, error) {
		ctx, cancel := context.WithTimeout(ctx, lookupPatience)
		defer cancel()
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		for i, a := range found {
			found[i] = a.Unmap()
		}
		return found, err
	}
}
