package collector

import (
	"context"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

func volumes() Collector {
	info := gauge("volume_info", "The volume's identity and layout. Always 1.", "volume", "id", "type", "transport", "status")
	started := gauge("volume_started", "Whether the volume is started. A volume that is stopped on purpose is 0, one that was deleted is gone.", "volume")
	count := gauge("volume_bricks", "Bricks that the volume is configured with, arbiters included.", "volume")
	sets := gauge("volume_subvolumes", "Replica (or disperse) sets over which files are distributed.", "volume")
	replica := gauge("volume_replicas", "Bricks of each replica set, arbiters included; 1 where nothing is replicated.", "volume")
	arbiters := gauge("volume_arbiters", "Arbiters of each replica set.", "volume")
	snapshots := gauge("volume_snapshots", "Snapshots of the volume.", "volume")
	profiling := gauge("volume_profiling", "Whether bricks count and time file operations: options diagnostics.count-fop-hits and diagnostics.latency-measurement.", "volume")
	healing := gauge("volume_self_heal_enabled", "Whether the options let self-heal daemons work on the volume: cluster.self-heal-daemon.", "volume")
	return Collector{
		Name: "volumes", Help: "what the pool knows about its volumes", Cost: "one call of glusterd, and one for each volume that changed",
		Metrics: []*Metric{info, started, count, sets, replica, arbiters, snapshots, profiling, healing},
		collect: func(_ context.Context, s *node.Scrape, to sink) error {
			if _, _, server, err := s.Server(); !server || err != nil {
				return err
			}
			volumes, err := s.Volumes()
			for _, v := range volumes {
				to.set(info, 1, v.Name, v.ID, v.Type.String(), v.Transport, v.Status.String())
				to.is(started, v.Status == gluster.Started, v.Name)
				to.set(count, float64(len(v.Bricks)), v.Name)
				to.set(sets, float64(len(v.ReplicaSets())), v.Name)
				to.set(replica, float64(max(1, v.Replica)), v.Name)
				to.set(arbiters, float64(v.Arbiter), v.Name)
				to.set(snapshots, float64(v.Snapshots), v.Name)
				to.is(profiling, on(v.Options["diagnostics.count-fop-hits"]) && on(v.Options["diagnostics.latency-measurement"]), v.Name)
				to.is(healing, v.SelfHealDaemon(), v.Name)
			}
			return err
		},
	}
}

// on reads an option that is off where nobody set it (gf_string2boolean, libglusterfs).
func on(value string) bool {
	switch value {
	case "1", "on", "yes", "true", "enable":
		return true
	default:
		return false
	}
}
