package actual

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

// n1 died and was given up, and somebody wrote another node into its place in the cluster file, without a change of the
// volume: what was said of n1 counted for n2 then, and the last copy was taken offline and emptied.
func TestAnEditedFileGivesNoBrickTheWordsOfAnother(t *testing.T) {
	servers := []desired.Server{
		{Name: "n1", Address: netip.MustParseAddr("10.0.0.1")}, {Name: "n2", Address: netip.MustParseAddr("10.0.0.2")}, {Name: "n3", Address: netip.MustParseAddr("10.0.0.3")},
	}
	peers := []gluster.Peer{
		{UUID: "u2", Names: []string{"localhost"}, Local: true, State: gluster.PeerInCluster, Connected: true},
		{UUID: "u1", Names: []string{"10.0.0.1"}, State: gluster.PeerInCluster},
		{UUID: "u3", Names: []string{"n3", "10.0.0.3"}, State: gluster.PeerInCluster, Connected: true},
	}
	v := gluster.Volume{
		Name: "v", Status: gluster.Started, Replica: 2, Options: map[string]string{"user.brickyard-given-up-0": "yes"},
		Bricks: []gluster.Brick{{Host: "10.0.0.1", Path: "/b", PeerUUID: "u1"}, {Host: "n2", Path: "/b", PeerUUID: "u2"}},
	}
	on := func(nodes ...string) (set []cluster.Brick) {
		for _, n := range nodes {
			set = append(set, cluster.Brick{Node: n, Path: "/b"})
		}
		return set
	}
	for _, tc := range []struct {
		name string
		file []cluster.Brick
		want string // part of the words; "" where file and volume agree
	}{
		{"the file is that of the volume, which knows a node by its address", on("n1", "n2"), ""},
		{"another node in the dead one's place, this one in front", on("n2", "n3"), "brick 1 is n2:/b in the cluster file and 10.0.0.1:/b in the volume"},
		{"another node in the dead one's place", on("n3", "n2"), "brick 1 is n3:/b in the cluster file and 10.0.0.1:/b"},
		{"another order of the same bricks", on("n2", "n1"), ""},
		{"a third brick that the volume has not", on("n1", "n2", "n3"), "n3:/b of the cluster file is not in this replica set of the volume, which has 2 bricks"},
		{"a brick less", on("n2"), "brick 1 is n2:/b in the cluster file and 10.0.0.1:/b in the volume"},
		{"this node not at all", on("n1", "n3"), "brick 2 is n3:/b in the cluster file and n2:/b in the volume"},
		{"an arbiter that is none", []cluster.Brick{{Node: "n1", Path: "/b"}, {Node: "n2", Path: "/b", Arbiter: true}}, "brick 2, n2:/b, is an arbiter in the cluster file or in the volume, and not in both"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := &Observer{
				State: &desired.State{Node: "n2", Pool: desired.Pool{Servers: servers}}, Cluster: &cluster.Cluster{Volumes: map[string]cluster.Volume{"v": {}}},
				Now: time.Now, Timeout: time.Millisecond,
				Mounted: func(desired.BrickMount) (string, error) { return "", nil },
				Dial:    func(desired.Server) *gluster.Client { return gluster.NewClient("tcp", "127.0.0.1:1") },
			}
			for _, l := range o.volume(t.Context(), desired.Volume{Spec: gluster.VolumeSpec{Name: "v"}, Sets: [][]cluster.Brick{tc.file}}, v, peers, onceEach(o.deaf)) {
				if (tc.want == "") != (l.Set.Otherwise == "") || !strings.Contains(l.Set.Otherwise, tc.want) {
					t.Errorf("%q, want %q in it", l.Set.Otherwise, tc.want)
				}
				if tc.want == "" {
					if first, own := l.Set.Bricks[0], l.Set.Bricks[l.Own]; first.Node != "n1" || !first.GivenUp || own.Node != "n2" || own.GivenUp || own.Number != 1 {
						t.Errorf("the set is not that of the volume: %+v, own %d", l.Set.Bricks, l.Own)
					}
					continue
				}
				for _, b := range l.Set.Bricks {
					if b.GivenUp || b.Published != Nothing {
						t.Errorf("%s has the words of another brick: %+v", b.Node, b)
					}
				}
			}
		})
	}
}

func TestABrickOfTheFileThatTheVolumeHasNotIsSpokenOf(t *testing.T) {
	v := gluster.Volume{Name: "v", Replica: 2, Bricks: []gluster.Brick{{Host: "n1", Path: "/b", PeerUUID: "u1"}, {Host: "n2", Path: "/b", PeerUUID: "u2"}}}
	pool := desired.Pool{Servers: []desired.Server{{Name: "n1"}, {Name: "n2"}, {Name: "n3"}}}
	peers := func(self string) (out []gluster.Peer) {
		for _, n := range []string{"1", "2", "3"} {
			out = append(out, gluster.Peer{UUID: "u" + n, Names: []string{"n" + n}, Local: "n"+n == self, Connected: true, State: gluster.PeerInCluster})
		}
		return out
	}
	for _, tc := range []struct {
		self string
		file []cluster.Brick
		want []string // one a set that is looked at
	}{
		{"n3", []cluster.Brick{{Node: "n2", Path: "/b"}, {Node: "n3", Path: "/b"}}, []string{"n3:/b of the cluster file is no brick of the volume, which has 2"}},
		{"n2", []cluster.Brick{{Node: "n1", Path: "/b"}, {Node: "n2", Path: "/other"}}, []string{"brick 2 is n2:/other in the cluster file and n2:/b in the volume", "n2:/other of the cluster file is no brick of the volume"}},
		{"n3", []cluster.Brick{{Node: "n1", Path: "/b"}, {Node: "n2", Path: "/b"}}, nil},
	} {
		var got []string
		for _, s := range Sets([][]cluster.Brick{tc.file}, tc.self, v, Bricks(pool, tc.self, v, peers(tc.self))) {
			got = append(got, s.Otherwise)
		}
		if len(got) != len(tc.want) {
			t.Fatalf("%s: %q, want %q", tc.self, got, tc.want)
		}
		for i := range got {
			if !strings.Contains(got[i], tc.want[i]) {
				t.Errorf("%s: %q, want %q in it", tc.self, got[i], tc.want[i])
			}
		}
	}
}

// Where the names of the file mean other machines than those of the pool, nobody is taken for anybody.
func TestANodeThatTwoPeersAreTakenForIsNobodys(t *testing.T) {
	v := gluster.Volume{Name: "v", Replica: 2, Bricks: []gluster.Brick{{Host: "n1", Path: "/b", PeerUUID: "u1"}, {Host: "n2", Path: "/b", PeerUUID: "u2"}}}
	address := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }
	peers := []gluster.Peer{{UUID: "u1", Names: []string{"n1", "10.0.0.1"}, Connected: true}, {UUID: "u2", Names: []string{"localhost"}, Local: true}}
	for _, tc := range []struct {
		name    string
		servers []desired.Server
		want    string
	}{
		{"as the pool has them", []desired.Server{{Name: "n1", Address: address(1)}, {Name: "n2", Address: address(2)}}, "n1 n2"},
		{"another name at the old address", []desired.Server{{Name: "web1", Address: address(1)}, {Name: "n2", Address: address(2)}}, "web1 n2"},
		{"a name at the address of another", []desired.Server{{Name: "n1", Address: address(3)}, {Name: "n3", Address: address(1)}, {Name: "n2", Address: address(2)}}, " n2"},
		{"this node's name given to the other's address", []desired.Server{{Name: "n2", Address: address(1)}, {Name: "n9", Address: address(9)}}, " "},
	} {
		var got []string
		for _, b := range Bricks(desired.Pool{Servers: tc.servers}, "n2", v, peers) {
			if b.Nobodys {
				b.Node = ""
			}
			got = append(got, b.Node)
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// A glusterd that takes a volume over from another node has it without bricks for a moment. That is nothing for a person to decide.
func TestAVolumeWithoutBricksIsNotLookedAtYet(t *testing.T) {
	t.Parallel()
	file := [][]cluster.Brick{{{Node: "n1", Path: "/b"}, {Node: "n2", Path: "/b"}}}
	if got := Sets(file, "n1", gluster.Volume{Name: "v", Replica: 2}, nil); got != nil {
		t.Errorf("%+v", got)
	}
}
