package recovery

import (
	"fmt"
	"slices"

	"brickyard/gluster"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

// known is a brick of a volume, with the node of the cluster file that it is on; "" where that cannot be told.
type known struct {
	gluster.Brick
	node string
}

func (k known) is(b cluster.Brick) bool {
	return k.node == b.Node && k.Path == b.Path && k.Arbiter == b.Arbiter
}

// whose finds the nodes of the bricks of a volume: each by the UUID of its peer, and that peer by the names under which the
// pool knows it. A node that two peers with bricks are taken for, or a peer taken for two nodes, is nobody's. It is pure.
func whose(pool desired.Pool, self string, v gluster.Volume, peers []gluster.Peer) []known {
	nodes := map[string]string{}            // by peer
	claimed := map[string]map[string]bool{} // by node: which peers are taken for it
	for _, b := range v.Bricks {
		who := peerOf(b)
		if _, ok := nodes[who]; ok {
			continue
		}
		is := nodesOf(pool, self, b, peers)
		nodes[who] = ""
		if len(is) == 1 {
			nodes[who] = is[0]
		}
		for _, n := range is {
			if claimed[n] == nil {
				claimed[n] = map[string]bool{}
			}
			claimed[n][who] = true
		}
	}
	var out []known
	for _, b := range v.Bricks {
		node := nodes[peerOf(b)]
		if len(claimed[node]) > 1 {
			node = ""
		}
		out = append(out, known{b, node})
	}
	return out
}

func peerOf(b gluster.Brick) string {
	if b.PeerUUID != "" {
		return b.PeerUUID
	}
	return b.Host
}

// nodesOf are the nodes of the cluster file that the peer of a brick may be.
func nodesOf(pool desired.Pool, self string, b gluster.Brick, peers []gluster.Peer) []string {
	names := []string{b.Host}
	if i := slices.IndexFunc(peers, func(p gluster.Peer) bool { return b.PeerUUID != "" && p.UUID == b.PeerUUID }); i >= 0 {
		if peers[i].Local {
			return []string{self}
		}
		names = append(names, peers[i].Names...)
	}
	var out []string
	for _, s := range pool.Servers {
		if s.Is(names) {
			out = append(out, s.Name)
		}
	}
	return out
}

// view is a replica set with a brick of this node: as the volume has it, and what the cluster file has otherwise.
type view struct {
	index  int // in the volume
	first  int // number of its first brick there
	bricks []known
	// otherwise says in words that the cluster file does not have this set; "" where it does, at whatever place.
	otherwise string
}

// views are the replica sets of a volume with a brick of this node, and those that this node should have by the cluster
// file alone, of which nothing is known. It is pure.
func views(want [][]cluster.Brick, self string, v gluster.Volume, bricks []known) []view {
	if len(v.Bricks) == 0 {
		return nil // glusterd is just taking the volume over from another node: no volume is without bricks
	}
	var out []view
	for index, set := range v.ReplicaSets() {
		size := len(set)
		have := bricks[index*size : (index+1)*size]
		i := slices.IndexFunc(want, func(file []cluster.Brick) bool { return same(file, have) })
		if !slices.ContainsFunc(have, func(k known) bool { return k.node == self }) {
			continue
		}
		s := view{index: index, first: index * size, bricks: have}
		if i < 0 {
			s.otherwise = differs(nearest(want, index, self, have), s)
		}
		out = append(out, s)
	}
	for index, file := range want {
		var only view
		for i, b := range file {
			if b.Node == self && !slices.ContainsFunc(bricks, func(k known) bool { return k.node == self && k.Path == b.Path }) {
				only = view{index: index, first: index*len(file) + i, bricks: []known{{gluster.Brick{Host: b.Node, Path: b.Path, Arbiter: b.Arbiter}, self}}}
				only.otherwise = fmt.Sprintf("%s:%s of the cluster file is no brick of the volume, which has %d", b.Node, b.Path, len(v.Bricks))
				out = append(out, only)
			}
		}
	}
	return out
}

// same says whether a set of the file and one of the volume are the same bricks.
func same(file []cluster.Brick, have []known) bool {
	return len(file) == len(have) && !slices.ContainsFunc(file, func(b cluster.Brick) bool {
		return !slices.ContainsFunc(have, func(k known) bool { return k.is(b) })
	})
}

// nearest is the set of the file that a set of the volume is compared with in words: one with a brick of this node that the
// volume's has, or else the one at its place.
func nearest(want [][]cluster.Brick, index int, self string, have []known) []cluster.Brick {
	for _, file := range want {
		for _, b := range file {
			if b.Node == self && slices.ContainsFunc(have, func(k known) bool { return k.node == self && k.Path == b.Path }) {
				return file
			}
		}
	}
	if index < len(want) {
		return want[index]
	}
	return nil
}

// differs says in what a set of the cluster file is not that of the volume.
func differs(file []cluster.Brick, s view) string {
	for i, k := range s.bricks {
		switch {
		case i >= len(file):
			return fmt.Sprintf("brick %d, %s, of the volume is not in this replica set of the cluster file", s.first+i+1, k)
		case k.node != file[i].Node || k.Path != file[i].Path:
			return fmt.Sprintf("brick %d is %s:%s in the cluster file and %s in the volume", s.first+i+1, file[i].Node, file[i].Path, k)
		case k.Arbiter != file[i].Arbiter:
			return fmt.Sprintf("brick %d, %s, is an arbiter in the cluster file or in the volume, and not in both", s.first+i+1, k)
		}
	}
	last := file[len(s.bricks)]
	return fmt.Sprintf("%s:%s of the cluster file is not in this replica set of the volume, which has %d bricks", last.Node, last.Path, len(s.bricks))
}
