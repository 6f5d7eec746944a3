package pool

import (
	"fmt"
	"slices"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/desired"
)

// Step is a change of the pool and how it is made: leftover stamps are removed
// first, then the command runs if there is one.
type Step struct {
	change.Change
	Unstamp []Leftover
	Command gluster.Command
}

// Leftover is an unused brick directory of this node with the stamp of a
// volume that does not exist: GlusterFS stamps the bricks first and then finds
// out whether all nodes agree to the volume.
type Leftover struct {
	Path   string // of the brick
	ID     string // the stamp
	Volume string // the volume that the brick is for
	// Follower says that another node creates the volume: it may be about to.
	Follower bool
}

// Decide compares the pool that one node sees with the pool that should be.
// The plan it returns has everything but the changes; these are the steps, in
// order. Steps that another node has to make are in the list, marked with By.
func Decide(node string, want desired.Pool, see Observed) (change.Plan, []Step) {
	d := decider{node: node, want: want, see: see, leader: Leader(want, see)}
	if _, serves := want.Server(node); !serves {
		return d.plan, nil // a machine without bricks is no member of the pool
	}
	d.members()
	d.disagreements()
	d.restOn(0, []string{}) // a peer that does not answer holds up nobody else
	for _, v := range want.Volumes {
		before := len(d.steps)
		d.volume(v)
		d.restOn(before, peersOf(v))
	}
	d.strangers()
	d.olderFile()
	return d.plan, d.steps
}

// Leader is the node that changes the pool: the first server of the cluster
// file that has peers already, so that a member that answers goes on when the
// first is gone, and a new machine in the first place does not begin a pool of
// its own; or the first of all when no pool exists. One that did not answer in
// time and to which this node's glusterd is connected is busy, and leads all the
// same: two leaders would be in each other's way.
func Leader(want desired.Pool, see Observed) string {
	for _, s := range want.Servers {
		n, answers := see.Nodes[s.Name]
		if len(n.Others()) > 0 || !answers && slices.ContainsFunc(see.Peers, func(p gluster.Peer) bool { return p.Connected && s.Is(p.Names) }) {
			return s.Name
		}
	}
	return want.Leader()
}

// peersOf are the objects that the changes of a volume rest on: the peers that have its bricks.
func peersOf(v desired.Volume) []string {
	peers := []string{}
	for _, host := range v.ServersOf() {
		peers = append(peers, "peer "+host)
	}
	return peers
}

type decider struct {
	node   string
	want   desired.Pool
	see    Observed
	leader string
	plan   change.Plan
	steps  []Step
}

func (d *decider) add(c change.Change, cmd gluster.Command, by string) {
	d.step(Step{Change: c, Command: cmd}, by)
}

func (d *decider) step(s Step, by string) {
	for _, l := range s.Unstamp {
		s.Commands = append(s.Commands, "setfattr -x "+gluster.XattrVolumeID+" "+l.Path)
	}
	if s.Command != nil {
		s.Commands = append(s.Commands, s.Command.String())
	}
	s.Part = change.Pool
	if by != d.node {
		s.By, s.ByHas = by, d.see.File.About(by)
	}
	if !d.see.Running {
		s.Needs = append(s.Needs, "glusterd on this node to answer")
	}
	d.steps = append(d.steps, s)
}

// restOn says of the steps from the given one on what they rest on.
func (d *decider) restOn(from int, objects []string) {
	for i := range d.steps[from:] {
		d.steps[from+i].RestsOn = objects
	}
}

func (d *decider) conflict(code, object, problem, remedy string) {
	d.plan.Conflicts = append(d.plan.Conflicts, change.Conflict{Code: code, Object: object, Problem: problem, Remedy: remedy})
}

// members decides who must be probed, by name, so that every node of the
// cluster file is a peer and is known by the name in the file.
func (d *decider) members() {
	if d.forgotten() || d.forgetful() {
		return
	}
	byUUID := map[string]string{}
	for _, s := range d.want.Servers {
		p := d.peer(s)
		if id := d.see.Nodes[s.Name].Self(); p == nil && id != "" {
			// Not in the pool yet, and already somebody else's double.
			if d.double(byUUID, s.Name, id) {
				continue
			}
		}
		switch {
		case p == nil && s.Name == d.node: // glusterd is not there yet
		case p == nil:
			c := change.Change{Object: "peer " + s.Name, Code: "peer-probe", Action: "probe", Why: "it is not in the trusted pool"}
			if _, answers := d.see.Nodes[s.Name]; !answers && d.see.Running && d.leader == d.node {
				c.Needs = append(c.Needs, fmt.Sprintf("glusterd on %s (%s port %s) to answer", s.Name, s.Address, Port))
			}
			if d.leader == d.node {
				// Probed before its /etc/hosts has the names, it would know this node by its address only.
				c.Needs = append(c.Needs, unprepared(s.Name, d.see.Unprepared[s.Name])...)
			}
			// Whoever is not the leader becomes a member by the leader's probe.
			if d.leader == d.node || s.Name != d.leader {
				d.add(c, gluster.PeerProbe(s.Name), d.leader)
				continue
			}
			c.Object, c.Action, c.Why = "peer "+d.node, "probe", "this node is not in the trusted pool"
			d.add(c, gluster.PeerProbe(d.node), d.leader)
			if d.want.Resolved {
				continue
			}
			d.add(change.Change{
				Object: "peer " + s.Name, Code: "peer-probe", Action: "probe", Why: "the probe lets this node know it by its address only",
				Needs: []string{"this node to be in the pool"},
			}, gluster.PeerProbe(s.Name), d.node)
		default:
			if !d.double(byUUID, s.Name, p.UUID) {
				d.member(s, *p)
			}
		}
	}
}

// unprepared is what must happen before the pool can rely on a server and these bricks of it.
func unprepared(server string, paths []string) []string {
	if len(paths) == 0 {
		return nil
	}
	return []string{"apply on " + server + " to prepare " + strings.Join(paths, ", ")}
}

// double refuses two nodes of the cluster file that are one machine to GlusterFS.
func (d *decider) double(byUUID map[string]string, name, uuid string) bool {
	other, twice := byUUID[uuid]
	if !twice {
		byUUID[uuid] = name
		return false
	}
	d.conflict("peer-twice", "peer "+name, fmt.Sprintf("it and %s are one machine to GlusterFS (UUID %s)", other, uuid),
		"give each node its own address; on a cloned machine remove /var/lib/glusterd/glusterd.info and restart glusterd before it joins")
	return true
}

// member decides about a peer that is known.
func (d *decider) member(s desired.Server, p gluster.Peer) {
	if p.Local {
		return
	}
	if id := d.see.Nodes[s.Name].Self(); id != "" && id != p.UUID && joined(p) {
		d.anew(s.Name, p.UUID, id, d.node)
		return
	}
	if joined(p) && d.see.forgets(s.Name, d.see.Nodes[d.node].Self()) && d.see.Nodes[s.Name].Self() == p.UUID {
		d.forgot(s.Name, d.node)
		return
	}
	switch p.State {
	case gluster.PeerInCluster:
	case gluster.PeerRejected:
		d.rejected(s)
		return
	default:
		d.plan.Waits = append(d.plan.Waits, fmt.Sprintf("%s to be in the pool (it is %q)", s.Name, p.State))
		return
	}
	if !named(p, s.Name) && (d.leader == d.node || s.Name == d.leader) {
		c := change.Change{Object: "peer " + s.Name, Code: "peer-probe", Action: "probe", Why: fmt.Sprintf("this node knows it as %s only", strings.Join(p.Names, ", "))}
		if !p.Connected {
			c.Needs = append(c.Needs, s.Name+" to be connected")
		}
		d.add(c, gluster.PeerProbe(s.Name), d.node)
	}
}

// joined reports whether a peer is, or was, in the pool for good.
func joined(p gluster.Peer) bool {
	return p.State == gluster.PeerInCluster || p.State == gluster.PeerRejected
}

// forgotten refuses to go on when the pool knows this node, and this node does
// not know itself as the one that the pool knows.
func (d *decider) forgotten() bool {
	self, _ := d.want.Server(d.node)
	own := d.see.Nodes[d.node].Self()
	if own == "" {
		return false
	}
	for _, s := range d.want.Servers {
		view := d.see.Nodes[s.Name].Others()
		if s.Name == d.node || slices.ContainsFunc(view, func(p gluster.Peer) bool { return p.UUID == own }) {
			continue
		}
		for _, p := range view {
			if self.Is(p.Names) && joined(p) {
				d.anew(d.node, p.UUID, own, s.Name)
				return true
			}
		}
	}
	return false
}

// anew is the conflict about a server that was installed anew, or lost glusterd's
// directory: its bricks and its place in the pool belong to the UUID that it had. The first restart has the peers tell it of the
// volumes, if the probe did not; where its own bricks of them are it knows after another one (gluster.ErrUntold).
func (d *decider) anew(name, had, has, member string) {
	d.conflict("peer-anew", "peer "+name, fmt.Sprintf("the pool knows it by the UUID %s, and the machine there calls itself %s: it was installed anew, or another machine has its address", had, has),
		fmt.Sprintf("if it is to take its place again, on %s: stop glusterd, write UUID=%s into /var/lib/glusterd/glusterd.info, start glusterd, run \"gluster peer probe %s\", restart glusterd, wait until \"gluster volume list\" there names the pool's volumes, restart glusterd once more, and run apply again",
			name, had, member))
}

// named reports whether a peer is known by a name.
func named(p gluster.Peer, name string) bool {
	return slices.ContainsFunc(p.Names, func(n string) bool { return strings.EqualFold(n, name) })
}

// peer finds a server of the cluster file among the peers: by the UUID that
// the machine at its address gives itself, else by any of its names or its
// address. The pool may know it by a name that the cluster file does not have.
func (d *decider) peer(s desired.Server) *gluster.Peer {
	id := d.see.Nodes[s.Name].Self()
	named := -1
	for i, p := range d.see.Peers {
		switch {
		case p.Local != (s.Name == d.node):
		case p.Local, id != "" && p.UUID == id:
			return &d.see.Peers[i]
		case s.Is(p.Names):
			named = i
		}
	}
	if named < 0 {
		return nil
	}
	return &d.see.Peers[named]
}

// strangers warns of peers that the cluster file does not name.
func (d *decider) strangers() {
	known := map[string]bool{}
	for _, s := range d.want.Servers {
		if p := d.peer(s); p != nil {
			known[p.UUID] = true
		}
	}
	for _, p := range d.see.Peers {
		if !p.Local && !known[p.UUID] {
			d.plan.Warnings = append(d.plan.Warnings, fmt.Sprintf("peer %s is in the pool but not in the cluster file: left alone", strings.Join(p.Names, ", ")))
		}
	}
}
