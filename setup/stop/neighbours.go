package stop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/agree"
	"brickyard/setup/desired"
)

// neighbours are the servers of the cluster file that share a replica set with this node, each with the volumes of those sets.
func (g *Gate) neighbours(sets []actual.Local) map[string][]string {
	found := map[string][]string{}
	for _, l := range sets {
		for _, b := range l.Set.Bricks {
			if b.Node != g.Node && !slices.Contains(found[b.Node], l.Set.Volume) {
				found[b.Node] = append(found[b.Node], l.Set.Volume)
			}
		}
	}
	return found
}

// outsidePool names the neighbours that this node's glusterd does not have in its pool, as a peer that rejects it: their bricks
// serve, but no word of one node reaches the other, and both would be let go. It is pure.
func outsidePool(servers []desired.Server, neighbours map[string][]string, peers []gluster.Peer) []string {
	var reasons []string
	for _, s := range servers {
		if _, ok := neighbours[s.Name]; !ok {
			continue
		}
		i := slices.IndexFunc(peers, func(p gluster.Peer) bool { return !p.Local && s.Is(p.Names) })
		switch {
		case i < 0:
			reasons = append(reasons, fmt.Sprintf("%s shares a volume with this node and is not in its pool: it would not see that this node stops", s.Name))
		case peers[i].State != gluster.PeerInCluster:
			reasons = append(reasons, fmt.Sprintf("%s is %q for this node: neither would see that the other one stops (gluster peer status; docs/runbooks/GlusterPeerRejected.md)", s.Name, peers[i].State))
		}
	}
	return reasons
}

// howVolumesDiffer says in what a neighbour has a volume otherwise than this node; own is the option of this node's word. Words of other
// nodes do not count: they may be on their way. It is pure.
func howVolumesDiffer(here, there gluster.Volume, own string) string {
	name, apart := agree.Option(here, there, func(name string) bool { return strings.HasPrefix(name, actual.OwnWords) && name != own })
	switch {
	case apart && name == own:
		return "it has not got the word that this node stops"
	case apart:
		return fmt.Sprintf("there %s is %q, here %q", name, there.Options[name], here.Options[name])
	}
	if here.Status != there.Status || !slices.Equal(here.Bricks, there.Bricks) {
		return "its bricks or its state are others"
	}
	return ""
}

// askTime is how long a neighbour may take to say how it has the volumes.
const askTime = 5 * time.Second

func (g *Gate) timeout() time.Duration { return cmp.Or(g.Timeout, askTime) }

// unlike asks the neighbours for the volumes that they share with this node, and says of which of them nobody knows that it
// would see this node's word: it does not answer, or has the volume otherwise, as when a change did not reach it.
func (g *Gate) unlike(ctx context.Context, neighbours map[string][]string, node actual.Node) []string {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var reasons []string
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		reasons = append(reasons, fmt.Sprintf(format, args...))
	}
	own := optionOf(node.Self())
	for name, shared := range neighbours {
		s, ok := g.Pool.Server(name)
		if !ok {
			continue
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, g.timeout())
			defer cancel()
			c := g.Dial(s)
			defer c.Close()                 //nolint:errcheck // a connection for reading
			for _, volume := range shared { // and not all of the pool, which may have a thousand
				here, known := node.Volume(volume)
				there, err := c.Volume(ctx, volume)
				switch {
				case err != nil && !errors.Is(err, gluster.ErrNoSuchVolume):
					say("%s does not say how it has the volumes, so nobody knows whether it sees that this node stops: %v", name, err)
					return
				case !known || err != nil:
					say("volume %s: %s does not know it", volume, name)
				default:
					if words := howVolumesDiffer(here, there, own); words != "" {
						say("volume %s: %s has another version of it: %s", volume, name, words)
					}
				}
			}
		})
	}
	wg.Wait()
	slices.Sort(reasons)
	return reasons
}

// strangers are the sets with a brick of this node that the cluster file does not name, mostly of whole volumes, asked for
// like the others, and why this node must stay for those of kinds that cannot be judged so.
func (g *Gate) strangers(ctx context.Context, seen actual.Look) (sets []actual.Local, reasons []string) {
	self := seen.Self()
	for _, v := range seen.Volumes {
		if v.Status != gluster.Started {
			continue
		}
		for index, bricks := range v.ReplicaSets() {
			own := slices.IndexFunc(bricks, func(b gluster.Brick) bool {
				return b.PeerUUID == self && !slices.ContainsFunc(seen.Own, func(l actual.Local) bool {
					return l.Set.Volume == v.Name && l.Brick().Path == b.Path
				})
			})
			switch {
			case own < 0:
			case v.Disperse > 0:
				reasons = append(reasons, fmt.Sprintf("volume %s is not all in the cluster file and is dispersed: whether it can do without this node is not looked at", v.Name))
			case len(bricks) == 1:
				reasons = append(reasons, fmt.Sprintf("volume %s is not in the cluster file and has no other copy of what is in %s", v.Name, bricks[own]))
			default:
				sets = append(sets, actual.Local{Set: g.strange(ctx, v, index, bricks), Own: own})
			}
		}
	}
	return sets, slices.Compact(reasons)
}

// strange asks for the bricks of a set of a volume that the cluster file does not name.
func (g *Gate) strange(ctx context.Context, v gluster.Volume, index int, bricks []gluster.Brick) actual.Set {
	ctx, cancel := context.WithTimeout(ctx, g.timeout())
	defer cancel()
	set := actual.Set{Volume: v.Name, Index: index, Started: true, Bricks: make([]actual.Brick, len(bricks))}
	asked := make([]*actual.Brick, len(bricks))
	for i, b := range bricks {
		set.Bricks[i] = actual.Brick{Node: b.Host, Host: b.Host, Path: b.Path, Arbiter: b.Arbiter}
		asked[i] = &set.Bricks[i]
	}
	actual.Serving(ctx, asked, g.timeout(), func(b actual.Brick) *gluster.Client { return g.DialHost(b.Host) }, nil)
	heals, err := actual.Heals(ctx, g.Proc, v, g.timeout())
	set.Healed = err == nil && set.Count(heals)
	return set
}

// quorums has what each volume needs to be written, by its name: of those of the file what the file says.
func (g *Gate) quorums(volumes []gluster.Volume) map[string]gluster.Quorum {
	quorum := map[string]gluster.Quorum{}
	for _, v := range volumes {
		quorum[v.Name] = gluster.QuorumOf(v.Options, cmp.Or(v.Replica, 1))
	}
	for _, v := range g.Pool.Volumes {
		quorum[v.Spec.Name] = v.Quorum
	}
	return quorum
}
