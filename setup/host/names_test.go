package host

import (
	"net/netip"
	"strings"
	"testing"

	"brickyard/setup/desired"
	"brickyard/setup/textfile"
)

func TestCheckNames(t *testing.T) {
	t.Parallel()
	const one, two = "10.0.0.1", "10.0.0.2"
	addrs := func(text string) (out []netip.Addr) {
		for a := range strings.FieldsSeq(text) {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	for _, tc := range []struct {
		name          string
		own           string
		managed       bool
		hosts         string
		found         map[string]string // what names resolve to; nil where nobody asked
		codes, waits  string
		warning       string
		problem, cure string
	}{
		{name: "all is well", found: map[string]string{"n1": one, "n2": two}},
		{name: "the own name at loopback is Debian's way", hosts: "127.0.1.1 n1", found: map[string]string{"n1": "127.0.1.1", "n2": two}},
		{name: "a name with both families", found: map[string]string{"n1": one, "n2": two + " 2001:db8::2"}},
		{name: "nobody asked yet, for /etc/hosts is to be written", managed: true},
		{name: "a name server that gives another node this one's address", found: map[string]string{"n1": one, "n2": one}, codes: "name-is-local", problem: "its name resolves to 10.0.0.1 on this machine", cure: "getent ahosts n2"},
		{name: "the same beside the right one", found: map[string]string{"n1": one, "n2": two + " ::1"}, codes: "name-is-local", problem: "its name resolves to ::1 on this machine"},
		{name: "the unspecified address", found: map[string]string{"n1": one, "n2": "0.0.0.0"}, codes: "name-is-local", problem: "its name resolves to 0.0.0.0 on this machine"},
		{name: "a line that wins over our block, with another search order", managed: true, hosts: "10.0.0.2 n2", found: map[string]string{"n1": one, "n2": "::1"}, codes: "name-is-local", problem: "resolves to ::1"},
		{name: "a third machine", found: map[string]string{"n1": one, "n2": "10.0.0.9"}, codes: "name-address", problem: "10.0.0.9", cure: "correct nodes.n2.address"},
		{name: "another service that comes first", managed: true, found: map[string]string{"n1": one, "n2": "10.0.0.9"}, waits: "n2 to resolve to 10.0.0.2"},
		{name: "nobody knows it", found: map[string]string{"n1": one, "n2": ""}, waits: "know n2 by name"},
		{name: "nobody knows this one", found: map[string]string{"n1": "", "n2": two}, waits: "know its own name, n1"},
		{name: "another node's address here", own: one + " " + two, codes: "other-address-here", problem: "10.0.0.2 is on an interface of this machine", cure: "ip addr"},
		{name: "an address that no interface has", own: "10.9.9.9", managed: true, codes: "own-address", problem: "10.0.0.1 is on no interface of this machine, which has 10.9.9.9", cure: "ip addr"},
		{name: "an address of an interface in another family", own: "2001:db8::1", managed: true, codes: "own-address", problem: "which has 2001:db8::1"},
		{name: "the same, and a line that makes the name its own", own: "10.9.9.9", managed: true, hosts: "127.0.1.1 n1", warning: "only because that resolves to a local address"},
		{name: "a name that leads to another machine", found: map[string]string{"n1": "10.0.0.9", "n2": two}, codes: "own-name", problem: "resolves to 10.0.0.9", cure: "getent ahosts n1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			own := addrs("127.0.0.1 ::1 fe80::1 " + one)
			if tc.own != "" {
				own = addrs("127.0.0.1 ::1 fe80::1 " + tc.own)
			}
			s := &desired.State{Node: "n1", Server: true, ManageHosts: tc.managed, Addresses: map[string]netip.Addr{"n1": netip.MustParseAddr(one)}}
			s.Pool.Servers = []desired.Server{{Name: "n1", Address: netip.MustParseAddr(one)}, {Name: "n2", Address: netip.MustParseAddr(two)}}
			k := known{own: own, hosts: textfile.Hosts(tc.hosts), resolved: map[string][]netip.Addr{}}
			for name, found := range tc.found {
				k.resolved[name] = addrs(found)
			}
			p := checkNames(s, k)
			var codes, problems, cures []string
			for _, c := range p.Conflicts {
				codes, problems, cures = append(codes, c.Code), append(problems, c.Object+": "+c.Problem), append(cures, c.Remedy)
			}
			if got := strings.Join(codes, " "); got != tc.codes {
				t.Errorf("conflicts %s, want %q", problems, tc.codes)
			}
			for got, want := range map[string]string{
				strings.Join(problems, "\n"): tc.problem, strings.Join(cures, "\n"): tc.cure,
			} {
				if !strings.Contains(got, want) {
					t.Errorf("%q does not say %q", got, want)
				}
			}
			for what, pair := range map[string][2]string{"waits": {strings.Join(p.Waits, "\n"), tc.waits}, "warnings": {strings.Join(p.Warnings, "\n"), tc.warning}} {
				if (pair[0] == "") != (pair[1] == "") || !strings.Contains(pair[0], pair[1]) {
					t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
				}
			}
		})
	}
}
