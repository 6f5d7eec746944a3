package main

import (
	"time"

	"brickyard/exporter/collector"
)

// CollectorFlags switch collectors on and off: --collector.NAME and --no-collector.NAME.
type CollectorFlags struct {
	Peers     bool `default:"true" negatable:"" help:"Export the trusted pool as this node sees it."`
	Volumes   bool `default:"true" negatable:"" help:"Export what the pool knows about its volumes."`
	Config    bool `default:"true" negatable:"" help:"Export versions and checksums by which nodes that differ show."`
	Bricks    bool `default:"true" negatable:"" help:"Export this node's bricks and the file systems below them."`
	Sets      bool `default:"true" negatable:"" help:"Export the redundancy left of replica sets, and quorum."`
	Heal      bool `default:"true" negatable:"" help:"Export what waits to be healed, split-brain, and who heals."`
	IO        bool `name:"io" default:"true" negatable:"" help:"Export bytes, sizes and file operations of this node's bricks."`
	Processes bool `default:"true" negatable:"" help:"Export processor time, memory and descriptors of GlusterFS's processes."`
	Mounts    bool `default:"true" negatable:"" help:"Export which volumes should be mounted here, and are."`
	TLS       bool `name:"tls" default:"true" negatable:"" help:"Export when GlusterFS's certificates expire."`
	Rebalance bool `default:"true" negatable:"" help:"Export what rebalance came to on this node."`
	Georep    bool `default:"true" negatable:"" help:"Export geo-replication sessions of this node's bricks."`
	Recovery  bool `default:"true" negatable:"" help:"Export bricks that gluster-setup recover brings back, waits for, or emptied."`
	Check     bool `default:"true" negatable:"" help:"Export the last comparison of bricks by gluster-setup check."`
	File      bool `name:"cluster-file" default:"true" negatable:"" help:"Export which cluster file this node applied last."`

	HealInfo         bool          `negatable:"" help:"Export exact counts of what waits to be healed. Starts the gluster program, which looks at every entry."`
	HealInfoInterval time.Duration `name:"heal-info.interval" default:"10m" help:"How long such counts of a volume are kept."`
}

// chosen are the collectors that are switched on.
func (f CollectorFlags) chosen(o collector.Options) []collector.Collector {
	on := map[string]bool{
		"peers": f.Peers, "volumes": f.Volumes, "config": f.Config, "bricks": f.Bricks, "sets": f.Sets, "heal": f.Heal, "io": f.IO,
		"processes": f.Processes, "mounts": f.Mounts, "tls": f.TLS, "rebalance": f.Rebalance, "georep": f.Georep, "recovery": f.Recovery, "check": f.Check, "cluster-file": f.File, "heal-info": f.HealInfo,
	}
	var out []collector.Collector
	for _, c := range collector.All(o) {
		if on[c.Name] {
			out = append(out, c)
		}
	}
	return out
}
