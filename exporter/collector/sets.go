package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

type setMetrics struct {
	bricks, data, online, dataOnline, known, writable, spare *Metric
	server, active                                           *Metric
}

func sets() Collector {
	set := []string{"volume", "subvolume"}
	m := setMetrics{
		bricks:     gauge("subvolume_bricks", "Bricks of the replica set, arbiters included.", set...),
		data:       gauge("subvolume_data_bricks", "Bricks of the replica set that hold contents: complete copies when all is well.", set...),
		online:     gauge("subvolume_bricks_online", "Bricks of the replica set that this node's self-heal daemon, a client like any other, is connected to.", set...),
		dataOnline: gauge("subvolume_data_bricks_online", "The same, without arbiters.", set...),
		known:      gauge("subvolume_known", "Whether a self-heal daemon of this node could be asked which bricks it is connected to; where it is 0, bricks of other nodes count as online while their node is connected.", set...),
		writable:   gauge("subvolume_writable", "Whether the bricks online are enough to write: client quorum (cluster.quorum-type), and one brick with contents.", set...),
		spare:      gauge("subvolume_failures_tolerated", "How many more bricks may fail, whichever they are, before the replica set cannot be written: 0 says that the next failure may be an outage.", set...),
		server:     gauge("volume_server_quorum", "Whether server quorum is asked for (cluster.server-quorum-type): without it bricks go on when their node is cut off.", "volume"),
		active:     gauge("volume_server_quorum_met", "Whether enough nodes of the pool are connected to this one for its bricks to go on; 1 where server quorum is not asked for.", "volume"),
	}
	return Collector{
		Name: "sets", Help: "replica sets: redundancy left, and quorum", Cost: "one call of a self-heal daemon for each replicated volume with a brick here, which has it count the index of all bricks of its sets",
		Metrics: []*Metric{m.bricks, m.data, m.online, m.dataOnline, m.known, m.writable, m.spare, m.server, m.active},
		collect: m.collect,
	}
}

func (m *setMetrics) collect(ctx context.Context, s *node.Scrape, to sink) error {
	all, err := s.Bricks()
	processes, perr := s.Processes()
	peers, peerErr := s.Peers()
	if len(all) == 0 {
		return err
	}
	errs := []error{err, perr, peerErr}
	connected := map[string]bool{}
	for _, p := range peers {
		connected[strings.ToLower(p.UUID)] = p.Local || p.Connected
	}
	for _, v := range healable(all) {
		if peerErr == nil {
			m.serverQuorum(v, peers, to)
		}
		own := map[int]bool{}
		running := map[string]bool{}
		for _, b := range all {
			if b.Volume.Name == v.Name {
				own[b.Set] = true
				running[b.Name()] = b.Process != nil
			}
		}
		online, err := seen(ctx, s, v, processes.SelfHeal)
		errs = append(errs, err)
		for i, bricks := range v.ReplicaSets() {
			if !own[i] {
				continue
			}
			up, known := online[i]
			if !known {
				for _, b := range bricks {
					here, local := running[b.String()]
					up = append(up, local && here || !local && connected[strings.ToLower(b.PeerUUID)])
				}
			}
			m.set(v, i, bricks, up, known, to)
		}
	}
	return errors.Join(errs...)
}

// seen asks a self-heal daemon which bricks of each set it is connected to. A set that it does not know is missing.
func seen(ctx context.Context, s *node.Scrape, v *node.Volume, daemons []gluster.SelfHealProcess) (map[int][]bool, error) {
	sets := v.ReplicaSets()
	var heals []gluster.PendingHeal
	_, err := s.AskSelfHeal(v.Name, daemons, func(c *gluster.BrickClient) (err error) {
		heals, err = c.PendingHeals(ctx, v.Name, len(sets))
		return err
	})
	if errors.Is(err, gluster.ErrRefused) || errors.Is(err, gluster.ErrNotRunning) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("self-heal daemon of volume %s: %w", v.Name, err)
	}
	out := map[int][]bool{}
	for _, h := range heals {
		if h.Set < len(sets) && h.Brick < len(sets[h.Set]) {
			if out[h.Set] == nil {
				out[h.Set] = make([]bool, len(sets[h.Set]))
			}
			out[h.Set][h.Brick] = h.Status == ""
		}
	}
	return out, nil
}

func (m *setMetrics) set(v *node.Volume, index int, bricks []gluster.Brick, up []bool, known bool, to sink) {
	var online, data, dataOnline int
	for i, b := range bricks {
		if up[i] {
			online++
		}
		if !b.Arbiter {
			data++
			if up[i] {
				dataOnline++
			}
		}
	}
	name := subvolume(v.Volume, index)
	to.set(m.bricks, float64(len(bricks)), v.Name, name)
	to.set(m.data, float64(data), v.Name, name)
	to.set(m.online, float64(online), v.Name, name)
	to.set(m.dataOnline, float64(dataOnline), v.Name, name)
	to.is(m.known, known, v.Name, name)
	q := gluster.QuorumOf(v.Options, v.Replica)
	to.is(m.writable, writable(q, bricks, up), v.Name, name)
	to.set(m.spare, float64(tolerated(q, bricks, up)), v.Name, name)
}

// writable reports whether a set can be written with these bricks up.
func writable(q gluster.Quorum, bricks []gluster.Brick, up []bool) bool {
	data := false
	for i, b := range bricks {
		data = data || up[i] && !b.Arbiter
	}
	return data && q.Met(up)
}

// tolerated is the number of bricks that may fail, whichever they are, while the set can still be written. More bricks
// are never worse than fewer, so the worst failures are those of all bricks with contents, or of the first brick, which
// has the casting vote, and any others.
func tolerated(q gluster.Quorum, bricks []gluster.Brick, up []bool) int {
	left, data := slices.Clone(up), 0
	for i, b := range bricks {
		if up[i] && !b.Arbiter {
			data++
		}
	}
	if data == 0 || !q.Met(left) {
		return 0
	}
	failed := 0
	for i := range left {
		if !left[i] {
			continue
		}
		left[i] = false
		if failed+1 == data || !q.Met(left) {
			return failed
		}
		failed++
	}
	return failed
}

// serverQuorum computes what glusterd does (does_gd_meet_server_quorum, xlators/mgmt/glusterd/src/glusterd-server-quorum.c, 10.3): more
// than half of the pool's nodes, or the ratio of cluster.server-quorum-ratio, rounded up.
func (m *setMetrics) serverQuorum(v *node.Volume, peers []gluster.Peer, to sink) {
	asked := strings.EqualFold(v.Options["cluster.server-quorum-type"], "server")
	active := 0
	for _, p := range peers {
		if p.Local || p.Connected && p.State == gluster.PeerInCluster {
			active++
		}
	}
	need := len(peers)/2 + 1
	if ratio, err := strconv.ParseFloat(strings.TrimSuffix(v.Options["cluster.server-quorum-ratio"], "%"), 64); err == nil {
		need = int(float64(len(peers))*ratio/100 + 0.999999)
	}
	to.is(m.server, asked, v.Name)
	to.is(m.active, !asked || active >= need, v.Name)
}
