package collector

import (
	"context"
	"errors"
	"io/fs"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

func rebalance() Collector {
	running := gauge("rebalance_running", "Whether this node's part of a rebalance, or of a removal of bricks, is under way.", "volume")
	failed := gauge("rebalance_failed", "Whether this node's part of the last rebalance failed as a whole.", "volume")
	files := gauge("rebalance_moved_files", "Files that this node's part of the last rebalance moved. GlusterFS notes the numbers when the process ends or somebody asks for the status.", "volume")
	bytes := gauge("rebalance_moved_bytes", "Bytes that it moved.", "volume")
	scanned := gauge("rebalance_scanned_files", "Files that it looked at.", "volume")
	failures := gauge("rebalance_failures", "Files that it could not move.", "volume")
	skipped := gauge("rebalance_skipped_files", "Files that it left where they are, as for want of room.", "volume")
	seconds := gauge("rebalance_duration_seconds", "How long it ran.", "volume")
	return Collector{
		Name: "rebalance", Help: "what rebalance and removal of bricks came to on this node", Cost: "one small file for each volume of several replica sets with a brick here",
		Metrics: []*Metric{running, failed, files, bytes, scanned, failures, skipped, seconds},
		collect: func(_ context.Context, s *node.Scrape, to sink) error {
			all, err := s.Bricks()
			errs := []error{err}
			seen := map[string]bool{}
			for _, b := range all {
				v := b.Volume
				if seen[v.Name] || len(v.ReplicaSets()) < 2 {
					continue
				}
				seen[v.Name] = true
				r, err := s.Store.Rebalance(v.Name)
				if errors.Is(err, fs.ErrNotExist) {
					continue // deleted since
				}
				if err != nil {
					errs = append(errs, err)
					continue
				}
				to.is(running, r.State == gluster.RebalanceRunning, v.Name)
				to.is(failed, r.State == gluster.RebalanceFailed, v.Name)
				to.set(files, float64(r.Files), v.Name)
				to.set(bytes, float64(r.Bytes), v.Name)
				to.set(scanned, float64(r.Scanned), v.Name)
				to.set(failures, float64(r.Failures), v.Name)
				to.set(skipped, float64(r.Skipped), v.Name)
				to.set(seconds, r.Seconds, v.Name)
			}
			return errors.Join(errs...)
		},
	}
}
