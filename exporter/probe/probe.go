// Package probe measures what a mounted GlusterFS volume does for its users: it writes, syncs, reads back, checks, renames
// and removes a file at an interval on every probed mount, and measures how long a change of one node takes to be seen by
// the others. A child process per mount makes every call on the mount, so that a mount that hangs never hangs the exporter.
//
// On the volume there is one directory, .gluster_exporter, with files that carry their node's name. A node removes only its
// own; the directory goes with the last of them. All exporters that probe a volume must run as the same user. Nothing is
// held open between two calls, so that a mount can be unmounted; one that is busy for the milliseconds of a probe is tried again.
package probe

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"brickyard/exporter/mounttable"
)

// ChildArgument is the first argument with which a program is started that is to call ChildMain.
const ChildArgument = "probe-child"

// What Config's zero values mean.
const (
	DefaultInterval = 15 * time.Second
	DefaultTimeout  = 5 * time.Second
)

// Config says what is probed and how. Zero values have defaults.
type Config struct {
	// Mounts are the mount points, absolute and without symbolic links. Their volumes are found in the mount table.
	Mounts []string
	// Interval lies between the starts of two probes of a mount. Default DefaultInterval.
	Interval time.Duration
	// Timeout is how long one operation of a probe may take; afterwards the mount counts as stuck. Default DefaultTimeout.
	Timeout time.Duration
	// Sizes of the files that are written, in bytes. Default 1,000,000 and 4,096.
	Sizes []int
	// Node is the name of this node, which no other one that probes the same volume has. Default is the host name.
	Node string
	// Peers are the names of the nodes that probe the same volumes, and may have this one's among them: of other nodes
	// no beacon is looked at. Default: any that could be a host's, and at most 64 of them.
	Peers []string
	// MountInfo is the mount table. Default /proc/self/mountinfo.
	MountInfo string
	// Fstab names the volume of a mount that is not there yet. Default /etc/fstab.
	Fstab string
	// Executable is the program that calls ChildMain when it is started with ChildArgument. Default /proc/self/exe.
	Executable string
}

func (c Config) withDefaults() Config {
	mounts := make([]string, 0, len(c.Mounts))
	for _, m := range c.Mounts {
		if m = filepath.Clean(m); !slices.Contains(mounts, m) {
			mounts = append(mounts, m)
		}
	}
	c.Mounts = mounts
	c.Interval = cmp.Or(c.Interval, DefaultInterval)
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	if len(c.Sizes) == 0 {
		c.Sizes = []int{1_000_000, 4096}
	}
	if c.Node == "" {
		if name, err := os.Hostname(); err == nil {
			c.Node = name
		}
		c.Node = cmp.Or(c.Node, "localhost")
	}
	c.MountInfo = cmp.Or(c.MountInfo, "/proc/self/mountinfo")
	c.Fstab = cmp.Or(c.Fstab, "/etc/fstab")
	c.Executable = cmp.Or(c.Executable, "/proc/self/exe")
	return c
}

// Prober probes mounts and is the prometheus.Collector of what it found.
type Prober struct {
	config  Config
	log     *slog.Logger
	metrics *metrics
	targets []*target
}

// New makes a prober, which does nothing until Run.
func New(config Config, log *slog.Logger) *Prober {
	p := &Prober{config: config.withDefaults(), log: log, metrics: newMetrics()}
	expected, err := mounttable.Expected(p.config.Fstab)
	if err != nil {
		log.Warn("volumes of mounts that are not there yet are unknown", "err", err)
	}
	for _, path := range p.config.Mounts {
		t := newTarget(p.config, path, p.metrics, log.With("mountpoint", path))
		if source, ok := expected[path]; ok {
			t.state.setVolume(source.Volume)
		}
		p.targets = append(p.targets, t)
	}
	return p
}

// Run probes until ctx ends, and returns when all children have removed their files and are gone. A child that the kernel
// does not let die, since its mount has a request and never answers, is killed and waited for only for killPatience.
func (p *Prober) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, t := range p.targets {
		all.Go(func() { t.run(ctx) })
	}
	all.Wait()
}
