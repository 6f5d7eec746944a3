package gluster_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// volumes are those of the live cluster: one of each shape that the product makes.
func volumes(l *lab.Lab) []gluster.VolumeSpec {
	brick := func(node int, path string) gluster.Brick {
		return gluster.Brick{Host: l.Node(node).Name, Path: "/bricks/" + path}
	}
	return []gluster.VolumeSpec{
		{Name: "three", Replica: 3, Bricks: []gluster.Brick{brick(0, "three"), brick(1, "three"), brick(2, "three")}},
		{Name: "spread", Replica: 2, Bricks: []gluster.Brick{
			brick(0, "spread1"), brick(1, "spread1"), brick(1, "spread2"), brick(2, "spread2"),
		}},
		{Name: "witness", Replica: 3, Arbiter: 1, Transport: "tcp", Bricks: []gluster.Brick{
			brick(0, "witness"), brick(1, "witness"), brick(2, "witness"),
		}},
		{Name: "idle", Bricks: []gluster.Brick{brick(0, "idle1"), brick(1, "idle2")}}, // never started
	}
}

// cluster starts three nodes in a pool, with all volumes.
func cluster(t testing.TB, options lab.Options) *lab.Lab {
	t.Helper()
	l := lab.Start(t, options)
	l.Pool()
	for _, v := range volumes(l) {
		run(t, l, gluster.VolumeCreate(v))
		if v.Name != "idle" {
			run(t, l, gluster.VolumeStart(v.Name))
		}
	}
	run(t, l, gluster.VolumeSet("three", "network.ping-timeout", "10"))
	run(t, l, gluster.VolumeSet("three", "auth.allow", "10.77.0.*,n1"))
	waitForBricks(t, l)
	return l
}

func run(t testing.TB, l *lab.Lab, c gluster.Command) {
	t.Helper()
	if err := l.Node(0).CLI().Run(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

// waitForBricks waits until all bricks and self-heal daemons of the started volumes are online.
func waitForBricks(t testing.TB, l *lab.Lab) {
	t.Helper()
	lab.WaitFor(t, "all bricks and self-heal daemons", func() bool {
		for _, name := range []string{"three", "spread", "witness"} {
			s, err := l.Node(0).Client().VolumeStatus(context.Background(), name, false)
			if err != nil {
				t.Log(err)
				return false
			}
			for _, b := range s.Bricks {
				if !b.Online || b.Port == 0 {
					return false
				}
			}
			for _, d := range s.Services {
				if !d.Online {
					return false
				}
			}
		}
		return true
	})
}

// TestSocketAndCommandLineAgree reads everything in both ways, from a healthy cluster
// and with a brick killed, from two nodes.
func TestSocketAndCommandLineAgree(t *testing.T) {
	t.Parallel()
	l := cluster(t, lab.Options{})
	t.Run("healthy", func(t *testing.T) { compare(t, l.Node(0)) })
	l.Node(1).KillBrick("/bricks/three")
	t.Run("one brick killed, asked on another node", func(t *testing.T) {
		compare(t, l.Node(0))
		s, err := l.Node(0).Client().VolumeStatus(t.Context(), "three", false)
		if err != nil || s.Bricks[0].Online != true || s.Bricks[1].Online || s.Bricks[1].PID != -1 || s.Bricks[1].Port != 0 {
			t.Errorf("%+v, %v", s, err)
		}
	})
	t.Run("one brick killed, asked on its node", func(t *testing.T) { compare(t, l.Node(1)) })
	l.Node(2).StopGlusterd()
	lab.WaitFor(t, "the node to be missed", func() bool {
		peers, err := l.Node(0).Client().Peers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range peers {
			if !p.Connected {
				return true
			}
		}
		return false
	})
	t.Run("one glusterd stopped", func(t *testing.T) { compare(t, l.Node(0)) })
}

// compare reads everything that this package reads by socket from one node, and compares each field with "gluster --xml".
func compare(t *testing.T, n *lab.Node) {
	t.Helper()
	ctx, c := t.Context(), n.Client()
	compared := 0
	check := func(what string, err error, fromXML, fromSocket any) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if diff := cmp.Diff(fromXML, fromSocket); diff != "" {
			t.Errorf("%s: command line (-), socket (+)\n%s", what, diff)
		}
		compared += fields(fromSocket)
	}

	var wantPeers []gluster.Peer
	for _, p := range parseXML(t, n.Gluster("--xml", "pool", "list")).Peers {
		wantPeers = append(wantPeers, p.peer(t))
	}
	peers, err := c.Peers(ctx)
	check("pool list", err, wantPeers, peers)

	names, err := c.VolumeNames(ctx)
	if want := parseXML(t, n.Gluster("--xml", "volume", "list")).Names; err != nil || !cmp.Equal(want, names) {
		t.Errorf("volume list: command line %v, socket %v, %v", want, names, err)
	}
	var wantVolumes []gluster.Volume
	for _, v := range parseXML(t, n.Gluster("--xml", "volume", "info")).Volumes {
		wantVolumes = append(wantVolumes, v.volume(t))
	}
	got, err := c.Volumes(ctx)
	check("volume info", err, wantVolumes, got)

	for _, want := range wantVolumes {
		one, err := c.Volume(ctx, want.Name)
		check("volume info "+want.Name, err, []gluster.Volume{want}, []gluster.Volume{one})
		if want.Status != gluster.Started {
			continue
		}
		for _, args := range [][]string{{"--xml", "volume", "status", want.Name}, {"--xml", "volume", "status", want.Name, "detail"}} {
			wantStatus, s, err := both(ctx, t, n, want.Name, args)
			check(strings.Join(args[1:], " "), err, wantStatus, s)
		}
	}
	t.Logf("%s: %d fields compared", n.Name, compared)
	compareState(t, n, peers, got)
}

// both reads a status by command line and by socket, again where it changed meanwhile.
func both(ctx context.Context, t *testing.T, n *lab.Node, volume string, args []string) (xml, socket gluster.Status, err error) {
	t.Helper()
	detail := len(args) == 5
	for range 50 {
		before, err := n.Client().VolumeStatus(ctx, volume, detail)
		if err != nil {
			return xml, socket, err
		}
		xml = parseXML(t, n.Gluster(args...)).Status[0].status(t)
		socket, err = n.Client().VolumeStatus(ctx, volume, detail)
		if err != nil || cmp.Equal(before, socket) {
			return xml, socket, err
		}
	}
	return xml, socket, errors.New("the status changes all the time")
}

// compareState compares get-state, whose text has no XML, with what was read before.
func compareState(t *testing.T, n *lab.Node, peers []gluster.Peer, volumes []gluster.Volume) {
	t.Helper()
	ctx, c := t.Context(), n.Client()
	s, err := c.State(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	if uuid, err := c.UUID(ctx); err != nil || uuid != s.UUID {
		t.Errorf("UUID %s, in the state %s, %v", uuid, s.UUID, err)
	}
	if diff := cmp.Diff(peers[:len(peers)-1], s.Peers); diff != "" {
		t.Errorf("peers of the state: %s", diff)
	}
	if len(s.Volumes) != len(volumes) {
		t.Fatalf("%d volumes in the state", len(s.Volumes))
	}
	for i, v := range s.Volumes {
		want := volumes[i]
		if v.Name != want.Name || v.ID != want.ID || v.Type != want.Type.String() || v.Status != want.Status ||
			!cmp.Equal(v.Options, want.Options) || len(v.Bricks) != len(want.Bricks) {
			t.Errorf("volume of the state: %+v, info: %+v", v, want)
			continue
		}
		var status gluster.Status
		if v.Status == gluster.Started {
			if status, err = c.VolumeStatus(ctx, v.Name, false); err != nil {
				t.Error(err)
			}
		}
		for j, b := range v.Bricks {
			w := want.Bricks[j]
			if b.Host != w.Host || b.Path != w.Path || b.Arbiter != w.Arbiter || b.Local != (w.PeerUUID == s.UUID) {
				t.Errorf("brick of the state: %+v, info: %+v", b, w)
			}
			for _, p := range status.Bricks {
				if b.Local && p.Path == b.Path && p.PeerUUID == s.UUID && (p.Online != b.Online || p.Online && p.Port != b.Port) {
					t.Errorf("brick of the state: %+v, status: %+v", b, p)
				}
			}
		}
	}
	if left, err := os.ReadDir(n.Path(c.StateDir)); err != nil || len(left) != 0 {
		t.Errorf("left in the state directory: %v, %v", left, err)
	}
}

func TestBrickAndSelfHealSockets(t *testing.T) {
	t.Parallel()
	l := cluster(t, lab.Options{Clients: 1})
	n, mount := l.Node(0), l.Node(3)
	mount.Run("mkdir", "/client")
	mount.Run("mount", "-t", "glusterfs", "n1:/three", "/client")
	l.Node(1).KillBrick("/bricks/three")
	for _, name := range []string{"a", "b", "c"} {
		if err := os.WriteFile(mount.Path("/client/"+name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	ctx, cancel := context.WithTimeout(t.Context(), 2*lab.Patience) // a client of a brick has five seconds without one
	defer cancel()
	bricks, err := gluster.BrickProcesses(n.Path("/proc"))
	if err != nil || len(bricks) != 3 {
		t.Fatalf("%+v, %v", bricks, err)
	}
	for _, b := range bricks {
		if b.Path != "/bricks/three" {
			continue
		}
		c := gluster.NewBrickClient(n.Path(b.Socket))
		clients, err := c.Clients(ctx, b.Path)
		if err != nil {
			t.Fatal(err)
		}
		mounts := 0
		for _, p := range clients {
			if strings.HasPrefix(p.Address, mount.IPv4+":") && p.BytesRead > 0 && p.BytesWritten > 0 {
				mounts++
			}
		}
		if mounts != 1 || len(clients) < 3 {
			t.Errorf("clients of %s: %+v", b.Path, clients)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}

	daemons, err := gluster.SelfHealProcesses(n.Path("/proc"))
	if err != nil || len(daemons) != 1 {
		t.Fatalf("%+v, %v", daemons, err)
	}
	shd := gluster.NewBrickClient(n.Path(daemons[0].Socket))
	t.Cleanup(func() { _ = shd.Close() }) //nolint:errcheck // only read from
	for _, v := range volumes(l)[:3] {
		volume, err := n.Client().Volume(t.Context(), v.Name)
		if err != nil {
			t.Fatal(err)
		}
		var heals []gluster.PendingHeal
		// A daemon that has just been told of a volume connects to its bricks one after the other.
		lab.WaitFor(t, "the heals of "+v.Name, func() bool {
			heals, err = shd.PendingHeals(ctx, v.Name, len(volume.ReplicaSets()))
			for _, h := range heals {
				down := v.Name == "three" && h.Brick == 1
				if down != (h.Status != "") || v.Name == "three" && !down && h.Entries < 3 || v.Name != "three" && h.Entries != 0 {
					return false
				}
			}
			return err == nil && len(heals) == len(volume.Bricks)
		})
		t.Logf("%s: %+v", v.Name, heals)
	}
	if _, err := shd.PendingHeals(ctx, "three", 2); !errors.Is(err, gluster.ErrRefused) {
		t.Errorf("one set too many: %v", err)
	}
	if _, err := shd.PendingHeals(ctx, "idle", 1); !errors.Is(err, gluster.ErrRefused) {
		t.Errorf("a volume that is not started: %v", err)
	}
}
