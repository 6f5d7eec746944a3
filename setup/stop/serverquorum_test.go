package stop

import (
	"net/netip"
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

func TestServerQuorum(t *testing.T) {
	g := &Gate{Node: "n1"}
	for i, name := range []string{"n1", "n2", "n3"} {
		g.Pool.Servers = append(g.Pool.Servers, desired.Server{Name: name, Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})})
	}
	self := gluster.Peer{Names: []string{"localhost"}, Local: true, State: gluster.PeerInCluster}
	peer := func(name string, connected bool) gluster.Peer {
		return gluster.Peer{Names: []string{name}, Connected: connected, State: gluster.PeerInCluster}
	}
	up2, up3, down2, down3 := peer("n2", true), peer("10.0.0.3", true), peer("n2", false), peer("10.0.0.3", false)
	rejected := gluster.Peer{Names: []string{"n3"}, Connected: true, State: gluster.PeerRejected}
	server := map[string]string{"cluster.server-quorum-type": "server"}
	with := func(more ...string) map[string]string {
		m := map[string]string{"cluster.server-quorum-type": "server"}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	for _, tc := range []struct {
		name    string
		peers   []gluster.Peer
		status  gluster.VolumeStatus
		options map[string]string
		want    string
	}{
		{"one of three may stop", []gluster.Peer{self, up2, up3}, gluster.Started, server, ""},
		{"a second of three must stay", []gluster.Peer{self, up2, down3}, gluster.Started, server, "1 of the pool's 3 nodes are left and server quorum needs 2"},
		{"a rejected peer counts as away", []gluster.Peer{self, up2, rejected}, gluster.Started, server, "1 of the pool's 3"},
		{"of two nodes neither may stop", []gluster.Peer{self, up2}, gluster.Started, server, "1 of the pool's 2 nodes are left and server quorum needs 2"},
		{"what is lost already is not lost again", []gluster.Peer{self, down2, down3}, gluster.Started, server, ""},
		{"a ratio can ask for less", []gluster.Peer{self, up2}, gluster.Started, with("cluster.server-quorum-ratio", "50%"), ""},
		{"and for more", []gluster.Peer{self, up2, up3}, gluster.Started, with("cluster.server-quorum-ratio", "70"), "server quorum needs 3"},
		{"a node that was allowed to stop is as good as gone", []gluster.Peer{self, up2, up3}, gluster.Started, with(formerOption(g.Pool, "n3"), "2026-11-26T11:50:00Z"), "1 of the pool's 3"},
		{"until it takes its word back", []gluster.Peer{self, up2, up3}, gluster.Started, with(formerOption(g.Pool, "n3"), "no"), ""},
		{"however wrong its clock is", []gluster.Peer{self, up2, up3}, gluster.Started, with(formerOption(g.Pool, "n3"), "1970-01-01T00:31:00Z,boot,7"), "1 of the pool's 3"},
		{"a node's own word does not count", []gluster.Peer{self, up2, up3}, gluster.Started, with(formerOption(g.Pool, "n1"), "2026-11-26T11:50:00Z"), ""},
		{"without server quorum others go on", []gluster.Peer{self, up2, down3}, gluster.Started, map[string]string{}, ""},
		{"a stopped volume has no bricks to lose", []gluster.Peer{self, up2, down3}, gluster.Stopped, server, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			volumes := []gluster.Volume{{Name: "v", Status: tc.status, Options: tc.options}}
			got := strings.Join(serverQuorum(tc.peers, volumes, g.claimed(volumes)), "; ")
			if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("%q, want %q in it", got, tc.want)
			}
		})
	}
}
