package status

import (
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/recovery"
)

func server(name, address string) desired.Server {
	return desired.Server{Name: name, Address: netip.MustParseAddr(address)}
}

func TestPeer(t *testing.T) {
	t.Parallel()
	two := server("n2.example.com", "192.0.2.2")
	for _, tc := range []struct {
		name    string
		peers   []gluster.Peer
		state   string
		problem string // empty: none
	}{
		{"nobody answers: the state is unknown, and that is said elsewhere", nil, "unknown", ""},
		{"a server that the pool does not know is a problem", []gluster.Peer{}, "not in the pool", "peer n2.example.com: not in the pool"},
		{"a connected one is none", []gluster.Peer{{Names: []string{"N2.example.com"}, Connected: true, State: gluster.PeerInCluster}}, gluster.PeerInCluster.String(), ""},
		{"it is known by its address too", []gluster.Peer{{Names: []string{"192.0.2.2"}, Connected: true, State: gluster.PeerInCluster}}, gluster.PeerInCluster.String(), ""},
		{"a disconnected one is a problem", []gluster.Peer{{Names: []string{"n2.example.com"}, State: gluster.PeerInCluster}}, gluster.PeerInCluster.String(), "peer n2.example.com is disconnected"},
		{"one that was rejected is a problem even when connected", []gluster.Peer{{Names: []string{"n2.example.com"}, Connected: true, State: gluster.PeerRejected}}, gluster.PeerRejected.String(), "peer n2.example.com: " + gluster.PeerRejected.String()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var s Status
			got := peer(two, "n1.example.com", tc.peers, &s)
			if got.State != tc.state || strings.Join(s.Problems, "; ") != tc.problem {
				t.Errorf("state %q, problems %q; want %q, %q", got.State, s.Problems, tc.state, tc.problem)
			}
		})
	}
}

func TestTheAskedNodeIsConnectedToItself(t *testing.T) {
	t.Parallel()
	var s Status
	got := peer(server("n1.example.com", "192.0.2.1"), "n1.example.com", []gluster.Peer{{UUID: "u", Names: []string{"localhost"}, Local: true}}, &s)
	if !got.Connected || got.State != gluster.PeerInCluster.String() || got.UUID != "u" || len(s.Problems) > 0 {
		t.Errorf("got %+v, problems %q", got, s.Problems)
	}
}

func TestAClientSeesTheServerThatItAskedUnderItsName(t *testing.T) {
	t.Parallel()
	peers := local([]gluster.Peer{{UUID: "u1", Names: []string{"localhost"}, Local: true}, {UUID: "u2", Names: []string{"n2.example.com"}}}, "n1.example.com")
	var s Status
	got := peer(server("n1.example.com", "192.0.2.1"), "web1.example.com", peers, &s)
	if got.UUID != "u1" || !got.Connected || len(s.Problems) > 0 {
		t.Errorf("got %+v, problems %q", got, s.Problems)
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, tc := range []struct {
		name              string
		brick             Brick
		problems, warning bool
	}{
		{"the size of another node's brick is unknown", Brick{}, false, false},
		{"with a tenth free all is well", Brick{SizeBytes: 1000 * mib, FreeBytes: 100 * mib}, false, false},
		{"with less it is a warning", Brick{SizeBytes: 1000 * mib, FreeBytes: 99 * mib}, false, true},
		{"with a hundredth it still is", Brick{SizeBytes: 1000 * mib, FreeBytes: 10 * mib}, false, true},
		{"with less it is a problem", Brick{SizeBytes: 1000 * mib, FreeBytes: 9 * mib}, true, false},
		{"an arbiter holds names only", Brick{SizeBytes: 1000 * mib, Arbiter: true}, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var s Status
			s.room("v", tc.brick)
			if len(s.Problems) > 0 != tc.problems || len(s.Warnings) > 0 != tc.warning {
				t.Errorf("problems %q, warnings %q", s.Problems, s.Warnings)
			}
		})
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	three := 3
	for _, tc := range []struct {
		name  string
		brick Brick
		want  []string // label, state, pending, free
	}{
		{"online", Brick{Node: "n1", Path: "/b", Online: true, PendingHeals: &three, SizeBytes: 4 << 20, FreeBytes: 1 << 20}, []string{"n1:/b", "yes", "3", "1 of 4 MiB"}},
		{"offline, and nobody knows what waits", Brick{Node: "n1", Path: "/b"}, []string{"n1:/b", "NO", "?", ""}},
		{"nobody could ask", Brick{Node: "n1", Path: "/b", Unknown: true}, []string{"n1:/b", "unknown", "?", ""}},
		{"being refilled", Brick{Node: "n1", Path: "/b", Online: true, Recovery: actual.Refilling}, []string{"n1:/b", "refilling", "?", ""}},
		{"arbiter", Brick{Node: "n3", Path: "/b", Online: true, Arbiter: true}, []string{"n3:/b (arbiter)", "yes", "?", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := tc.brick
			if got := []string{b.label(), b.state(), b.pending(), b.free()}; !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTheTextSaysWhatIsWrongFirst(t *testing.T) {
	t.Parallel()
	s := &Status{
		Node: "n1", Problems: []string{"peer n2 is disconnected"}, Warnings: []string{"little room"},
		Peers:   []Peer{{Name: "n2", Address: "192.0.2.2", UUID: "u", State: "Peer in Cluster"}},
		Volumes: []Volume{{Name: "v", Type: "Replicate", Status: "Started", Bricks: []Brick{{Set: 1, Node: "n1", Path: "/b", Online: true}}}},
		Mounts:  []Mount{{Volume: "v", Path: "/a"}, {Volume: "v", Path: "/b", Mounted: true}, {Volume: "v", Path: "/c", Mounted: true, Answers: true}},
	}
	var b strings.Builder
	if err := s.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(b.String()) {
		if words := strings.Fields(line); len(words) > 0 {
			got = append(got, strings.Join(words, " "))
		}
	}
	want := []string{
		"n1: 1 problem(s)", "! peer n2 is disconnected", "warning: little room",
		"PEER ADDRESS STATE", "n2 192.0.2.2 Peer in Cluster (disconnected)",
		"VOLUME v Replicate Started", "SET BRICK ONLINE TO HEAL FREE", "1 n1:/b yes ?",
		"MOUNT VOLUME STATE", "/a v not mounted", "/b v does not answer", "/c v mounted",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s = (&Status{Node: "n1", Healthy: true}); s.WriteText(&b) != nil || !strings.HasSuffix(b.String(), "n1: all is well\n") {
		t.Errorf("a healthy node says %q", b.String())
	}
}

const clusterFile = `
nodes:
  n1.example.com: {address: 192.0.2.1}
  n2.example.com: {address: 192.0.2.2}
volumes:
  server:
    replica: 2
    bricks:
      nodes: [n1.example.com, n2.example.com]
      directory: /srv/brick
`

// Every brick and every peer has a line in the document, whoever is silent.
func TestWhereNobodyAnswersThatIsTheProblem(t *testing.T) {
	t.Parallel()
	c, err := cluster.Parse("cluster.yaml", []byte(clusterFile))
	if err != nil {
		t.Fatal(err)
	}
	state, err := desired.For(c, "n1.example.com")
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	journal := filepath.Join(t.TempDir(), "recovery.json")
	path := state.Pool.Volumes[0].Sets[0][0].Path
	word := recovery.Journal{Bricks: []recovery.BrickJournal{{Volume: "server", Set: 1, Path: path, Action: recovery.Wait, Reason: "waiting for n2"}}}
	if err := word.Write(journal); err != nil {
		t.Fatal(err)
	}
	dial := func(desired.Server) *gluster.Client { return gluster.NewClient("tcp", nobody) }
	g := Gatherer{Cluster: c, State: state, Local: dial(desired.Server{}), Dial: dial, Timeout: time.Second, Journal: journal}
	defer g.Local.Close() //nolint:errcheck // a connection for reading
	s := g.Gather(t.Context())
	if s.Healthy || len(s.Peers) != 2 || len(s.Volumes) != 1 || len(s.Volumes[0].Bricks) != 2 {
		t.Fatalf("got %+v", s)
	}
	for _, want := range []string{
		"glusterd of this node does not answer", "no server of the pool answers", "volume server is unknown",
		"brick n1.example.com:" + path + " of volume server: waiting for n2",
		"brick n2.example.com:" + path + " of volume server: unknown whether it is online: glusterd on its node does not answer",
	} {
		if !slices.ContainsFunc(s.Problems, func(p string) bool { return strings.HasPrefix(p, want) }) {
			t.Errorf("no problem says %q: %q", want, s.Problems)
		}
	}
	if b := s.Volumes[0].Bricks; b[0].Waits == "" || b[1].Waits != "" {
		t.Errorf("what recover here waits for is told of %+v", b)
	}
}
