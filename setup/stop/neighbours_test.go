package stop

import (
	"net/netip"
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

func TestANeighbourThatIsNotInTheClusterKeepsBothUp(t *testing.T) {
	servers := []desired.Server{
		{Name: "n1", Address: netip.MustParseAddr("10.0.0.1")}, {Name: "n2", Address: netip.MustParseAddr("10.0.0.2")}, {Name: "n3", Address: netip.MustParseAddr("10.0.0.3")},
	}
	self := gluster.Peer{Names: []string{"localhost"}, Local: true, State: gluster.PeerInCluster}
	peer := func(name string, state gluster.PeerState) gluster.Peer {
		return gluster.Peer{Names: []string{name}, State: state, Connected: true}
	}
	for _, tc := range []struct {
		name  string
		peers []gluster.Peer
		want  string
	}{
		{"all is well", []gluster.Peer{self, peer("n2", gluster.PeerInCluster), peer("10.0.0.3", gluster.PeerRejected)}, ""},
		{"rejected, known by name", []gluster.Peer{self, peer("n2", gluster.PeerRejected)}, `n2 is "Peer Rejected" for this node`},
		{"rejected, known by address", []gluster.Peer{self, peer("10.0.0.2", gluster.PeerRejected)}, `n2 is "Peer Rejected" for this node`},
		{"not a peer at all", []gluster.Peer{self}, "n2 shares a volume with this node and is not in its pool"},
	} {
		got := strings.Join(outsidePool(servers, map[string][]string{"n2": {"v"}}, tc.peers), "; ")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q in it", tc.name, got, tc.want)
		}
	}
}

func TestANeighbourWithAnotherVersionOfAVolumeIsSeen(t *testing.T) {
	const own = "user.brickyard-stopping-0"
	volume := func(options map[string]string, bricks ...gluster.Brick) gluster.Volume {
		return gluster.Volume{Name: "v", Status: gluster.Started, Options: options, Bricks: bricks}
	}
	here := volume(map[string]string{"a": "1", own: "now", "user.brickyard-stopping-1": "no"}, gluster.Brick{Host: "n1", Path: "/b"})
	for _, tc := range []struct {
		name  string
		there gluster.Volume
		want  string
	}{
		{"the same", volume(map[string]string{"a": "1", own: "now"}, gluster.Brick{Host: "n1", Path: "/b"}), ""},
		{"the word has not arrived", volume(map[string]string{"a": "1"}, gluster.Brick{Host: "n1", Path: "/b"}), "has not got the word"},
		{"an option is another one", volume(map[string]string{"a": "2", own: "now"}, gluster.Brick{Host: "n1", Path: "/b"}), `there a is "2", here "1"`},
		{"an option more", volume(map[string]string{"a": "1", "b": "3", own: "now"}, gluster.Brick{Host: "n1", Path: "/b"}), `there b is "3", here ""`},
		{"another brick", volume(map[string]string{"a": "1", own: "now"}, gluster.Brick{Host: "n2", Path: "/b"}), "its bricks or its state are others"},
	} {
		if got := howVolumesDiffer(here, tc.there, own); (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q in it", tc.name, got, tc.want)
		}
	}
}
