package actual

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

// Node is the pool as the glusterd of one node has it.
type Node struct {
	Name    string         // of the node in the cluster file, where the asking one gives it
	Peers   []gluster.Peer // the nodes of the pool, itself among them
	Volumes []gluster.Volume
	// Versions has, by name of the volume, how often it was changed, of those of which the node tells it: its host part makes
	// the links for that (desired.InfoVolfile). Only AskEach asks.
	Versions map[string]uint64
	// Unasked are the names of volumes that it has, and about which AskEach did not ask it.
	Unasked []string
}

// Ask asks a glusterd for peers and volumes. It takes no lock.
func Ask(ctx context.Context, c *gluster.Client) (Node, error) {
	peers, err := c.Peers(ctx)
	if err != nil {
		return Node{}, err
	}
	volumes, err := c.Volumes(ctx)
	if err != nil {
		return Node{}, err
	}
	return Node{Peers: peers, Volumes: volumes}, nil
}

// About says about which of its volumes a node is asked.
type About func(node string, has []string) []string

// AskEach asks the glusterds of nodes, all at once and within timeout, which volumes they have, and of those that about says, or
// all without one, how, and how often each was changed. Who does not answer is left out, and the others stay in the order of the
// names. It takes no lock.
func AskEach(ctx context.Context, names []string, timeout time.Duration, client func(name string) *gluster.Client, about About) []Node {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	nodes := make([]Node, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		c := client(name)
		wg.Go(func() {
			if n, err := askVersions(ctx, name, c, about); err == nil {
				nodes[i] = n
			}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(nodes, func(n Node) bool { return n.Name == "" })
}

func askVersions(ctx context.Context, name string, c *gluster.Client, about About) (Node, error) {
	n := Node{Name: name, Versions: map[string]uint64{}}
	has, err := c.VolumeNames(ctx)
	if err != nil {
		return n, err
	}
	asked := has
	if about != nil {
		asked = about(name, has)
	}
	n.Unasked = slices.DeleteFunc(slices.Clone(has), func(volume string) bool { return slices.Contains(asked, volume) })
	for _, name := range asked {
		volume, err := c.Volume(ctx, name)
		if errors.Is(err, gluster.ErrNoSuchVolume) {
			continue // deleted just now
		}
		if err != nil {
			return n, err
		}
		n.Volumes = append(n.Volumes, volume)
		// One that does not tell is compared by what it says of the volume.
		text, found, err := c.ServerVolfile(ctx, desired.InfoVolfile(volume.Name))
		if err != nil || !found {
			continue
		}
		if version, err := gluster.ParseVolumeVersion(text); err == nil {
			n.Versions[volume.Name] = version
		}
	}
	return n, nil
}

// Self is the UUID of the node that was asked; "" where it does not say.
func (n Node) Self() string {
	for _, p := range n.Peers {
		if p.Local {
			return p.UUID
		}
	}
	return ""
}

// Others are the nodes that it knows besides itself.
func (n Node) Others() []gluster.Peer {
	return slices.DeleteFunc(slices.Clone(n.Peers), func(p gluster.Peer) bool { return p.Local })
}

// Volume returns the volume with that name; one without a name where there is none.
func (n Node) Volume(name string) (gluster.Volume, bool) {
	i := slices.IndexFunc(n.Volumes, func(v gluster.Volume) bool { return v.Name == name })
	if i < 0 {
		return gluster.Volume{}, false
	}
	return n.Volumes[i], true
}

// majority reports whether more than half of the pool is connected to the
// node. Machines that a person gave up do not count while they are away.
func (n Node) majority() bool {
	gone := map[string]bool{}
	for _, v := range n.Volumes {
		words := WordsOf(v)
		for i, b := range v.Bricks {
			if words.GivenUp(i) {
				gone[b.PeerUUID] = true
			}
		}
	}
	connected, all := 0, 0
	for _, p := range n.Peers {
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
