package cluster

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
)

// OptionAllow has the addresses of the clients that a volume's bricks let in, with commas between them.
const OptionAllow = "auth.allow"

// everybody is the value of OptionAllow that lets every address in, GlusterFS's default.
const everybody = "*"

// maxValue is how long the value of a volume option may be, in bytes: glusterd 10.3 ends when it is given 13,000, and
// keeps 3,900 well (tried with OptionAllow; its buffers have 4,096).
const maxValue = 4000

// Access says whom the bricks of a volume let in besides the nodes of the cluster file.
type Access struct {
	Any    bool     // everybody
	Others []string // addresses and networks, as they stand in the file
}

// MarshalJSON writes the access as the file has it: the word any, or a list.
func (a Access) MarshalJSON() ([]byte, error) {
	if a.Any {
		return json.Marshal(accessAny)
	}
	return json.Marshal(a.Others)
}

// IsZero reports whether the file says nothing, so that JSON leaves it out.
func (a Access) IsZero() bool { return !a.Any && a.Others == nil }

const accessAny = "any"

// wildcard is an IPv4 network as GlusterFS writes it, such as 10.9.0.*.
var wildcard = regexp.MustCompile(`^(([1-9]?[0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])\.){1,3}\*$`)

// accessPattern turns an address or a network of the file into what OptionAllow takes, or says what is wrong with it.
// A brick compares a pattern with the text of the client's address (xlators/protocol/auth/addr/src/addr.c). What it makes of
// networks in CIDR form is wrong in every release: with 10.77.0.14/32, 10.3 lets 10.77.0.15 in, and it refuses
// them for IPv6. So a network is possible where a * at the end of the text says the same.
func accessPattern(text string) (pattern string, addr netip.Addr, message, hint string) {
	if wildcard.MatchString(text) {
		return text, netip.IPv4Unspecified(), "", ""
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		addr, message, hint := addressProblem(text)
		if message != "" && !isAddress(text) {
			hint = "write an address such as 10.0.0.21, or a network such as 10.9.0.0/24; bricks would ask their own resolvers for a name"
		}
		return addr.String(), addr, message, hint
	}
	switch {
	case p != p.Masked():
		return "", p.Addr(), text + " is no network: its last bits are not 0", "write " + p.Masked().String() + ", or the address alone: " + p.Addr().String()
	case p.Bits() == 0:
		return "", p.Addr(), text + " is everybody", "write `access: any` if that is meant"
	case p.IsSingleIP():
		return p.Addr().String(), p.Addr(), "", ""
	}
	const whole = "GlusterFS compares addresses as text"
	if p.Addr().Is4() {
		if p.Bits()%8 != 0 {
			return "", p.Addr(), fmt.Sprintf("network %s does not end at a dot", text), whole + ": write networks of /8, /16 or /24, or single addresses"
		}
		parts := strings.Split(p.Addr().String(), ".")
		return strings.Join(parts[:p.Bits()/8], ".") + ".*", p.Addr(), "", ""
	}
	parts := strings.Split(p.Addr().StringExpanded(), ":")[:p.Bits()/16]
	for i, part := range parts {
		parts[i] = strings.TrimLeft(part, "0")
	}
	if p.Bits()%16 != 0 || slices.Contains(parts, "") {
		return "", p.Addr(), fmt.Sprintf("network %s does not end at a colon, or has a group of zeros", text),
			whole + ", in which zeros are left out: write networks of /16, /32, /48 or /64 without a group of zeros before the /, or single addresses"
	}
	return strings.Join(parts, ":") + ":*", p.Addr(), "", ""
}

// Admits reports whether a value of OptionAllow lets an address in. Names in it, which a brick resolves itself, let nobody in here.
func Admits(allow string, addr netip.Addr) bool {
	text := addr.Unmap().String()
	for pattern := range strings.FieldsFuncSeq(allow, func(r rune) bool { return r == ',' || r == ' ' }) {
		// GlusterFS takes addresses with a directory, too: "/dir(10.0.0.1)". Those are not written here.
		if ok, err := path.Match(pattern, text); err == nil && ok {
			return true
		}
	}
	return allow == "" // GlusterFS's default is everybody
}

// Refuses reports whether a value of OptionAllow surely leaves an address out: names and what else only a brick can tell
// might mean it.
func Refuses(allow string, addr netip.Addr) bool {
	for pattern := range strings.SplitSeq(allow, ",") {
		if _, err := netip.ParseAddr(pattern); err != nil && !strings.HasSuffix(pattern, "*") {
			return false
		}
	}
	return !Admits(allow, addr)
}

// users are the nodes that serve anything or mount the volume, in the order of the file.
func (c *Cluster) users(volume string) []string {
	uses := map[string]bool{}
	for _, name := range c.Servers() {
		uses[name] = true
	}
	for _, m := range c.Mounts {
		if m.Volume == volume {
			for _, name := range m.Nodes {
				uses[name] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(c.NodeOrder), func(name string) bool { return !uses[name] })
}

// allowOption lets the nodes of the cluster file in, and whom access names. It is sorted, so that the order of the nodes
// in the file changes nothing.
func (c *Cluster) allowOption(volume string) Option {
	var addresses []netip.Addr
	for _, node := range c.users(volume) {
		if addr, err := netip.ParseAddr(c.Nodes[node].Address); err == nil { // validation tells of the others
			addresses = append(addresses, addr)
		}
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	var list, others []string
	for _, text := range c.Volumes[volume].Access.Others {
		if pattern, _, message, _ := accessPattern(text); message == "" {
			others = append(others, pattern)
		}
	}
	slices.Sort(others)
	networks := strings.Join(others, ",")
	for _, addr := range addresses {
		if networks == "" || !Admits(networks, addr) {
			list = append(list, addr.String())
		}
	}
	return Option{
		Name: OptionAllow, Value: strings.Join(append(list, slices.Compact(others)...), ","), Origin: OriginAccess,
		Reason: "Only nodes that serve or mount the volume, and addresses under access, may use it: GlusterFS believes the root of every client.",
	}
}

// access checks whom a volume lets in.
func (v validator) access(name, what string, vol Volume, n *node) {
	list := n.get("access")
	own := n.get("options").get(OptionAllow)
	if list != nil && own != nil {
		v.r.atKey(own, fmt.Sprintf("%s: access and %s say the same thing", what, OptionAllow), "keep access, which names the nodes of the file by itself")
	}
	if own != nil && strings.Contains(own.text, "/") {
		v.r.at(own, fmt.Sprintf("%s: %s %s has a network or a directory, of which GlusterFS makes something else", what, OptionAllow, own.text), "write `access:` instead, or patterns such as 10.9.0.*")
	}
	if length := len(v.c.allowOption(name).Value); length > maxValue && !vol.Access.Any && own == nil {
		v.r.atKey(n, fmt.Sprintf("%s: the addresses that it lets in take %d bytes, and glusterd ends on more than %d", what, length, maxValue), "write the networks of the nodes under access, such as `access: [10.9.0.0/24]`: nodes in them are not listed one by one")
	}
	if list == nil || list.bad || vol.Access.Any {
		return
	}
	if list.kind == kindList && len(list.items) == 0 {
		v.r.at(list, what+": access is empty", "remove it: the nodes of the file that serve or mount the volume are let in anyway")
	}
	is6 := v.speaksIPv6()
	for _, item := range list.items {
		if item.bad {
			continue
		}
		switch _, addr, message, hint := accessPattern(item.text); {
		case message != "":
			v.r.at(item, fmt.Sprintf("%s: access: %s", what, message), hint)
		case addr.Is6() != is6:
			v.r.at(item, fmt.Sprintf("%s: access: %s is %s, and the nodes talk the other address family", what, item.text, family(addr)), "write the address by which it reaches the nodes")
		}
	}
}

// speaksIPv6 reports the address family of the first node with an address.
func (v validator) speaksIPv6() bool {
	for _, name := range v.c.NodeOrder {
		if addr, err := netip.ParseAddr(v.c.Nodes[name].Address); err == nil {
			return addr.Is6()
		}
	}
	return false
}

// accessWarnings says who may use a volume that should perhaps not, and which node of the file may not.
func (c *Cluster) accessWarnings(name string, options map[string]string) []string {
	allow := options[OptionAllow]
	if allow == "" || slices.Contains(strings.Split(allow, ","), everybody) {
		return []string{fmt.Sprintf("volume %s lets in every machine that reaches its bricks (%s *): root there reads and changes all of it. Name the addresses under `access:`, or have a firewall name them.", name, OptionAllow)}
	}
	var out []string
	for _, node := range c.users(name) {
		if addr, err := netip.ParseAddr(c.Nodes[node].Address); err == nil && !Admits(allow, addr) {
			out = append(out, fmt.Sprintf("volume %s: %s under options leaves out node %s (%s), which serves or mounts it; names in it are asked of each brick's resolver. Write the others under `access:` instead.", name, OptionAllow, node, addr))
		}
	}
	return out
}
