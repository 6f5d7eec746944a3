package collector

import (
	"context"
	"errors"
	"fmt"

	"brickyard/exporter/node"
)

func config() Collector {
	info := gauge("info", "The version of GlusterFS that this node's glusterd runs, and the node's identity in the pool. Always 1.", "version", "uuid")
	level := gauge("operating_version", "The level of features that the pool uses (operating-version), such as 100000 for GlusterFS 10.")
	checksum := gauge("volume_config_checksum", "Checksum of what this node knows of the volume. Nodes whose numbers differ at the same version reject each other.", "volume")
	version := gauge("volume_config_version", "How often the volume was changed, as this node knows.", "volume")
	return Collector{
		Name: "config", Help: "versions and checksums by which nodes that differ show", Cost: "two small files for each volume that changed",
		Metrics: []*Metric{info, level, checksum, version},
		collect: func(_ context.Context, s *node.Scrape, to sink) error {
			uuid, opVersion, server, err := s.Server()
			if err == nil {
				err = s.Elsewhere(uuid)
			}
			if !server || err != nil {
				return err
			}
			to.set(level, float64(opVersion))
			processes, err := s.Processes()
			running := ""
			for _, pid := range processes.Glusterd {
				running = s.Version(pid)
			}
			to.set(info, 1, running, uuid)
			volumes, verr := s.Volumes()
			errs := []error{err, verr}
			for _, v := range volumes {
				if v.Unstamped != nil {
					errs = append(errs, fmt.Errorf("volume %s: %w", v.Name, v.Unstamped))
					continue
				}
				to.set(checksum, float64(v.Stamps.Checksum), v.Name)
				to.set(version, float64(v.Stamps.Version), v.Name)
			}
			return errors.Join(errs...)
		},
	}
}
