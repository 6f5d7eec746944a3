package actual

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"brickyard/gluster"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

// Observer gathers the facts about the replica sets that have a brick here.
type Observer struct {
	State   *desired.State
	Cluster *cluster.Cluster
	Local   *gluster.Client
	Dial    func(desired.Server) *gluster.Client
	Mounted func(desired.BrickMount) (problem string, err error) // the brick's file system is the declared one
	Timeout time.Duration                                        // of one question to one node
	Started func() time.Time                                     // when this node's glusterd started
	Now     func() time.Time
	Proc    string // where the self-heal daemon is found, "" is /proc
	// Only limits a look to one volume, "" for all. Then what waits to be healed
	// is counted also while bricks are away: who waits for that is in no hurry.
	Only string

	// Version counts the changes of a volume in glusterd's own files; nil where nobody needs that.
	Version func(volume string) (uint64, error)

	since  map[string]time.Time // since when peers are connected, by UUID
	before map[string]version   // how volumes were at the last look, by name
}

// Look is what one look came to.
type Look struct {
	Node         // as this node's glusterd has the pool
	Own  []Local // the bricks of this node that it tells of, or the cluster file
}

// Local is a brick of this node within its set.
type Local struct {
	Set   Set
	Own   int // index in Set.Bricks
	Words Words
	// Move are options that move words of the volume to whom they are about, as pairs; of one brick a volume.
	Move []string
	// MarkPath is where the mark of an unfinished refill of this brick lies:
	// beside the brick, so that it vanishes with it.
	MarkPath string
	Tmpfs    bool
}

// Brick is the brick itself.
func (l Local) Brick() Brick { return l.Set.Bricks[l.Own] }

// Look looks at every brick of this node with its set. It fails only when this
// node's glusterd does not answer.
func (o *Observer) Look(ctx context.Context) (Look, error) {
	node, err := Ask(ctx, o.Local)
	if err != nil {
		return Look{}, fmt.Errorf("ask this node's glusterd: %w", err)
	}
	return Look{node, o.Bricks(ctx, node)}, nil
}

// Observe is Look for who needs the bricks of this node alone.
func (o *Observer) Observe(ctx context.Context) ([]Local, error) {
	look, err := o.Look(ctx)
	return look.Own, err
}

// Bricks are those of this node, whose glusterd was asked just now, with their sets.
func (o *Observer) Bricks(ctx context.Context, node Node) []Local {
	o.note(node.Peers)
	o.compare(node.Volumes)
	majority := node.majority()
	deaf := onceEach(o.deaf)
	// All volumes at once: while a node that just died is asked, nothing else waits.
	found := make([][]Local, len(o.State.Pool.Volumes))
	var wg sync.WaitGroup
	for i, want := range o.State.Pool.Volumes {
		if v, ok := node.Volume(want.Spec.Name); ok && (o.Only == "" || o.Only == v.Name) {
			wg.Go(func() { found[i] = o.volume(ctx, want, v, node.Peers, deaf) })
		}
	}
	wg.Wait()
	out := slices.Concat(found...)
	for i := range out {
		known := o.before[out[i].Set.Volume]
		out[i].Set.Majority, out[i].Set.Starts, out[i].Set.Changed = majority, known.starts, known.changed
	}
	return out
}

// note remembers since when each peer is connected.
func (o *Observer) note(peers []gluster.Peer) {
	now := o.Now()
	since := map[string]time.Time{}
	for _, p := range peers {
		if p.Local || !p.Connected {
			continue
		}
		before, known := o.since[p.UUID]
		switch {
		case known:
			since[p.UUID] = before
		case o.since == nil:
			since[p.UUID] = o.Started() // not earlier, and nobody looked
		default:
			since[p.UUID] = now
		}
	}
	o.since = since
}

// joining is how long two glusterds that just connected are left alone. Each
// takes in what the other knows of the volumes, and one of 10.3 that is told of
// a change meanwhile may crash ("brick count is 0").
const joining = 3 * time.Second

// Joining says whether a peer was connected too short a time ago, at the last
// look, for changes of volumes.
func (o *Observer) Joining() bool {
	for _, at := range o.since {
		if o.Now().Sub(at) < joining {
			return true
		}
	}
	return false
}

// volume looks at the replica sets of a volume as it is that have a brick here. Of those that the cluster file has
// otherwise nothing else is found out.
func (o *Observer) volume(ctx context.Context, want desired.Volume, v gluster.Volume, peers []gluster.Peer, deaf hearing) []Local {
	words := WordsOf(v)
	sets := Sets(want.Sets, o.State.Node, v, Bricks(o.State.Pool, o.State.Node, v, peers))
	var known []*Brick
	for i := range sets {
		set := &sets[i]
		set.Started, set.Mode = v.Status == gluster.Started, want.Mode
		set.Ephemeral = o.Cluster.Volumes[v.Name].IsEphemeral()
		if set.Otherwise != "" {
			continue
		}
		set.Heals, set.Allowed = v.SelfHealDaemon(), words.rebuildAllowed(set.Index)
		set.Ephemeral = set.Ephemeral || set.Allowed
		for i := range set.Bricks {
			b := &set.Bricks[i]
			b.Published, b.GivenUp = words.Published(b.Number), words.GivenUp(b.Number)
			known = append(known, b)
		}
	}
	o.ask(ctx, known, deaf)
	heals := sync.OnceValues(func() ([]gluster.PendingHeal, error) { return Heals(ctx, o.Proc, v, o.Timeout) })
	var out []Local
	for _, set := range sets {
		if set.Otherwise == "" {
			o.count(&set, heals)
		}
		first := len(out)
		for i := range set.Bricks {
			b := &set.Bricks[i]
			if b.Nobodys || b.Node != o.State.Node {
				continue
			}
			l := Local{Own: i, Words: words, MarkPath: MarkPath(b.Path)}
			if set.Otherwise == "" {
				l.Tmpfs = o.disk(v, b)
				readMark(l.MarkPath, b)
				compared(&set, i)
			}
			out = append(out, l)
		}
		for i := range out[first:] {
			out[first+i].Set = set
		}
	}
	if len(out) > 0 {
		out[0].Move = words.Move(func(b gluster.Brick) bool {
			return slices.ContainsFunc(peers, func(p gluster.Peer) bool { return p.Local && p.UUID == b.PeerUUID })
		})
	}
	return out
}

// hearing says whether the glusterd of a node, which the client asks, is deaf to this node's.
type hearing func(ctx context.Context, node string, c *gluster.Client) bool

// onceEach asks each node once, whoever of its bricks comes first.
func onceEach(ask func(context.Context, *gluster.Client) bool) hearing {
	var mu sync.Mutex
	asked := map[string]func() bool{}
	return func(ctx context.Context, node string, c *gluster.Client) bool {
		mu.Lock()
		answer, ok := asked[node]
		if !ok {
			answer = sync.OnceValue(func() bool { return ask(ctx, c) })
			asked[node] = answer
		}
		mu.Unlock()
		return answer()
	}
}

// ask asks the node of every brick for its port, all at once, and connects.
func (o *Observer) ask(ctx context.Context, bricks []*Brick, deaf hearing) {
	dial := func(b Brick) *gluster.Client {
		server, ok := o.State.Pool.Server(b.Node)
		if !ok {
			return nil
		}
		return o.Dial(server)
	}
	Serving(ctx, bricks, o.Timeout, dial, func(ctx context.Context, c *gluster.Client, b *Brick, err error) {
		if b.Node == o.State.Node && b.Unknown == "" && errors.Is(err, syscall.ECONNREFUSED) {
			b.Unknown = refuses(b.Path)
		}
		b.Deaf = b.Online && b.Node != o.State.Node && deaf(ctx, b.Node, c)
	})
}

// count fills in what waits to be healed in a set.
func (o *Observer) count(set *Set, heals func() ([]gluster.PendingHeal, error)) {
	all := !slices.ContainsFunc(set.Bricks, func(b Brick) bool { return !b.Online })
	if !all && o.Only == "" {
		return
	}
	counted, err := heals()
	healed := err == nil && set.Count(counted)
	set.Healed, set.NoDaemon = all && healed, all && err != nil && set.Heals
}

// deaf reports whether another node's glusterd says that it is not connected
// to this node's.
func (o *Observer) deaf(ctx context.Context, c *gluster.Client) bool {
	self, ok := o.State.Pool.Server(o.State.Node)
	peers, err := c.Peers(ctx)
	if !ok || err != nil {
		return false
	}
	for _, p := range peers {
		if !p.Local && self.Is(p.Names) {
			return !p.Connected
		}
	}
	return false
}
