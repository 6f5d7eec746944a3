package gluster

import (
	"strconv"
	"strings"
)

// Quorum is a volume's client quorum: which bricks of a replica set must be up
// for it to be written (cluster.quorum-type and cluster.quorum-count; afr.c,
// GlusterFS 10.3). The zero value is no quorum: one brick is enough.
type Quorum struct {
	Auto  bool // more than half of the bricks, or exactly half with the first among them
	Fixed int  // this many; 0 where it is not fixed
}

// QuorumOf reads the options of a volume with so many bricks in a replica set. Where nobody chose, sets of three and more have
// auto, others none (fix_quorum_options, xlators/cluster/afr/src/afr.c, 10.3).
func QuorumOf(options map[string]string, replica int) Quorum {
	kind := strings.ToLower(options["cluster.quorum-type"])
	switch {
	case kind == "auto", kind == "" && replica > 2:
		return Quorum{Auto: true}
	case kind == "fixed":
		count, _ := strconv.Atoi(options["cluster.quorum-count"]) //nolint:errcheck // GlusterFS takes numbers only
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
