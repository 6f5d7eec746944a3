package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// FindNode returns which node of the cluster this machine is. Override is
// what the user gave with --node, or empty; hostname is the machine's own name,
// short or full; addrs are its addresses. The error names the candidates and
// the flag to use.
func FindNode(c *Cluster, override, hostname string, addrs []netip.Addr) (string, error) {
	if override != "" {
		return findByFlag(c, override)
	}
	byAddress := nodesWithAddress(c, addrs)
	names := nodesNamed(c, hostname)
	if len(names) == 0 {
		names = nodesNamedAlike(c, hostname)
	}
	if len(names) > 1 {
		// Several nodes share the short name: the address decides.
		if both := intersect(names, byAddress); len(both) == 1 {
			return both[0], nil
		}
		return "", fmt.Errorf("host name %s fits the nodes %s; say which one this is with --node", hostname, strings.Join(names, ", "))
	}
	if len(names) == 1 {
		if len(byAddress) > 0 && !slices.Contains(byAddress, names[0]) {
			return "", fmt.Errorf("this machine has the host name of node %s and the address of node %s; correct one of them, or say which one this is with --node",
				names[0], strings.Join(byAddress, " and of node "))
		}
		return names[0], nil
	}
	switch len(byAddress) {
	case 1:
		return byAddress[0], nil
	case 0:
		return "", fmt.Errorf("neither the host name %q nor an address of this machine belongs to a node of %s; say which one this is with --node: %s",
			hostname, sourceName(c), strings.Join(c.NodeOrder, ", "))
	default:
		return "", fmt.Errorf("this machine has the addresses of the nodes %s; say which one it is with --node", strings.Join(byAddress, ", "))
	}
}

func sourceName(c *Cluster) string {
	if c.Source == "" {
		return "the cluster file"
	}
	return c.Source
}

func findByFlag(c *Cluster, name string) (string, error) {
	found := nodesNamed(c, name)
	if len(found) == 0 {
		found = nodesNamedAlike(c, name)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		hint := "the nodes are " + strings.Join(c.NodeOrder, ", ")
		if near := nearest(name, c.NodeOrder); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		return "", fmt.Errorf("--node %s: no such node in %s; %s", name, sourceName(c), hint)
	default:
		return "", fmt.Errorf("--node %s fits %s; write one of them in full", name, strings.Join(found, ", "))
	}
}

// nodesNamed returns the nodes with exactly this name or alias.
func nodesNamed(c *Cluster, name string) []string {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if _, ok := c.Nodes[name]; ok {
		return []string{name}
	}
	var found []string
	for _, node := range c.NodeOrder {
		if slices.Contains(c.Nodes[node].Aliases, name) {
			found = append(found, node)
		}
	}
	return found
}

// nodesNamedAlike compares names without domains where one side has none.
func nodesNamedAlike(c *Cluster, name string) []string {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	short, domain, _ := strings.Cut(name, ".")
	if short == "" || short == "localhost" {
		return nil
	}
	var found []string
	for _, node := range c.NodeOrder {
		nodeShort, nodeDomain, _ := strings.Cut(node, ".")
		if nodeShort == short && (domain == "" || nodeDomain == "") {
			found = append(found, node)
		}
	}
	return found
}

func nodesWithAddress(c *Cluster, addrs []netip.Addr) []string {
	own := map[netip.Addr]bool{}
	for _, a := range addrs {
		own[a.Unmap().WithZone("")] = true
	}
	var found []string
	for _, node := range c.NodeOrder {
		if addr, err := netip.ParseAddr(c.Nodes[node].Address); err == nil && own[addr] {
			found = append(found, node)
		}
	}
	return found
}

func intersect(a, b []string) []string {
	var both []string
	for _, s := range a {
		if slices.Contains(b, s) {
			both = append(both, s)
		}
	}
	return both
}
