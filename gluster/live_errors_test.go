package gluster_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// TestErrorsTellWhatHappened provokes every kind of error on a real cluster, by socket and by command line.
func TestErrorsTellWhatHappened(t *testing.T) {
	t.Parallel()
	l := cluster(t, lab.Options{})
	n := l.Node(0)
	cli := n.CLI()
	elsewhere := []gluster.Brick{{Host: "n1", Path: "/somewhere"}}

	for _, tc := range []struct {
		name    string
		command gluster.Command
		want    error
		text    string
	}{
		{"start a volume that is started", gluster.VolumeStart("three"), gluster.ErrAlready, "already started"},
		{"probe a peer", gluster.PeerProbe("n2"), gluster.ErrAlready, "already in peer list"},
		{"probe the node itself", gluster.PeerProbe("n1"), gluster.ErrItself, "localhost"},
		{"profile a volume", gluster.ProfileStart("three"), nil, ""},
		{"profile a volume that is profiled", gluster.ProfileStart("three"), gluster.ErrAlready, "already started"},
		{"end profiling", gluster.ProfileStop("three"), nil, ""},
		{"end profiling that has ended", gluster.ProfileStop("three"), gluster.ErrAlready, "not started"},
		{"stop a volume that is not started", gluster.VolumeStop("idle"), gluster.ErrAlready, "not in the started state"},
		{"probe where nobody listens", gluster.PeerProbe("10.77.0.99"), gluster.ErrUnreachable, ""},
		{"probe what is no name", gluster.PeerProbe("no..name"), gluster.ErrRefused, "invalid address"},
		{"create a volume that exists", gluster.VolumeCreate(gluster.VolumeSpec{Name: "three", Bricks: elsewhere}), gluster.ErrRefused, "already exists"},
		{"create a brick on the root file system", gluster.VolumeCreate(gluster.VolumeSpec{Name: "new", Bricks: elsewhere}), gluster.ErrRefused, "root partition"},
		{"create a brick that is another volume's", gluster.VolumeCreate(gluster.VolumeSpec{
			Name: "new", Bricks: []gluster.Brick{{Host: "n1", Path: "/bricks/three"}},
		}), gluster.ErrRefused, "existing brick"},
		{"create on a node outside the pool", gluster.VolumeCreate(gluster.VolumeSpec{
			Name: "new", Bricks: []gluster.Brick{{Host: "10.77.0.99", Path: "/bricks/new"}},
		}), gluster.ErrUnreachable, "10.77.0.99"},
		{"set an option that does not exist", gluster.VolumeSet("three", "no.such", "1"), gluster.ErrRefused, "option"},
		{"set an option to what it cannot be", gluster.VolumeSet("three", "network.ping-timeout", "soon"), gluster.ErrRefused, "soon"},
		{"switch off granular entry heal", gluster.VolumeGranularHealOff("three"), nil, ""},
		{"reset an option", gluster.VolumeReset("three", "network.ping-timeout"), nil, ""},
		{"delete a volume that is started", gluster.VolumeDelete("three"), gluster.ErrRefused, "stopped"},
		{"reset a brick that is online", gluster.ResetBrickCommit("three", "n1", "/bricks/three"), gluster.ErrRefused, "must be stopped"},
		{"start a volume that does not exist", gluster.VolumeStart("nosuch"), gluster.ErrNoSuchVolume, "nosuch"},
		{"set an option of a volume that does not exist", gluster.VolumeSet("nosuch", "a.b", "1"), gluster.ErrNoSuchVolume, "nosuch"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantError(t, cli.Run(t.Context(), tc.command), tc.want, tc.text)
		})
	}

	t.Run("reads of a volume that does not exist", func(t *testing.T) {
		_, err := n.Client().Volume(t.Context(), "nosuch")
		wantError(t, err, gluster.ErrNoSuchVolume, "nosuch")
		_, err = n.Client().VolumeStatus(t.Context(), "nosuch", false)
		wantError(t, err, gluster.ErrNoSuchVolume, "nosuch")
	})
	t.Run("status of a volume that is not started", func(t *testing.T) {
		_, err := n.Client().VolumeStatus(t.Context(), "idle", false)
		wantError(t, err, gluster.ErrRefused, "not started")
	})
	t.Run("a frozen node holds a lock", func(t *testing.T) { frozenNode(t, l) })
	t.Run("a restarted glusterd", func(t *testing.T) { restarted(t, n) })
	t.Run("the program is missing", func(t *testing.T) {
		err := gluster.CLI{Path: "/no/such/program"}.Run(t.Context(), gluster.VolumeStart("three"))
		wantError(t, err, nil, "no such file")
	})
}

// frozenNode stops one glusterd with a signal: what needs it hangs, and what needs the
// lock that is held meanwhile fails.
func frozenNode(t *testing.T, l *lab.Lab) {
	processes, err := gluster.ListProcesses(l.Node(2).Path("/proc"))
	if err != nil || len(processes.Glusterd) != 1 {
		t.Fatalf("%+v, %v", processes, err)
	}
	l.Node(2).Freeze(processes.Glusterd[0])
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	started := time.Now()
	c := l.Node(1).Client()
	usual := c.Timeout
	c.Timeout = time.Hour // so that only the context can have ended it
	_, err = c.VolumeStatus(ctx, "three", false)
	c.Timeout = usual
	wantError(t, err, gluster.ErrTimeout, "")
	if took := time.Since(started); took > lab.Patience {
		t.Errorf("a deadline of 2 s took %s", took)
	}
	// On a busy machine the first may not have taken its locks within its deadline: then the next one hangs as it should have.
	lab.WaitFor(t, "a call that does not hang", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err = l.Node(0).Client().VolumeStatus(ctx, "three", false)
		return !errors.Is(err, gluster.ErrTimeout)
	})
	wantError(t, err, gluster.ErrTransaction, "")
	wantError(t, l.Node(0).CLI().Run(t.Context(), gluster.VolumeSet("three", "network.ping-timeout", "20")), gluster.ErrTransaction, "")
	// What takes no lock goes on, on a new connection where the deadline closed the old one.
	for _, n := range l.Nodes()[:2] {
		if v, err := n.Client().Volume(t.Context(), "three"); err != nil || v.Replica != 3 {
			t.Errorf("%s: %+v, %v", n.Name, v, err)
		}
	}
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	wantError(t, l.Node(1).CLI().Run(short, gluster.VolumeSet("witness", "network.ping-timeout", "20")), gluster.ErrTimeout, "")
	l.Node(2).Run("bash", "-c", "kill -CONT $(cat /run/glusterd.pid)")
	lab.WaitFor(t, "the lock to be free", func() bool {
		err := l.Node(0).CLI().Run(t.Context(), gluster.VolumeSet("three", "network.ping-timeout", "20"))
		if err != nil && !errors.Is(err, gluster.ErrTransaction) {
			t.Fatal(err)
		}
		return err == nil
	})
}

// restarted asks a stopped glusterd, then a started one, over a connection from before.
func restarted(t *testing.T, n *lab.Node) {
	if _, err := n.Client().UUID(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.StopGlusterd()
	_, err := n.Client().UUID(t.Context())
	wantError(t, err, gluster.ErrNotRunning, "")
	_, err = n.Client().State(t.Context())
	wantError(t, err, gluster.ErrNotRunning, "")
	wantError(t, n.CLI().Run(t.Context(), gluster.VolumeStart("three")), gluster.ErrNotRunning, "")
	n.StartGlusterd()
	if _, err := n.Client().UUID(t.Context()); err != nil {
		t.Error(err)
	}
	n.StopGlusterd()
	n.StartGlusterd()
	// The kept connection is that of the former glusterd; the caller does not notice.
	if _, err := n.Client().UUID(t.Context()); err != nil {
		t.Error(err)
	}
}

func wantError(t *testing.T, err, want error, text string) {
	t.Helper()
	var e *gluster.Error
	switch {
	case want == nil && text == "":
		if err != nil {
			t.Errorf("%v", err)
		}
	case !errors.As(err, &e):
		t.Errorf("%T %v", err, err)
	case want != nil && !errors.Is(err, want), e.Kind != want, !strings.Contains(err.Error(), text): //nolint:errorlint // the kind itself
		t.Errorf("%#v is not %v with %q", e, want, text)
	default:
		t.Log(err)
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is more than a line", err)
	}
}

// TestAClientMachineAsksAServer reads over TCP from a machine that is no peer.
func TestAClientMachineAsksAServer(t *testing.T) {
	t.Parallel()
	l := cluster(t, lab.Options{Clients: 1})
	server, machine := l.Node(0), l.Node(3)
	machine.Network(func() { overTCP(t, server) })

	// A glusterd that insists on source ports below 1024.
	server.StopGlusterd()
	server.Run("sed", "-i", "s/^end-volume/    option rpc-auth-allow-insecure off\\n&/", "/etc/glusterfs/glusterd.vol")
	server.StartGlusterd()
	machine.Network(func() { overTCP(t, server) })
}

func overTCP(t *testing.T, server *lab.Node) {
	t.Helper()
	c := gluster.NewClient("tcp", server.IPv4)
	c.Timeout = lab.Patience
	defer func() { _ = c.Close() }() //nolint:errcheck // only read from
	want, err := server.Client().Volume(t.Context(), "three")
	if err != nil {
		t.Error(err)
	}
	v, err := c.Volume(t.Context(), "three")
	if err != nil || v.ID != want.ID || len(v.Bricks) != 3 || v.Status != gluster.Started {
		t.Errorf("%+v, %v", v, err)
	}
	if peers, err := c.Peers(t.Context()); err != nil || len(peers) != 3 {
		t.Errorf("%+v, %v", peers, err)
	}
	lab.WaitFor(t, "the brick to serve", func() bool { // bricks register again with a glusterd that has just started
		return c.BrickServes(t.Context(), "/bricks/three") == nil
	})
	wantError(t, c.BrickServes(t.Context(), "/bricks/nosuch"), gluster.ErrBrickOffline, "/bricks/nosuch")
	_, err = c.BrickPort(t.Context(), "/bricks/nosuch")
	wantError(t, err, gluster.ErrBrickOffline, "/bricks/nosuch")
	_, err = c.BrickPort(t.Context(), "/bricks/idle1")
	wantError(t, err, gluster.ErrBrickOffline, "/bricks/idle1")
	_, err = c.State(t.Context())
	wantError(t, err, gluster.ErrRefused, "unix socket")
	_, err = server.Client().BrickPort(t.Context(), "/bricks/three")
	wantError(t, err, gluster.ErrRefused, "TCP port")
	nobody := gluster.NewClient("tcp", net.JoinHostPort(server.IPv4, "1"))
	nobody.Timeout = lab.Patience
	_, err = nobody.UUID(t.Context())
	wantError(t, err, gluster.ErrNotRunning, "")
}

// TestIPv6 compares socket and command line where nodes have IPv6 addresses only, and where bricks have addresses
// instead of names.
func TestIPv6(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 2, IPv6: true})
	l.Pool()
	names, addresses := gluster.VolumeSpec{Name: "names", Replica: 2}, gluster.VolumeSpec{Name: "addresses", Replica: 2}
	for _, n := range l.Nodes() {
		names.Bricks = append(names.Bricks, gluster.Brick{Host: n.Name, Path: "/bricks/names"})
		addresses.Bricks = append(addresses.Bricks, gluster.Brick{Host: n.IPv6, Path: "/bricks/addresses"})
	}
	run(t, l, gluster.VolumeCreate(names))
	run(t, l, gluster.VolumeStart("names"))
	run(t, l, gluster.VolumeCreate(addresses))
	// GlusterFS 11.1 cuts the address at a colon when it starts the brick's process, which fails.
	if err := l.Node(0).CLI().Run(t.Context(), gluster.VolumeStart("addresses")); err != nil &&
		!strings.HasPrefix(l.Node(0).Gluster("--version"), "glusterfs 11.") {
		t.Error(err)
	}
	compare(t, l.Node(0))
	v, err := l.Node(0).Client().Volume(t.Context(), "addresses")
	if err != nil || v.Bricks[1].Host != l.Node(1).IPv6 || v.Bricks[1].Path != "/bricks/addresses" {
		t.Errorf("%+v, %v", v, err)
	}
	l.Node(1).Network(func() {
		c := gluster.NewClient("tcp", l.Node(0).IPv6)
		c.Timeout = lab.Patience
		defer func() { _ = c.Close() }() //nolint:errcheck // only read from
		if err := c.BrickServes(t.Context(), "/bricks/names"); err != nil {
			t.Error(err)
		}
	})
}
