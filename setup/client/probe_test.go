package client

import (
	"net/netip"
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

// The machine's own route to 127.0.0.2 has the address 127.0.0.1: a brick there sees that one.
func TestAClientKnowsBeforehandThatABrickWouldRefuseIt(t *testing.T) {
	server := func(name, address string) desired.Server {
		return desired.Server{Name: name, Address: netip.MustParseAddr(address)}
	}
	for name, tc := range map[string]struct {
		allow   string
		servers []desired.Server
		refused bool
	}{
		"listed":                         {"10.0.0.1,127.0.0.1", []desired.Server{server("a", "127.0.0.2")}, false},
		"in a network":                   {"10.0.0.1,127.0.0.*", []desired.Server{server("a", "127.0.0.2")}, false},
		"not listed":                     {"10.0.0.1,127.0.0.2", []desired.Server{server("a", "127.0.0.2")}, true},
		"everybody":                      {"*", []desired.Server{server("a", "127.0.0.2")}, false},
		"never set":                      {"", []desired.Server{server("a", "127.0.0.2")}, false},
		"a name, which only bricks know": {"10.0.0.1,web1", []desired.Server{server("a", "127.0.0.2")}, false},
		"a server of the volume itself":  {"10.0.0.1", []desired.Server{server("a", "127.0.0.2"), server("b", "127.0.0.1")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			want := desired.Volume{Spec: gluster.VolumeSpec{Name: "v"}}
			for _, s := range tc.servers {
				want.Spec.Bricks = append(want.Spec.Bricks, gluster.Brick{Host: s.Name, Path: "/b"})
			}
			p := &Probe{Pool: desired.Pool{Servers: tc.servers, Volumes: []desired.Volume{want}}}
			words := p.refused(t.Context(), want, tc.allow)
			if (words != "") != tc.refused || tc.refused && !strings.Contains(words, "its bricks know it as 127.0.0.1, its address on the route to a") {
				t.Errorf("%q", words)
			}
		})
	}
}
