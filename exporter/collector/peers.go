package collector

import (
	"context"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

func peers() Collector {
	nodes := gauge("pool_nodes", "Nodes of the trusted pool as this one sees it, itself included.")
	connected := gauge("peer_connected", "Whether this node's glusterd is connected to the peer's.", "peer")
	member := gauge("peer_in_cluster", "Whether this node holds the peer for a full member (state \"Peer in Cluster\"); 0 also where one rejected the other.", "peer")
	info := gauge("peer_info", "The peer's identity, and its state in GlusterFS's words. Always 1.", "peer", "uuid", "state")
	return Collector{
		Name: "peers", Help: "the trusted pool as this node sees it", Cost: "one call of glusterd",
		Metrics: []*Metric{nodes, connected, member, info},
		collect: func(_ context.Context, s *node.Scrape, to sink) error {
			if _, _, server, err := s.Server(); !server || err != nil {
				return err
			}
			peers, err := s.Peers()
			if err != nil {
				return err
			}
			to.set(nodes, float64(len(peers)))
			for _, p := range peers {
				if p.Local || len(p.Names) == 0 {
					continue
				}
				name := p.Names[0]
				to.is(connected, p.Connected, name)
				to.is(member, p.State == gluster.PeerInCluster, name)
				to.set(info, 1, name, p.UUID, p.State.String())
			}
			return nil
		},
	}
}
