package machine

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Addresses are those of this machine's interfaces, up or not, in the order in which the system lists them.
func Addresses() ([]netip.Addr, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("addresses of this machine: %w", err)
	}
	var addrs []netip.Addr
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			addrs = append(addrs, p.Addr().Unmap())
		}
	}
	return addrs, nil
}

// IsLocal reports whether GlusterFS takes an address for one of the machine whose interfaces have the given ones.
func IsLocal(a netip.Addr, own []netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return a.IsLoopback() || a.IsUnspecified() || slices.ContainsFunc(own, func(o netip.Addr) bool { return o.WithZone("") == a })
}

// getentUnknown is the exit status of getent for what it does not find.
const getentUnknown = 2

// Resolve returns the addresses of a name as the C library finds them, and with it glusterd: by /etc/hosts, DNS and whatever else
// /etc/nsswitch.conf names. A name that nobody knows has none.
func Resolve(ctx context.Context, run Exec, name string) ([]netip.Addr, error) {
	out, err := run(ctx, nil, "getent", "ahosts", name)
	if ExitCode(err) == getentUnknown {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return readAhosts(string(out)), nil
}

// readAhosts reads what getent prints: an address for each kind of socket.
func readAhosts(text string) []netip.Addr {
	var addrs []netip.Addr
	for l := range strings.Lines(text) {
		words := strings.Fields(l)
		if len(words) == 0 {
			continue
		}
		if a, err := netip.ParseAddr(words[0]); err == nil && !slices.Contains(addrs, a.Unmap()) {
			addrs = append(addrs, a.Unmap())
		}
	}
	return addrs
}
