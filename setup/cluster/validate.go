package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// validator checks a decoded cluster. It gets the file's tree beside the Go
// values: the tree knows where everything stands, and which values could not
// be decoded and need no second word.
type validator struct {
	r *reporter
	c *Cluster
}

func (v validator) file(root *node) {
	nodes := root.get("nodes")
	switch {
	case root.lacks("nodes"):
		v.r.at(root, "the file has no nodes", "add `nodes:` with the host name and the address of every machine")
	case nodes != nil && nodes.kind == kindMap:
		v.nodes(nodes)
	}
	if volumes := root.get("volumes"); volumes != nil && volumes.kind == kindMap {
		if len(volumes.keys) == 0 {
			v.r.at(volumes, "volumes is empty", "declare a volume, or remove the key")
		}
		for _, name := range volumes.keys {
			v.volume(name, volumes.values[name])
		}
	}
	if mounts := root.get("mounts"); mounts != nil && mounts.kind == kindList {
		if len(mounts.items) == 0 {
			v.r.at(mounts, "mounts is empty", "declare a mount, or remove the key")
		}
		for i, item := range mounts.items {
			v.mount(v.c.Mounts[i], item)
		}
	}
	if n := root.get("shutdown_wait_seconds"); n != nil && !n.bad && (*v.c.ShutdownWait < 0 || *v.c.ShutdownWait > maxShutdownWait) {
		v.r.at(n, fmt.Sprintf("shutdown_wait_seconds %d is out of range", *v.c.ShutdownWait), fmt.Sprintf("write seconds from 0, which waits for nobody, to %d", maxShutdownWait))
	}
	if n := root.get("mount_wait_seconds"); n != nil && !n.bad && (*v.c.MountWait < 0 || *v.c.MountWait > maxMountWait) {
		v.r.at(n, fmt.Sprintf("mount_wait_seconds %d is out of range", *v.c.MountWait), fmt.Sprintf("write seconds from 0, which mounts at once, to %d", maxMountWait))
	}
	if n := root.get("exporter"); n != nil && !n.bad && n.kind == kindMap {
		v.exporter(*v.c.Exporter, n)
	}
	if n := root.get("check"); n != nil && !n.bad && n.kind == kindMap {
		v.check(*v.c.Check, n)
	}
	v.places(root)
	v.devices(root)
}

// names remembers what a host name or address is used for already.
type names map[string]string

// claim takes name for user, or returns who has it.
func (n names) claim(name, user string) (owner string) {
	if owner, taken := n[name]; taken {
		return owner
	}
	n[name] = user
	return ""
}

func (v validator) nodes(n *node) {
	if len(n.keys) == 0 {
		v.r.at(n, "nodes is empty", "add the host name and the address of every machine")
	}
	hosts := names{}
	for _, name := range n.keys {
		hosts.claim(strings.ToLower(name), "node "+name)
	}
	addresses := map[netip.Addr]string{}
	for _, name := range n.keys {
		child := n.values[name]
		if message, hint := hostNameProblem(name); message != "" {
			v.r.atKey(child, message, hint)
		}
		if child.kind != kindMap {
			continue
		}
		v.address(name, child, addresses)
		v.aliases(name, child, hosts)
	}
	v.families(n, addresses)
}

// families reports the first node whose address is of another family than the
// first node's. glusterd, bricks and clients talk one family, and none of them
// looks for a name in the other (tried with GlusterFS 10.3).
func (v validator) families(n *node, addresses map[netip.Addr]string) {
	byNode := map[string]netip.Addr{}
	for addr, name := range addresses {
		byNode[name] = addr
	}
	first := ""
	for _, name := range n.keys {
		addr, ok := byNode[name]
		if !ok {
			continue
		}
		if first == "" {
			first = name
			continue
		}
		if addr.Is4() != byNode[first].Is4() {
			v.r.at(n.values[name].get("address"), fmt.Sprintf("node %s has an %s address and node %s an %s address: GlusterFS talks one address family", name, family(addr), first, family(byNode[first])),
				"give all nodes IPv4 addresses, or all of them IPv6 addresses")
			return
		}
	}
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

func (v validator) address(name string, n *node, seen map[netip.Addr]string) {
	const hint = "add `address:` with the IPv4 or IPv6 address that the other nodes reach it by"
	field := n.get("address")
	if n.lacks("address") {
		v.r.atKey(n, fmt.Sprintf("node %s has no address", name), hint)
	}
	if field == nil || field.bad {
		return
	}
	addr, message, hint2 := addressProblem(field.text)
	if message != "" {
		v.r.at(field, fmt.Sprintf("node %s: %s", name, message), hint2)
		return
	}
	if other, taken := seen[addr]; taken {
		v.r.at(field, fmt.Sprintf("node %s has the address %s of node %s", name, addr, other), "every node needs an address of its own")
		return
	}
	seen[addr] = name
	entry := v.c.Nodes[name]
	entry.Address = addr.String() // the canonical form, so that addresses compare as text
	v.c.Nodes[name] = entry
}

func (v validator) aliases(name string, n *node, hosts names) {
	list := n.get("aliases")
	if list == nil || list.bad {
		return
	}
	for _, item := range list.items {
		if item.bad {
			continue
		}
		alias := item.text
		if message, hint := hostNameProblem(alias); message != "" {
			v.r.at(item, fmt.Sprintf("node %s: alias: %s", name, message), hint)
			continue
		}
		switch owner := hosts.claim(alias, "an alias of node "+name); owner {
		case "":
		case "node " + name:
			v.r.at(item, fmt.Sprintf("alias %s is the name of the node itself", alias), "remove it")
		case "an alias of node " + name:
			v.r.at(item, fmt.Sprintf("alias %s is there twice", alias), "remove one of the two")
		default:
			v.r.at(item, fmt.Sprintf("alias %s of node %s is already %s", alias, name, owner), "a name can belong to one node only")
		}
	}
}

// nodeList checks a list of nodes: all declared, none twice.
func (v validator) nodeList(what string, list *node, twice string) {
	seen := map[string]bool{}
	for _, item := range list.items {
		if item.bad {
			continue
		}
		name := item.text
		if _, ok := v.c.Nodes[name]; !ok {
			v.r.at(item, fmt.Sprintf("%s: node %s is not declared in nodes", what, name), v.nodeHint(name))
		} else if seen[name] {
			v.r.at(item, fmt.Sprintf("%s: node %s is in the list twice", what, name), twice)
		}
		seen[name] = true
	}
}

// nodeHint says which declared node may be meant.
func (v validator) nodeHint(name string) string {
	for _, candidate := range v.c.NodeOrder {
		if slices.Contains(v.c.Nodes[candidate].Aliases, name) {
			return fmt.Sprintf("%s is an alias; write %s", name, candidate)
		}
	}
	if near := nearest(name, v.c.NodeOrder); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if len(v.c.NodeOrder) == 0 || len(v.c.NodeOrder) > 10 {
		return "add it to nodes, with its address"
	}
	return "add it to nodes, or use one of " + strings.Join(v.c.NodeOrder, ", ")
}
