package recovery

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
		Name: "v", Status: gluster.Started, Options: map[string]string{"user.brickyard-given-up-0": "yes"},
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
		{"another order", on("n2", "n1"), "brick 1 is n2:/b in the cluster file"},
		{"a third brick that the volume has not", on("n1", "n2", "n3"), "n3:/b of the cluster file is no brick of the volume, which has 2"},
		{"another directory", []cluster.Brick{{Node: "n1", Path: "/b"}, {Node: "n2", Path: "/other"}}, "brick 2 is n2:/other in the cluster file and n2:/b in the volume"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := &Observer{
				State: &desired.State{Node: "n2", Pool: desired.Pool{Servers: servers}}, Cluster: &cluster.Cluster{Volumes: map[string]cluster.Volume{"v": {}}},
				Now: time.Now, Timeout: time.Millisecond,
				Mounted: func(desired.BrickMount) (string, error) { return "", nil },
				Dial:    func(desired.Server) *gluster.Client { return gluster.NewClient("tcp", "127.0.0.1:1") },
			}
			for _, l := range o.volume(t.Context(), desired.Volume{Spec: gluster.VolumeSpec{Name: "v"}, Sets: [][]cluster.Brick{tc.file}}, v, peers) {
				if (tc.want == "") != (l.Set.Otherwise == "") || !strings.Contains(l.Set.Otherwise, tc.want) {
					t.Errorf("%q, want %q in it", l.Set.Otherwise, tc.want)
				}
				if tc.want == "" {
					continue
				}
				for _, b := range l.Set.Bricks {
					if b.GivenUp || b.Published != Nothing {
						t.Errorf("%s has the words of another brick: %+v", b.Node, b)
					}
				}
				if d := Decide(l.Set, l.Own); d.Action != Stop || !strings.Contains(d.Reason, "touches nothing") {
					t.Errorf("Decide: %+v", d)
				}
			}
		})
	}
}
