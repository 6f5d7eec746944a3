package actual

import (
	"context"
	"slices"

	"brickyard/gluster"
)

// Pool is what one glusterd says of the pool: its nodes, itself among them, and the volumes.
type Pool struct {
	Peers   []gluster.Peer
	Volumes []gluster.Volume
}

// Ask asks a glusterd. It takes no lock.
func Ask(ctx context.Context, c *gluster.Client) (Pool, error) {
	peers, err := c.Peers(ctx)
	if err != nil {
		return Pool{}, err
	}
	volumes, err := c.Volumes(ctx)
	if err != nil {
		return Pool{}, err
	}
	return Pool{peers, volumes}, nil
}

// Self is the UUID of the node that was asked; "" where it does not say.
func (p Pool) Self() string {
	for _, peer := range p.Peers {
		if peer.Local {
			return peer.UUID
		}
	}
	return ""
}

// Volume returns the volume with that name; one without a name where there is none.
func (p Pool) Volume(name string) (gluster.Volume, bool) {
	i := slices.IndexFunc(p.Volumes, func(v gluster.Volume) bool { return v.Name == name })
	if i < 0 {
		return gluster.Volume{}, false
	}
	return p.Volumes[i], true
}

// majority reports whether more than half of the pool is connected to the
// asked node. Machines that a person gave up do not count while they are away.
func (p Pool) majority() bool {
	gone := map[string]bool{}
	for _, v := range p.Volumes {
		words := WordsOf(v)
		for i, b := range v.Bricks {
			if words.GivenUp(i) {
				gone[b.PeerUUID] = true
			}
		}
	}
	connected, all := 0, 0
	for _, p := range p.Peers {
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
