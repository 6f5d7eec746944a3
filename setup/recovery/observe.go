package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"brickyard/gluster"
	"brickyard/setup/beneath"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/powerloss"
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
	// Only limits Observe to one volume, "" for all. Then what waits to be healed
	// is counted also while bricks are away: who waits for that is in no hurry.
	Only string

	// Version counts the changes of a volume in glusterd's own files; nil where nobody needs that.
	Version func(volume string) (uint64, error)

	since  map[string]time.Time // since when peers are connected, by UUID
	before map[string]version   // how volumes were at the last look, by name
}

// Local is a brick of this node within its set.
type Local struct {
	Set   Set
	Own   int // index in Set.Bricks
	Brick int // index in the volume's list of bricks
	Words Words
	// Move are options that move words of the volume to whom they are about, as pairs; of one brick a volume.
	Move []string
	Dir  string
	// MarkPath is where the mark of an unfinished refill of this brick lies:
	// beside the brick, so that it vanishes with it.
	MarkPath string
	Tmpfs    bool
}

// Observe returns every brick of this node with its set. It fails only when
// this node's glusterd does not answer.
func (o *Observer) Observe(ctx context.Context) ([]Local, error) {
	peers, err := o.Local.Peers(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask this node's glusterd: %w", err)
	}
	volumes, err := o.Local.Volumes(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask this node's glusterd: %w", err)
	}
	o.note(peers)
	o.compare(volumes)
	majority := o.majority(peers, volumes)
	// All volumes at once: while a node that just died is asked, nothing else waits.
	found := make([][]Local, len(o.State.Pool.Volumes))
	var wg sync.WaitGroup
	for i, want := range o.State.Pool.Volumes {
		for _, v := range volumes {
			if v.Name == want.Spec.Name && (o.Only == "" || o.Only == v.Name) {
				wg.Go(func() { found[i] = o.volume(ctx, want, v, peers) })
			}
		}
	}
	wg.Wait()
	out := slices.Concat(found...)
	for i := range out {
		known := o.before[out[i].Set.Volume]
		out[i].Set.Majority, out[i].Set.Starts, out[i].Set.Changed = majority, known.starts, known.changed
	}
	return out, nil
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

// majority reports whether more than half of the pool is connected to this
// node. Machines that a person gave up do not count while they are away.
func (o *Observer) majority(peers []gluster.Peer, volumes []gluster.Volume) bool {
	gone := map[string]bool{}
	for _, v := range volumes {
		words := WordsOf(v)
		for i, b := range v.Bricks {
			if words.GivenUp(i) {
				gone[b.PeerUUID] = true
			}
		}
	}
	connected, all := 0, 0
	for _, p := range peers {
		here := p.Local || (p.Connected && p.State == gluster.PeerInCluster)
		if here {
			connected++
		}
		if here || !gone[p.UUID] {
			all++
		}
	}
	return 2*connected > all
}

// volume looks at the replica sets of a volume as it is that have a brick here. Of those that the cluster file has
// otherwise nothing else is found out.
func (o *Observer) volume(ctx context.Context, want desired.Volume, v gluster.Volume, peers []gluster.Peer) []Local {
	var out []Local
	words := WordsOf(v)
	bricks := whose(o.State.Pool, o.State.Node, v, peers)
	for _, s := range views(want.Sets, o.State.Node, v, bricks) {
		set := Set{Volume: v.Name, Index: s.index, Started: v.Status == gluster.Started, Mode: want.Mode, Otherwise: s.otherwise}
		set.Ephemeral = o.Cluster.Volumes[v.Name].IsEphemeral()
		var own []int
		for i, k := range s.bricks {
			brick := Brick{Node: cmp.Or(k.node, k.Host), Path: k.Path, Who: IDOf(k.Brick), Peer: k.PeerUUID, Arbiter: k.Arbiter}
			if s.otherwise == "" {
				brick.Published, brick.GivenUp = words.Published(s.first+i), words.GivenUp(s.first+i)
			}
			set.Bricks = append(set.Bricks, brick)
			if k.node == o.State.Node {
				own = append(own, i)
			}
		}
		if s.otherwise == "" {
			set.Allowed = words.rebuildAllowed(s.index)
			set.Ephemeral = set.Ephemeral || set.Allowed
			o.ask(ctx, &set)
			o.count(ctx, v, &set)
		}
		locals := make([]Local, 0, len(own))
		for _, i := range own {
			l := Local{Own: i, Brick: s.first + i, Words: words, Dir: set.Bricks[i].Path, MarkPath: markPath(set.Bricks[i].Path)}
			if s.otherwise == "" {
				l.Tmpfs = o.disk(v, &set.Bricks[i])
				readMark(l.MarkPath, &set.Bricks[i])
				compared(&set, i)
			}
			locals = append(locals, l)
		}
		for i := range locals {
			locals[i].Set = set
		}
		out = append(out, locals...)
	}
	move := words.Move(func(b gluster.Brick) bool {
		return slices.ContainsFunc(peers, func(p gluster.Peer) bool { return p.Local && p.UUID == b.PeerUUID })
	})
	if len(out) > 0 {
		out[0].Move = move
	}
	return out
}

// count asks what waits to be healed in a set.
func (o *Observer) count(ctx context.Context, v gluster.Volume, set *Set) {
	set.Heals = v.SelfHealDaemon()
	all := !slices.ContainsFunc(set.Bricks, func(b Brick) bool { return !b.Online })
	if all || o.Only != "" {
		healed, served := o.healed(ctx, v, set)
		set.Healed, set.NoDaemon = all && healed, all && !served && set.Heals
	}
}

// compared fills in with which others a local brick was compared.
func compared(set *Set, own int) {
	with, err := powerloss.Compared(set.Bricks[own].Path)
	for i := range set.Bricks {
		set.Bricks[i].Compared = err == nil && slices.Contains(with, set.Bricks[i].comparison()) // a record that cannot be read is none
	}
}

// readMark fills in what root's mark beside a brick says. Anybody else's counts
// for nothing; one that cannot be read may be root's.
func readMark(path string, b *Brick) {
	mark, err := beneath.ReadState(path)
	switch {
	case errors.Is(err, beneath.ErrNotRoots):
		b.Ignored = err.Error()
	case !errors.Is(err, fs.ErrNotExist):
		b.Mark, b.Begun = true, strings.HasPrefix(string(mark), begun)
	}
}

func markPath(brick string) string {
	return filepath.Join(filepath.Dir(brick), ".gluster-setup-refill")
}

// ask asks the node of every brick for its port, all at once, and connects.
func (o *Observer) ask(ctx context.Context, set *Set) {
	var wg sync.WaitGroup
	for i := range set.Bricks {
		b := &set.Bricks[i]
		server, ok := o.State.Pool.Server(b.Node)
		if !ok {
			continue
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, o.Timeout)
			defer cancel()
			c := o.Dial(server)
			defer c.Close() //nolint:errcheck // a connection for reading
			err := c.BrickServes(ctx, b.Path)
			b.Found(err)
			if b.Node == o.State.Node && b.Unknown == "" && errors.Is(err, syscall.ECONNREFUSED) {
				b.Unknown = unanswered(b.Path)
			}
			b.Deaf = b.Online && b.Node != o.State.Node && o.deaf(ctx, c)
		})
	}
	wg.Wait()
}

// Found fills in what the question whether a brick serves came to.
func (b *Brick) Found(err error) {
	b.Online = err == nil
	b.Reachable = gluster.BrickKnown(err) || errors.Is(err, gluster.ErrBrickSilent) || errors.Is(err, gluster.ErrRefused)
	b.Unknown = ""
	if !gluster.BrickKnown(err) {
		b.Unknown = gluster.WhyBrick(err)
	}
}

// unanswered is why it is not known whether a brick of this node serves whose port refuses connections: its process may run
// all the same, behind a firewall that refuses for it.
func unanswered(path string) string {
	serving, err := gluster.ServingBrick("/proc", path)
	if err != nil || len(serving) == 0 {
		return ""
	}
	return fmt.Sprintf("its process %d runs, and connections to its port are refused: a firewall?", serving[0].PID)
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

// healed asks this node's self-heal daemon whether anything waits to be healed
// in a set, and how much. A brick that it cannot reach counts as waiting. served
// says that a daemon of this node knows the volume.
func (o *Observer) healed(ctx context.Context, v gluster.Volume, set *Set) (healed, served bool) {
	pending, err := gluster.LocalPendingHeals(ctx, "/proc", v.Name, len(v.ReplicaSets()), o.Timeout)
	if err != nil {
		return false, false
	}
	seen := 0
	for _, h := range pending {
		if h.Set != set.Index || h.Status != "" || h.Brick >= len(set.Bricks) {
			continue
		}
		set.Bricks[h.Brick].Pending, set.Bricks[h.Brick].Counted = h.Entries, true
		set.Pending += h.Entries
		seen++
	}
	return set.Pending == 0 && seen == len(set.Bricks), true
}

// disk looks at the place of a local brick, and reports whether it is on tmpfs.
func (o *Observer) disk(v gluster.Volume, b *Brick) (tmpfs bool) {
	for _, m := range o.State.BrickMounts {
		if m.BrickPath != b.Path {
			continue
		}
		tmpfs = m.Fstype == "tmpfs"
		problem, err := o.Mounted(m)
		if err != nil {
			problem = err.Error()
		}
		if problem != "" {
			b.Disk, b.Why = Unmounted, m.Path+" is not the brick's file system of the cluster file: "+problem
			return tmpfs
		}
	}
	b.Disk, b.Why = look(b.Path, v.ID)
	exposed, err := beneath.Exposed(b.Path)
	if err != nil {
		exposed = "nobody knows who may write around it: " + err.Error()
	}
	b.Exposed = exposed
	if b.Disk != Wiped {
		return tmpfs
	}
	switch dir, id, err := powerloss.Withheld(b.Path); {
	case err != nil:
		b.Disk, b.Why = Unmounted, err.Error()
	case dir == "":
	case strings.EqualFold(id, v.ID):
		b.Disk, b.Why = Withheld, dir
	default:
		b.Disk, b.Why = Foreign, dir+" has the volume-id "+id
	}
	return tmpfs
}

func look(dir, volume string) (Disk, string) {
	st, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(dir)); err != nil {
			return Unmounted, "the directory of the brick is not there: " + err.Error()
		}
		return Wiped, ""
	case err != nil:
		return Unmounted, err.Error()
	case st.Mode()&fs.ModeSymlink != 0:
		return Link, dir
	}
	switch id, err := gluster.BrickVolumeID(dir); {
	case err != nil:
		return Unmounted, err.Error()
	case strings.EqualFold(id, volume):
		return Stamped, ""
	case id != "":
		return Foreign, "volume-id " + id
	}
	d, err := os.Open(dir) //nolint:gosec // beneath a directory that only root enters
	if err != nil {
		return Unmounted, err.Error()
	}
	defer d.Close() //nolint:errcheck // read only
	names, err := d.Readdirnames(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return Unmounted, err.Error()
	}
	for _, n := range names {
		if n != ".glusterfs" {
			return Unstamped, dir + " has " + n
		}
	}
	return Wiped, ""
}
