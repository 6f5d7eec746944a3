package recovery

import (
	"fmt"
	"slices"

	"brickyard/gluster"
	"brickyard/setup/cluster"
)

// otherwise says in what a replica set of the cluster file is not that of the volume; "" where both mean the same bricks.
// What nodes tell each other of a brick stands under its place in the volume: were the set of an edited file joined with it
// by place alone, what was said of one node's brick, that it is given up for one, would count for another's.
func (o *Observer) otherwise(want []cluster.Brick, first int, v gluster.Volume, peers []gluster.Peer) string {
	for i, b := range want {
		if first+i >= len(v.Bricks) {
			return fmt.Sprintf("%s:%s of the cluster file is no brick of the volume, which has %d", b.Node, b.Path, len(v.Bricks))
		}
		if have := v.Bricks[first+i]; have.Path != b.Path || !o.is(b.Node, have, peers) {
			return fmt.Sprintf("brick %d is %s:%s in the cluster file and %s in the volume", first+i+1, b.Node, b.Path, have)
		}
	}
	return ""
}

// is says whether a brick of a volume is on a node of the cluster file: by the names under which the pool knows the peer.
func (o *Observer) is(node string, b gluster.Brick, peers []gluster.Peer) bool {
	names := []string{b.Host}
	if i := slices.IndexFunc(peers, func(p gluster.Peer) bool { return b.PeerUUID != "" && p.UUID == b.PeerUUID }); i >= 0 {
		if peers[i].Local {
			return node == o.State.Node
		}
		names = append(names, peers[i].Names...)
	}
	if s, ok := o.State.Pool.Server(node); ok {
		return s.Is(names)
	}
	return slices.Contains(names, node)
}
