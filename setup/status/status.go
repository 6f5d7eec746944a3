// Package status gathers what one node sees of its cluster, without taking a
// lock: peers, volumes, bricks, what waits to be healed, and this node's mounts.
package status

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/change"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/mounted"
	"brickyard/setup/onefile"
	"brickyard/setup/recovery"
	"brickyard/setup/secureaccess"
)

// Status is what a node sees. With --output json it is the document; keys do
// not change their meaning, new ones may be added.
type Status struct {
	Node     string   `json:"node"`
	Healthy  bool     `json:"healthy"` // everything the cluster file asks for is there and complete
	Problems []string `json:"problems"`
	Warnings []string `json:"warnings"`
	Peers    []Peer   `json:"peers"`
	Volumes  []Volume `json:"volumes"`
	Mounts   []Mount  `json:"mounts"`
}

// Peer is a server of the cluster file.
type Peer struct {
	Name      string `json:"name"`
	Address   string `json:"address"`
	UUID      string `json:"uuid,omitempty"`
	State     string `json:"state"` // GlusterFS's own words, or "unknown"
	Connected bool   `json:"connected"`
}

// Volume is a volume of the cluster file.
type Volume struct {
	Name   string  `json:"name"`
	Type   string  `json:"type,omitempty"`
	Status string  `json:"status"` // Created, Started, Stopped, missing or unknown
	Bricks []Brick `json:"bricks"`
}

// Brick is one brick of a volume.
type Brick struct {
	Set     int    `json:"replica_set"` // 1-based
	Node    string `json:"node"`
	Path    string `json:"path"`
	Arbiter bool   `json:"arbiter"`
	Online  bool   `json:"online"`
	// Unknown says that nobody could be asked whether it is online: Why says why.
	Unknown bool   `json:"unknown"`
	Why     string `json:"why_offline,omitempty"`
	// Recovery is wiped or refilling while the brick is not complete; else empty.
	Recovery actual.Published `json:"recovery,omitempty"`
	// Waits says what recover on this node waits for, of a local brick.
	Waits string `json:"waits_for,omitempty"`
	// PendingHeals counts entries that this brick knows to be stale on others;
	// null when no self-heal daemon of this node knows.
	PendingHeals *int `json:"pending_heals"`
	// SizeBytes and FreeBytes are of a local brick's file system.
	SizeBytes uint64 `json:"size_bytes,omitempty"`
	FreeBytes uint64 `json:"free_bytes,omitempty"`

	number int // in the volume; -1 where it has not got it
}

// Mount is a client mount of this node.
type Mount struct {
	Volume  string `json:"volume"`
	Path    string `json:"path"`
	Mounted bool   `json:"mounted"`
	Answers bool   `json:"answers"` // statfs returned within two seconds
}

// Gatherer asks.
type Gatherer struct {
	Cluster *cluster.Cluster
	State   *desired.State
	Local   *gluster.Client
	Dial    func(desired.Server) *gluster.Client
	Timeout time.Duration // of one question
	Journal string        // where recover leaves word on this node
	Checked string        // where check leaves its results on this node
	Root    string        // where systemd's files are found, "" is "/"
	Proc    string        // where the self-heal daemon is found, "" is /proc
	// Elsewhere looks for a glusterd that is not in its usual place; nil where nobody does.
	Elsewhere func() (gluster.Elsewhere, error)
	// Names looks for names and addresses that mean another machine than the cluster file does; nil where nobody does.
	Names func(context.Context) (change.Plan, error)
	// Left says which mounts the cluster file does not have any more; nil where nobody looks.
	Left func() ([]string, error)
	Lost string // what /etc/hosts of this node does not have any more, in words; "" where it has everything
	// Rewriters says what takes lines of ours out of /etc/hosts again; nil where none are there.
	Rewriters func() ([]string, error)
	// Departed is what the cluster file has lost of volumes that exist, in words; nil where nobody looks.
	Departed func(context.Context) ([]string, error)
	// Applied knows which cluster file the nodes applied last; nil where nobody tells.
	Applied *onefile.Looker
	// Encrypted says that this node's glusterd encrypts its connections: no other is asked then.
	Encrypted bool
}

// Gather asks everybody at once. What does not answer is a problem in the
// result, never an error.
func (g *Gatherer) Gather(ctx context.Context) *Status {
	s := &Status{Node: g.State.Node, Problems: []string{}, Warnings: append([]string{}, cluster.Warnings(g.Cluster)...), Peers: []Peer{}, Volumes: []Volume{}, Mounts: []Mount{}}
	g.machine(ctx, s)
	if g.Encrypted {
		s.problem("%s: what only other nodes know is unknown here; docs/security.md, \"Encrypted management connections\"", secureaccess.Problem)
	}
	pool := g.pool(ctx, s)
	for _, server := range g.State.Pool.Servers {
		s.Peers = append(s.Peers, peer(server, g.State.Node, pool.Peers, s))
	}
	for _, v := range g.State.Pool.Volumes {
		s.Volumes = append(s.Volumes, g.volume(ctx, v, pool, s))
	}
	for _, m := range g.State.ClientMounts {
		s.Mounts = append(s.Mounts, g.mount(ctx, m, pool, s))
	}
	g.mountUnits(s)
	if g.Left != nil {
		left, err := g.Left()
		if err != nil {
			s.problem("%v", err)
		}
		s.Warnings = append(s.Warnings, left...)
	}
	if g.Departed != nil && !g.Encrypted {
		words, err := g.Departed(ctx)
		if err != nil {
			s.problem("%v", err)
		}
		s.Problems = append(s.Problems, words...)
	}
	g.versions(ctx, pool, s)
	g.files(ctx, s)
	g.checked(s)
	s.Healthy = len(s.Problems) == 0
	return s
}

func (s *Status) problem(format string, args ...any) {
	s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
}

// pool reads peers and volumes from this node's glusterd, or on a machine
// without one from the first server that answers.
func (g *Gatherer) pool(ctx context.Context, s *Status) actual.Node {
	ask := func(c *gluster.Client) (actual.Node, error) {
		ctx, cancel := context.WithTimeout(ctx, g.Timeout)
		defer cancel()
		return actual.Ask(ctx, c)
	}
	if g.State.Server {
		pool, err := ask(g.Local)
		if err == nil {
			return pool
		}
		s.problem("glusterd of this node does not answer: %v", err)
	}
	if g.Encrypted {
		return actual.Node{}
	}
	for _, server := range g.State.Pool.Servers {
		if server.Name == g.State.Node {
			continue
		}
		c := g.Dial(server)
		pool, err := ask(c)
		if cerr := c.Close(); err == nil && cerr == nil {
			return actual.Node{Name: server.Name, Peers: local(pool.Peers, server.Name), Volumes: pool.Volumes}
		}
	}
	s.problem("no server of the pool answers")
	return actual.Node{}
}

// local gives the asked server, which calls itself localhost, its name.
func local(peers []gluster.Peer, name string) []gluster.Peer {
	for i := range peers {
		if peers[i].Local {
			peers[i].Local, peers[i].Names, peers[i].Connected, peers[i].State = false, []string{name}, true, gluster.PeerInCluster
		}
	}
	return peers
}

func peer(server desired.Server, node string, peers []gluster.Peer, s *Status) Peer {
	out := Peer{Name: server.Name, Address: server.Address.String(), State: "unknown"}
	if peers == nil {
		return out
	}
	out.State = "not in the pool"
	for _, p := range peers {
		if (p.Local && server.Name == node) || server.Is(p.Names) {
			out.UUID, out.State, out.Connected = p.UUID, p.State.String(), p.Connected || p.Local
			if p.Local {
				out.State = gluster.PeerInCluster.String()
			}
		}
	}
	switch {
	case out.State != gluster.PeerInCluster.String():
		s.problem("peer %s: %s", server.Name, out.State)
	case !out.Connected:
		s.problem("peer %s is disconnected", server.Name)
	}
	return out
}

func (g *Gatherer) volume(ctx context.Context, want desired.Volume, pool actual.Node, s *Status) Volume {
	name := want.Spec.Name
	out := Volume{Name: name, Status: "unknown", Bricks: []Brick{}}
	if pool.Volumes != nil {
		out.Status = "missing"
	}
	have, exists := pool.Volume(name)
	if exists {
		out.Status, out.Type = have.Status.String(), have.Type.String()
	}
	if out.Status != gluster.Started.String() {
		s.problem("volume %s is %s", name, out.Status)
	}
	s.access(want, have)
	bricks, words := actual.Bricks(g.State.Pool, g.State.Node, have, pool.Peers), actual.WordsOf(have)
	for i, set := range want.Sets {
		for _, b := range set {
			brick := Brick{Set: i + 1, Node: b.Node, Path: b.Path, Arbiter: b.Arbiter}
			if k := slices.IndexFunc(bricks, func(k actual.Brick) bool { return k.On(b.Node, b.Path) }); k >= 0 {
				brick.number, brick.Recovery = k, words.Published(k)
			} else {
				brick.number = -1
			}
			out.Bricks = append(out.Bricks, brick)
		}
	}
	g.serve(ctx, out.Bricks)
	for i := range out.Bricks {
		if b := &out.Bricks[i]; !b.Online && have.ID != "" && have.Status != gluster.Started {
			b.Why = "the volume is " + strings.ToLower(out.Status)
		}
	}
	g.heals(ctx, have, &out, s)
	g.waits(&out, s)
	for _, b := range out.Bricks {
		switch b.Recovery {
		case actual.IsWiped:
			s.problem("brick %s:%s of volume %s is empty and not refilled yet", b.Node, b.Path, name)
		case actual.Refilling:
			s.problem("brick %s:%s of volume %s is being refilled", b.Node, b.Path, name)
		case actual.IsSuspect, actual.Behind:
			s.problem("brick %s:%s of volume %s lost power and is not known to be complete yet", b.Node, b.Path, name)
		case actual.Unproven:
			s.problem("brick %s:%s of volume %s lost power as all others of its replica set did: it serves, and nobody can prove that nothing was lost", b.Node, b.Path, name)
		case actual.Nothing:
		}
		if b.Waits != "" {
			s.problem("brick %s:%s of volume %s: %s", b.Node, b.Path, name, b.Waits)
		}
		s.room(name, b)
		switch {
		case b.Unknown && !g.Encrypted:
			s.problem("brick %s:%s of volume %s: unknown whether it is online: %s", b.Node, b.Path, name, b.Why)
		case !b.Online && !b.Unknown:
			s.problem("brick %s:%s of volume %s is offline: %s", b.Node, b.Path, name, b.Why)
		}
		if b.PendingHeals != nil && *b.PendingHeals > 0 {
			s.problem("brick %s:%s of volume %s has %d entries that wait to be healed to the others of its replica set", b.Node, b.Path, name, *b.PendingHeals)
		}
	}
	return out
}

// access warns of a volume that lets everybody in and should not.
func (s *Status) access(want desired.Volume, have gluster.Volume) {
	for _, o := range want.Options {
		if allow := have.Options[o.Name]; o.Name == cluster.OptionAllow && have.ID != "" && o.Value != "*" && (allow == "" || allow == "*") {
			s.Warnings = append(s.Warnings, fmt.Sprintf("volume %s lets in every machine that reaches its bricks, and the cluster file names who may use it: run apply", have.Name))
		}
	}
}

// room says when a local brick is full, or nearly so: a full brick cannot be
// healed, and every write to the volume fails.
func (s *Status) room(volume string, b Brick) {
	if b.SizeBytes == 0 || b.Arbiter {
		return
	}
	words := fmt.Sprintf("brick %s:%s of volume %s has %d of %d MiB free", b.Node, b.Path, volume, b.FreeBytes>>20, b.SizeBytes>>20)
	switch percent := 100 * b.FreeBytes / b.SizeBytes; {
	case percent < 1:
		s.Problems = append(s.Problems, words+": writes fail, and it cannot be healed")
	case percent < 10:
		s.Warnings = append(s.Warnings, words)
	}
}

// waits adds what recover on this node last said about its own bricks.
func (g *Gatherer) waits(v *Volume, s *Status) {
	j, err := recovery.ReadJournal(g.Journal)
	if err != nil {
		s.Warnings = append(s.Warnings, err.Error())
	}
	for _, w := range j.Bricks {
		if w.Ignored != "" && w.Volume == v.Name {
			s.Warnings = append(s.Warnings, fmt.Sprintf("volume %s, brick %s: a file beside it is not root's and counts for nothing: %s. Find out who made it, and remove it", v.Name, w.Path, w.Ignored))
		}
		if w.Volume != v.Name || w.Action == recovery.None {
			continue
		}
		i := slices.IndexFunc(v.Bricks, func(b Brick) bool { return b.Node == g.State.Node && b.Path == w.Path })
		if i >= 0 {
			v.Bricks[i].Waits = w.Reason
		} else { // of the volume, and not of the cluster file
			s.problem("volume %s, brick %s: %s", v.Name, w.Path, w.Reason)
		}
	}
}

// serve asks whether bricks serve, and looks at the file systems of local ones.
func (g *Gatherer) serve(ctx context.Context, bricks []Brick) {
	asked := make([]*actual.Brick, len(bricks))
	for i, b := range bricks {
		asked[i] = &actual.Brick{Node: b.Node, Path: b.Path}
	}
	if !g.Encrypted {
		errs := actual.Serving(ctx, asked, g.Timeout, func(b actual.Brick) *gluster.Client {
			server, _ := g.State.Pool.Server(b.Node)
			return g.Dial(server)
		}, nil)
		for i, err := range errs {
			b := &bricks[i]
			b.Online, b.Unknown, b.Why = err == nil, !gluster.BrickKnown(err), gluster.WhyBrick(err)
		}
	}
	for i := range bricks {
		b := &bricks[i]
		if g.Encrypted {
			b.Unknown, b.Why = true, secureaccess.Problem
		}
		if b.Node == g.State.Node {
			var st unix.Statfs_t
			if err := unix.Statfs(b.Path, &st); err == nil {
				b.SizeBytes, b.FreeBytes = st.Blocks*uint64(st.Bsize), st.Bavail*uint64(st.Bsize) //nolint:gosec // block sizes are positive
			}
		}
	}
}

// heals asks this node's self-heal daemon, which knows all bricks of the
// replica sets that have a brick here.
func (g *Gatherer) heals(ctx context.Context, have gluster.Volume, v *Volume, s *Status) {
	if !g.State.Server || have.Status != gluster.Started || !slices.ContainsFunc(v.Bricks, func(b Brick) bool { return b.Node == g.State.Node }) {
		return
	}
	pending, err := actual.Heals(ctx, g.Proc, have, g.Timeout)
	if err != nil && have.SelfHealDaemon() {
		s.problem("no self-heal daemon of this node serves volume %s: %v", v.Name, err)
	}
	for _, h := range pending {
		for i := range v.Bricks {
			if b := &v.Bricks[i]; h.Status == "" && b.number == h.Set*have.Replica+h.Brick {
				b.PendingHeals = &h.Entries
			}
		}
	}
}

func (g *Gatherer) mount(ctx context.Context, m desired.ClientMount, see actual.Node, s *Status) Mount {
	out := Mount{Volume: m.Volume, Path: m.Path}
	mnt, err := machine.MountAt(m.Path)
	if err != nil || mnt == nil {
		s.problem("volume %s is not mounted on %s", m.Volume, m.Path)
		return out
	}
	v, _ := see.Volume(m.Volume)
	pool := mounted.Pool{Servers: g.State.Pool.Servers, Server: g.State.Server, ID: v.ID, Resolve: mounted.Resolve(ctx, machine.Run)}
	if problem, remedy := mounted.Other(m, mounted.Look(ctx, machine.Run, mnt), pool); problem != "" {
		s.problem("volume %s is not mounted on %s: %s: %s", m.Volume, m.Path, problem, remedy)
		return out
	}
	out.Mounted = true
	if wrong := m.WrongFlags(strings.Split(mnt.Options, ",")); len(wrong) > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("mount %s is not %s, as the cluster file has it: run apply, which changes it in use", m.Path, strings.Join(wrong, " and ")))
	}
	switch err := machine.Answers(ctx, machine.Run, m.Path); {
	case err == nil:
		out.Answers = true
		running, err := gluster.MountProcesses("/proc")
		if err != nil {
			s.problem("mount %s: %v", m.Path, err)
		}
		if w := m.OldContents(running); w != "" {
			s.Warnings = append(s.Warnings, w)
		}
	case errors.Is(err, machine.ErrSilent):
		s.problem("mount %s does not answer", m.Path)
	default:
		s.problem("mount %s: %v", m.Path, err)
	}
	return out
}
