package pool

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/change"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

// The trusted pool of these tests: three servers with one volume.
const (
	n1, n2, n3 = "n1.example.com", "n2.example.com", "n3.example.com"
	u1, u2, u3 = "aaaa0001", "aaaa0002", "aaaa0003"
	brickPath  = "/bricks/server/brick"
)

func servers() []desired.Server {
	var out []desired.Server
	for i, name := range []string{n1, n2, n3} {
		out = append(out, desired.Server{
			Name: name, Aliases: []string{strings.TrimSuffix(name, ".example.com")},
			Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}),
		})
	}
	return out
}

func bricks(hosts ...string) []gluster.Brick {
	var out []gluster.Brick
	for _, h := range hosts {
		out = append(out, gluster.Brick{Host: h, Path: brickPath})
	}
	return out
}

// wanted is the pool as the cluster file has it, after changes by edit.
func wanted(edit ...func(*desired.Pool)) desired.Pool {
	p := desired.Pool{
		Servers: servers(),
		Volumes: []desired.Volume{{
			Spec:    gluster.VolumeSpec{Name: "server", Replica: 3, Bricks: bricks(n1, n2, n3)},
			Options: []cluster.Option{{Name: "cluster.quorum-type", Value: "auto"}},
		}},
	}
	for _, e := range edit {
		e(&p)
	}
	return p
}

func option(name, value string) func(*desired.Pool) {
	return func(p *desired.Pool) {
		p.Volumes[0].Options = append(p.Volumes[0].Options, cluster.Option{Name: name, Value: value})
	}
}

// tells is a node that calls itself by a UUID and knows others.
func tells(uuid string, others ...gluster.Peer) actual.Node {
	self := gluster.Peer{UUID: uuid, Names: []string{"localhost"}, Local: true, State: gluster.PeerInCluster}
	return actual.Node{Peers: append(slices.Clone(others), self)}
}

// seen is a pool in which everything is as wanted, as node sees it, after
// changes by edit.
func seen(node string, edit ...func(*Observed)) Observed {
	uuids := map[string]string{n1: u1, n2: u2, n3: u3}
	o := Observed{Running: true, Nodes: map[string]actual.Node{}, Stamps: map[string]Stamp{}}
	for _, from := range []string{n1, n2, n3} {
		var view []gluster.Peer
		for _, to := range []string{n1, n2, n3} {
			if to != from {
				view = append(view, gluster.Peer{UUID: uuids[to], Names: []string{to}, Connected: true, State: gluster.PeerInCluster})
			}
		}
		o.Nodes[from] = tells(uuids[from], view...)
	}
	o.Peers = slices.Clone(o.Nodes[node].Peers)
	have := gluster.Volume{
		Name: "server", ID: "feed", Type: gluster.Replicate, Status: gluster.Started, Replica: 3, Distribute: 1,
		Options: map[string]string{"cluster.quorum-type": "auto", OwnOptions: "cluster.quorum-type", "transport.address-family": "inet"},
	}
	for _, h := range []string{n1, n2, n3} {
		have.Bricks = append(have.Bricks, gluster.Brick{Host: h, Path: brickPath, PeerUUID: uuids[h]})
	}
	o.Volumes = []gluster.Volume{have}
	for _, e := range edit {
		e(&o)
	}
	return o
}

// virgin makes the nodes strangers to each other, without volumes.
func virgin(o *Observed) {
	o.Peers = slices.DeleteFunc(o.Peers, func(p gluster.Peer) bool { return !p.Local })
	o.Volumes = nil
	for n := range o.Nodes {
		o.Nodes[n] = tells(o.Nodes[n].Self())
	}
}

// gone makes a server silent; the others know it still.
func gone(server string) func(*Observed) {
	return func(o *Observed) {
		id := o.Nodes[server].Self()
		delete(o.Nodes, server)
		for i := range o.Peers {
			if o.Peers[i].UUID == id {
				o.Peers[i].Connected = false
			}
		}
	}
}

// anew gives a server another UUID than the pool knows it by, and takes its peers.
func anew(server string) func(*Observed) {
	return func(o *Observed) {
		o.Nodes[server] = tells("cccc0001")
	}
}

// peer changes what the node sees of one peer.
func peer(server string, edit func(*gluster.Peer)) func(*Observed) {
	return func(o *Observed) {
		for i := range o.Peers {
			if o.Peers[i].UUID == o.Nodes[server].Self() {
				edit(&o.Peers[i])
			}
		}
	}
}

func volume(edit func(*gluster.Volume)) func(*Observed) {
	return func(o *Observed) { edit(&o.Volumes[0]) }
}

func noVolume(o *Observed) { o.Volumes = nil }

func set(name, value string) func(*Observed) {
	return volume(func(v *gluster.Volume) { v.Options[name] = value })
}

// list writes steps one a line: what, by whom if not this node, what is needed
// first, and how.
func list(steps []Step) []string {
	out := []string{}
	for _, s := range steps {
		line := s.String()
		if s.By != "" {
			line += " by " + s.By
		}
		for _, n := range s.Needs {
			line += " after " + n
		}
		out = append(out, line)
	}
	return out
}

func codes(cs []change.Conflict) []string {
	out := []string{}
	for _, c := range cs {
		out = append(out, c.Code+" "+c.Object+": "+c.Problem)
	}
	return out
}

// decideCase is one pool and what is decided about it.
type decideCase struct {
	name  string
	node  string // default n1
	want  desired.Pool
	see   Observed
	steps []string
	// commands are compared where they are given.
	commands  []string
	conflicts []string // code, object and problem
	warnings  []string
	waits     []string
}

func (c decideCase) check(t *testing.T) {
	t.Helper()
	if c.node == "" {
		c.node = n1
	}
	plan, steps := Decide(c.node, c.want, c.see)
	same := func(what string, got, want []string) {
		t.Helper()
		if diff := cmp.Diff(append([]string{}, want...), append([]string{}, got...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	same("steps", list(steps), c.steps)
	same("conflicts", codes(plan.Conflicts), c.conflicts)
	same("warnings", plan.Warnings, c.warnings)
	same("waits", plan.Waits, c.waits)
	if c.commands != nil {
		var commands []string
		for _, s := range steps {
			commands = append(commands, s.Commands...)
		}
		same("commands", commands, c.commands)
	}
	for _, s := range steps {
		if s.Part != change.Pool || s.Why == "" || len(s.Commands) == 0 {
			t.Errorf("step without part, reason or command: %+v", s)
		}
	}
	for _, c := range plan.Conflicts {
		if c.Remedy == "" {
			t.Errorf("conflict without a remedy: %+v", c)
		}
	}
}

func TestThePoolOfNewNodes(t *testing.T) {
	for _, c := range []decideCase{
		{
			name: "nothing is left to do in a pool that is right", want: wanted(), see: seen(n1),
		},
		{
			name: "a machine without bricks leaves the pool alone", node: "web1.example.com", want: wanted(), see: seen(n1, virgin),
		},
		{
			name: "the first of virgin nodes probes the others and then creates, sets and starts the volume", want: wanted(), see: seen(n1, virgin),
			steps: []string{
				"probe peer n2.example.com", "probe peer n3.example.com",
				"create volume server after n2.example.com to be in the pool after n3.example.com to be in the pool",
				"set options of volume server", "start volume server",
			},
			commands: []string{
				"gluster --mode=script peer probe n2.example.com",
				"gluster --mode=script peer probe n3.example.com",
				"gluster --mode=script volume create server replica 3 n1.example.com:/bricks/server/brick n2.example.com:/bricks/server/brick n3.example.com:/bricks/server/brick",
				"gluster --mode=script volume set server cluster.quorum-type auto user.brickyard-options cluster.quorum-type",
				"gluster --mode=script volume start server",
			},
		},
		{
			name: "another virgin node waits for the first and then makes itself known by name", node: n2, want: wanted(), see: seen(n2, virgin),
			steps: []string{
				"probe peer n2.example.com by n1.example.com",
				"probe peer n1.example.com after this node to be in the pool",
				"probe peer n3.example.com by n1.example.com",
				"create volume server by n1.example.com", "set options of volume server by n1.example.com", "start volume server by n1.example.com",
			},
		},
		{
			name: "where /etc/hosts gives addresses their names another virgin node only waits", node: n2,
			want: wanted(func(p *desired.Pool) { p.Resolved = true }), see: seen(n2, virgin),
			steps: []string{
				"probe peer n2.example.com by n1.example.com",
				"probe peer n3.example.com by n1.example.com",
				"create volume server by n1.example.com", "set options of volume server by n1.example.com", "start volume server by n1.example.com",
			},
		},
		{
			name: "the first node waits for a machine on which nothing listens", want: wanted(), see: seen(n1, virgin, gone(n3)),
			steps: []string{
				"probe peer n2.example.com",
				"probe peer n3.example.com after glusterd on n3.example.com (10.0.0.3 port 24007) to answer",
				"create volume server after n2.example.com to be in the pool after n3.example.com to be in the pool",
				"set options of volume server", "start volume server",
			},
		},
		{
			name: "everything waits for this node's own glusterd", want: wanted(), see: Observed{},
			steps: []string{
				"probe peer n2.example.com after glusterd on this node to answer",
				"probe peer n3.example.com after glusterd on this node to answer",
				"create volume server after glusterd on this node to answer",
				"set options of volume server after glusterd on this node to answer",
				"start volume server after glusterd on this node to answer",
			},
		},
	} {
		t.Run(c.name, c.check)
	}
}

func TestTheLeaderIsTheFirstServerThatHasPeers(t *testing.T) {
	for _, c := range []struct {
		name string
		see  Observed
		want string
	}{
		{"of virgin nodes the first", seen(n1, virgin), n1},
		{"of a pool the first of the file", seen(n3), n1},
		{"the next one when the first does not answer", seen(n2, gone(n1)), n2},
		{"the first when it does not answer in time and is connected", seen(n2, func(o *Observed) { delete(o.Nodes, n1) }), n1},
		{"not the first when it is new and the others are a pool", seen(n1, func(o *Observed) { o.Nodes[n1] = tells(u1) }), n2},
		{"the first when nobody answers", Observed{}, n1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Leader(wanted(), c.see); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestALeaderThatIsNotTheFirstTakesTheFirstIn(t *testing.T) {
	firstIsNew := func(o *Observed) {
		o.Peers = slices.DeleteFunc(o.Peers, func(p gluster.Peer) bool { return p.UUID == u1 })
		o.Volumes = nil
		o.Nodes[n1] = tells(u1)
		o.Nodes[n2] = tells(u2, o.Nodes[n2].Others()[1:]...)
		o.Nodes[n3] = tells(u3, o.Nodes[n3].Others()[1:]...)
	}
	decideCase{
		node: n2, want: wanted(), see: seen(n2, firstIsNew),
		steps: []string{
			"probe peer n1.example.com", "create volume server after n1.example.com to be in the pool",
			"set options of volume server", "start volume server",
		},
	}.check(t)
	virginFirst := seen(n1, virgin)
	virginFirst.Nodes = seen(n2, firstIsNew).Nodes
	decideCase{
		node: n1, want: wanted(), see: virginFirst,
		steps: []string{
			"probe peer n1.example.com by n2.example.com",
			"probe peer n2.example.com after this node to be in the pool",
			"probe peer n3.example.com by n2.example.com",
			"create volume server by n2.example.com", "set options of volume server by n2.example.com", "start volume server by n2.example.com",
		},
	}.check(t)
}
