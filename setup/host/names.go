package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/textfile"
)

// resolveTimeout bounds how long name servers that do not answer hold up a plan.
const resolveTimeout = 10 * time.Second

// known is what this machine knows of names and of itself.
type known struct {
	own   []netip.Addr         // addresses of its interfaces
	hosts []textfile.NamedHost // /etc/hosts as it will be
	// resolved has the addresses of the names that were asked for; none for a name that nobody knows.
	resolved map[string][]netip.Addr
}

// names plans nothing: it refuses what GlusterFS could not know another node, or this one, by.
func (h *Host) names(ctx context.Context, files change.Plan, own []netip.Addr) (change.Plan, error) {
	if h.Resolve == nil || len(h.State.Pool.Servers) == 0 {
		return change.Plan{}, nil
	}
	text, err := readText(filepath.Join(h.Root, HostsPath))
	if err != nil {
		return change.Plan{}, err
	}
	k := known{own: own, hosts: textfile.Hosts(text)}
	pending := slices.ContainsFunc(files.Changes, func(c change.Change) bool { return c.Object == HostsPath })
	if !pending && len(files.Conflicts) == 0 {
		// Before the nodes are in it nobody needs to know them.
		k.resolved = h.lookUp(ctx, text)
	}
	return checkNames(h.State, k), nil
}

// Names looks at the names and addresses of the servers, as plan does: what is wrong with them is often the cause of all else.
func (h *Host) Names(ctx context.Context) (change.Plan, error) {
	own, err := h.Own()
	if err != nil {
		return change.Plan{}, err
	}
	return h.names(ctx, change.Plan{}, own)
}

// lookUp asks for the servers' names all at once. What it found stays found while /etc/hosts does: apply looks at the
// machine after every change.
func (h *Host) lookUp(ctx context.Context, hosts string) map[string][]netip.Addr {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	if h.found == nil || h.foundFor != hosts {
		h.found, h.foundFor = map[string][]netip.Addr{}, hosts
	}
	out := map[string][]netip.Addr{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, s := range h.State.Pool.Servers {
		if addrs := h.found[s.Name]; len(addrs) > 0 {
			out[s.Name] = addrs
			continue
		}
		wg.Go(func() {
			addrs, err := h.Resolve(ctx, s.Name)
			if errors.Is(err, machine.ErrNoProgram) {
				return // then glusterd is the first who asks
			}
			mu.Lock()
			defer mu.Unlock()
			out[s.Name] = addrs
		})
	}
	wg.Wait()
	maps.Copy(h.found, out)
	return out
}

// checkNames compares what this machine knows of the servers with the cluster file.
func checkNames(s *desired.State, k known) change.Plan {
	var p change.Plan
	conflict := func(code, object, problem, remedy string) {
		p.Conflicts = append(p.Conflicts, change.Conflict{Code: code, Object: object, Problem: problem, Remedy: remedy})
	}
	for _, server := range s.Pool.Servers {
		if server.Name == s.Node {
			k.self(s, &p)
			continue
		}
		field := "nodes." + server.Name
		if machine.IsLocal(server.Address, k.own) {
			conflict("other-address-here", field+".address", fmt.Sprintf("%s is on an interface of this machine, which is %s: GlusterFS would take %s for this machine", server.Address, s.Node, server.Name),
				"write the address by which the others reach "+server.Name+", or take this one off this machine (ip addr)")
			continue
		}
		if line, there := k.here(server.Name); there && !s.ManageHosts {
			conflict("name-is-local", fmt.Sprintf("%s:%d", HostsPath, line.Line), fmt.Sprintf("%q gives %s the address %s: GlusterFS would take it for this machine", line.HostLine, server.Name, line.Address),
				fmt.Sprintf("remove the name from this line, so that it resolves to %s, and run \"systemctl restart glusterd\" if glusterd runs", server.Address))
			continue
		}
		found, asked := k.resolved[server.Name]
		local := slices.IndexFunc(found, func(a netip.Addr) bool { return machine.IsLocal(a, k.own) })
		by := fmt.Sprintf("by %s, DNS or what else /etc/nsswitch.conf names", HostsPath)
		right := fmt.Sprintf("have it resolve to %s (\"getent ahosts %s\" shows what it does)", server.Address, server.Name)
		switch {
		case local >= 0:
			conflict("name-is-local", field, fmt.Sprintf("its name resolves to %s on this machine, %s: GlusterFS would take it for this machine", found[local], by),
				right+", and run \"systemctl restart glusterd\" if glusterd runs")
		case asked && len(found) == 0:
			p.Waits = append(p.Waits, fmt.Sprintf("this machine to know %s by name, %s (\"getent ahosts %s\" finds nothing)", server.Name, by, server.Name))
		case asked && !slices.Contains(found, server.Address) && s.ManageHosts:
			// A caching resolver reads /etc/hosts again after a moment.
			p.Waits = append(p.Waits, fmt.Sprintf("the name %s to resolve to %s on this machine, as %s has it; by another service that /etc/nsswitch.conf names it resolves to %s (getent ahosts %s)",
				server.Name, server.Address, HostsPath, list(found), server.Name))
		case asked && !slices.Contains(found, server.Address):
			conflict("name-address", field, fmt.Sprintf("its name resolves to %s on this machine, %s, and the cluster file says %s", list(found), by, server.Address),
				right+", or correct "+field+".address")
		}
	}
	return p
}

// self refuses an address of this node by which its glusterd does not know itself.
func (k known) self(s *desired.State, p *change.Plan) {
	address, field := s.Addresses[s.Node], "nodes."+s.Node
	found, asked := k.resolved[s.Node]
	_, loopback := k.here(s.Node)
	knows := loopback || slices.ContainsFunc(found, func(a netip.Addr) bool { return machine.IsLocal(a, k.own) })
	problem := fmt.Sprintf("%s is on no interface of this machine, which has %s", address, list(outside(k.own)))
	switch {
	case machine.IsLocal(address, k.own) && asked && len(found) == 0:
		p.Waits = append(p.Waits, fmt.Sprintf("this machine to know its own name, %s, by %s or DNS (\"getent ahosts %s\" finds nothing)", s.Node, HostsPath, s.Node))
	case machine.IsLocal(address, k.own) && asked && !knows:
		p.Conflicts = append(p.Conflicts, change.Conflict{
			Code: "own-name", Object: field, Problem: fmt.Sprintf("its name resolves to %s on this machine, which is on none of its interfaces: GlusterFS does not know its own name", list(found)),
			Remedy: fmt.Sprintf("have it resolve to %s (\"getent ahosts %s\" shows what it does), and run \"systemctl restart glusterd\" if glusterd runs", address, s.Node),
		})
	case machine.IsLocal(address, k.own):
	case knows:
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s.address: %s: GlusterFS knows its own name here only because that resolves to a local address", field, problem))
	default:
		p.Conflicts = append(p.Conflicts, change.Conflict{
			Code: "own-address", Object: field + ".address", Problem: problem + ": GlusterFS does not know its own name there, and nobody could create a volume with a brick here",
			Remedy: "write the address that \"ip addr\" shows into the cluster file, the same on every node",
		})
	}
}

// here returns the line of /etc/hosts that gives a name an address of this machine.
func (k known) here(name string) (textfile.NamedHost, bool) {
	i := slices.IndexFunc(k.hosts, func(l textfile.NamedHost) bool { return l.Has(name) && machine.IsLocal(l.Address, k.own) })
	if i < 0 {
		return textfile.NamedHost{}, false
	}
	return k.hosts[i], true
}

// outside leaves out the addresses that no other machine can use.
func outside(addrs []netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return a.IsLoopback() || a.IsLinkLocalUnicast() })
}

// list names addresses.
func list(addrs []netip.Addr) string {
	if len(addrs) == 0 {
		return "none"
	}
	words := make([]string, 0, len(addrs))
	for _, a := range addrs {
		words = append(words, a.String())
	}
	return strings.Join(words, ", ")
}
