package actual

import (
	"fmt"
	"slices"

	"brickyard/gluster"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

// Bricks are the bricks of a volume, each with its node: that is found by the UUID of its peer, and that peer by the names under
// which the pool knows it. A node that two peers with bricks are taken for, or a peer taken for two nodes, is nobody's. It is pure.
func Bricks(pool desired.Pool, self string, v gluster.Volume, peers []gluster.Peer) []Brick {
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
	var out []Brick
	for i, b := range v.Bricks {
		k := Brick{Node: nodes[peerOf(b)], Host: b.Host, Path: b.Path, Number: i, Who: IDOf(b), Peer: b.PeerUUID, Arbiter: b.Arbiter}
		if k.Node == "" || len(claimed[k.Node]) > 1 {
			k.Node, k.Nobodys = b.Host, true
		}
		out = append(out, k)
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

// Sets are the replica sets of a volume with a brick of this node, and those that this node should have by the cluster file
// alone, of which nothing is known: with what the cluster file has otherwise, and nothing else yet. It is pure.
func Sets(want [][]cluster.Brick, self string, v gluster.Volume, bricks []Brick) []Set {
	if len(v.Bricks) == 0 {
		return nil // glusterd is just taking the volume over from another node: no volume is without bricks
	}
	var out []Set
	for index, set := range v.ReplicaSets() {
		size := len(set)
		have := bricks[index*size : (index+1)*size]
		i := slices.IndexFunc(want, func(file []cluster.Brick) bool { return same(file, have) })
		if !slices.ContainsFunc(have, func(b Brick) bool { return !b.Nobodys && b.Node == self }) {
			continue
		}
		s := Set{Volume: v.Name, Index: index, Bricks: slices.Clone(have)}
		if i < 0 {
			s.Otherwise = differs(nearest(want, index, self, have), have)
		}
		out = append(out, s)
	}
	for index, file := range want {
		for i, b := range file {
			if b.Node == self && !slices.ContainsFunc(bricks, func(k Brick) bool { return k.On(self, b.Path) }) {
				only := gluster.Brick{Host: b.Node, Path: b.Path, Arbiter: b.Arbiter}
				out = append(out, Set{
					Volume: v.Name, Index: index,
					Bricks:    []Brick{{Node: self, Host: b.Node, Path: b.Path, Number: index*len(file) + i, Who: IDOf(only), Arbiter: b.Arbiter}},
					Otherwise: fmt.Sprintf("%s:%s of the cluster file is no brick of the volume, which has %d", b.Node, b.Path, len(v.Bricks)),
				})
			}
		}
	}
	return out
}

// same says whether a set of the file and one of the volume are the same bricks.
func same(file []cluster.Brick, have []Brick) bool {
	return len(file) == len(have) && !slices.ContainsFunc(file, func(b cluster.Brick) bool {
		return !slices.ContainsFunc(have, func(k Brick) bool { return k.On(b.Node, b.Path) && k.Arbiter == b.Arbiter })
	})
}

// nearest is the set of the file that a set of the volume is compared with in words: one with a brick of this node that the
// volume's has, or else the one at its place.
func nearest(want [][]cluster.Brick, index int, self string, have []Brick) []cluster.Brick {
	for _, file := range want {
		for _, b := range file {
			if b.Node == self && slices.ContainsFunc(have, func(k Brick) bool { return k.On(self, b.Path) }) {
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
func differs(file []cluster.Brick, have []Brick) string {
	for i, k := range have {
		switch {
		case i >= len(file):
			return fmt.Sprintf("brick %d, %s, of the volume is not in this replica set of the cluster file", k.Number+1, k)
		case !k.On(file[i].Node, file[i].Path):
			return fmt.Sprintf("brick %d is %s:%s in the cluster file and %s in the volume", k.Number+1, file[i].Node, file[i].Path, k)
		case k.Arbiter != file[i].Arbiter:
			return fmt.Sprintf("brick %d, %s, is an arbiter in the cluster file or in the volume, and not in both", k.Number+1, k)
		}
	}
	last := file[len(have)]
	return fmt.Sprintf("%s:%s of the cluster file is not in this replica set of the volume, which has %d bricks", last.Node, last.Path, len(have))
}
