package desired

import (
	"strconv"
	"strings"

	"brickyard/setup/cluster"
)

// Quorum is a volume's client quorum: which bricks of a replica set must be up
// for it to be written (cluster.quorum-type and cluster.quorum-count; afr.c,
// GlusterFS 10.3). The zero value is no quorum: one brick is enough.
type Quorum struct {
	Auto  bool // more than half of the bricks, or exactly half with the first among them
	Fixed int  // this many; 0 where it is not fixed
}

func quorumOf(options []cluster.Option) Quorum {
	kind, count := "", 0
	for _, o := range options {
		switch o.Name {
		case "cluster.quorum-type":
			kind = strings.ToLower(o.Value)
		case "cluster.quorum-count":
			if n, err := strconv.Atoi(o.Value); err == nil {
				count = n
			}
		}
	}
	switch kind {
	case "auto":
		return Quorum{Auto: true}
	case "fixed":
		return Quorum{Fixed: count}
	default:
		return Quorum{}
	}
}

// Met reports whether a replica set can be written with these bricks up, in
// the order of the set.
func (q Quorum) Met(up []bool) bool {
	n := 0
	for _, u := range up {
		if u {
			n++
		}
	}
	switch {
	case !q.Auto:
		return n >= max(q.Fixed, 1)
	case 2*n == len(up):
		return up[0]
	default:
		return 2*n > len(up)
	}
}
