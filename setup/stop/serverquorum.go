package stop

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

// serverQuorum says which volumes would lose bricks on other nodes too if this
// node stopped: with server quorum glusterd ends its bricks where it is
// connected to too few nodes of the pool (does_gd_meet_server_quorum,
// xlators/mgmt/glusterd/src/glusterd-server-quorum.c, 10.3), wherever the replica
// sets lie. stopping reports whether a peer was allowed to stop already. It is pure.
func serverQuorum(peers []gluster.Peer, volumes []gluster.Volume, stopping func(gluster.Peer) bool) []string {
	active, left := 0, 0
	for _, p := range peers {
		if !p.Local && (!p.Connected || p.State != gluster.PeerInCluster) {
			continue
		}
		active++
		if !p.Local && !stopping(p) {
			left++
		}
	}
	var reasons []string
	for _, v := range volumes {
		if v.Status != gluster.Started || !strings.EqualFold(v.Options["cluster.server-quorum-type"], "server") {
			continue
		}
		if need := needed(len(peers), v.Options["cluster.server-quorum-ratio"]); active >= need && left < need {
			reasons = append(reasons, fmt.Sprintf("volume %s: without this node %d of the pool's %d nodes are left and server quorum needs %d: glusterd would end the bricks on those that are left",
				v.Name, left, len(peers), need))
		}
	}
	return reasons
}

// needed is how many nodes make a quorum: more than half of them, or the part
// that cluster.server-quorum-ratio says, rounded up.
func needed(nodes int, ratio string) int {
	percent, err := strconv.ParseFloat(strings.TrimSuffix(ratio, "%"), 64)
	if err != nil {
		return nodes/2 + 1
	}
	return int(math.Ceil(float64(nodes) * percent / 100))
}

// claimed reports whether a peer has left word in any volume that it may stop.
func (g *Gate) claimed(volumes []gluster.Volume) func(gluster.Peer) bool {
	return func(p gluster.Peer) bool {
		node := ""
		if i := slices.IndexFunc(g.Pool.Servers, func(s desired.Server) bool { return s.Name != g.Node && s.Is(p.Names) }); i >= 0 {
			node = g.Pool.Servers[i].Name
		}
		return !p.Local && slices.ContainsFunc(volumes, func(v gluster.Volume) bool {
			_, ok := claim(v, g.Pool, p.UUID, node)
			return ok
		})
	}
}
