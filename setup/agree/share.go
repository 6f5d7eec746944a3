package agree

import (
	"slices"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/desired"
)

// few is about how many volumes a server is asked of which it has no brick.
const few = 20

// Share says about which of its volumes each server is asked, so that the questions of a look grow with the volumes and with the
// servers, and not with their product. seen is what this node's glusterd, or the one that was asked in its place, says. It is pure.
//
//   - A server is asked about all of which it has a brick, and about those that nobody here knows.
//   - About others it is asked only for a few, which are different ones on every node. Where there are no more than that, as in
//     most pools, that is all. A server that is behind with one of those sees it itself in any case: it asks all that have a
//     brick of it.
//   - This node is asked about everything, and so is a server that the pool rejects: what it has differently must show.
func Share(servers []desired.Server, node string, seen actual.Node) actual.About {
	together := Together(servers, node, seen.Peers)
	bricks, known := bricksOf(servers, seen)
	place := max(0, slices.IndexFunc(servers, func(s desired.Server) bool { return s.Name == node }))
	return func(server string, has []string) []string {
		if server == node || !slices.Contains(together, server) {
			return has
		}
		var asked, others []string
		for _, volume := range slices.Sorted(slices.Values(has)) {
			if bricks[server][volume] || !known[volume] {
				asked = append(asked, volume)
			} else {
				others = append(others, volume)
			}
		}
		for i := range min(few, len(others)) {
			asked = append(asked, others[(place*few+i)%len(others)])
		}
		return asked
	}
}

// bricksOf are the volumes of which each server has a brick, as far as that is known, and all volumes.
func bricksOf(servers []desired.Server, seen actual.Node) (bricks map[string]map[string]bool, known map[string]bool) {
	names := map[string][]string{} // of a peer, by its UUID
	for _, p := range seen.Peers {
		names[p.UUID] = p.Names
	}
	of := func(b gluster.Brick) string {
		called := append([]string{b.Host}, names[b.PeerUUID]...)
		if i := slices.IndexFunc(servers, func(s desired.Server) bool { return s.Is(called) }); i >= 0 {
			return servers[i].Name
		}
		return ""
	}
	bricks, known = map[string]map[string]bool{}, map[string]bool{}
	for _, v := range seen.Volumes {
		known[v.Name] = true
		for _, b := range v.Bricks {
			server := of(b)
			if bricks[server] == nil {
				bricks[server] = map[string]bool{}
			}
			bricks[server][v.Name] = true
		}
	}
	return bricks, known
}
