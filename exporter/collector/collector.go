// Package collector turns what a node knows into metrics: one file a collector.
//
// A collector is a name, its metrics and one function that asks a node.Scrape and sends what it found; with an error it has sent what it could.
// Set runs those that are switched on, all at once, and reports the success, the duration and the errors of each.
package collector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

// Collector is one group of metrics.
type Collector struct {
	// Name is what flags and labels call it.
	Name string
	// Help says what it is for, in a few words.
	Help string
	// Cost says what a scrape of it asks of whom.
	Cost string
	// Off says that it must be switched on.
	Off bool
	// Metrics are all that it may send.
	Metrics []*Metric

	collect func(ctx context.Context, s *node.Scrape, to sink) error
}

// Options are what some collectors need to know.
type Options struct {
	// Waiting is the directory in which mounts that wait for a heal leave word.
	Waiting string
	// Recovery is the file in which gluster-setup recover leaves word.
	Recovery string
	// Check is the file in which gluster-setup check leaves its results.
	Check string
	// ClusterFile is where gluster-setup apply notes which cluster file this node applied last.
	ClusterFile string
	// Fstab and MountInfo say which mounts should be and which are there.
	Fstab, MountInfo string
	// TLS are the directories in which builds of GlusterFS look for their certificates.
	TLS []string
	// HealInfo asks with the gluster program; HealInfoInterval is how long its answer for a volume is kept.
	HealInfo         func(ctx context.Context, volume string) ([]gluster.HealSummary, error)
	HealInfoInterval time.Duration
}

// All returns the collectors in the order of the documentation.
func All(o Options) []Collector {
	return []Collector{
		peers(), volumes(), config(), bricks(), sets(), heal(), healInfo(o.HealInfo, o.HealInfoInterval), io(),
		processes(), mounts(o.Fstab, o.MountInfo, o.Waiting), tls(o.TLS), rebalance(), georep(), recovery(o.Recovery), check(o.Check), clusterFile(o.ClusterFile),
	}
}

// The classes of errors.
const (
	classTimeout    = "timeout"     // no answer before the end of the scrape
	classNotRunning = "not_running" // nobody listens
	classRefused    = "refused"     // GlusterFS, or the system, said no
	classParse      = "parse"       // the answer could not be understood
	classOther      = "other"
)

var classes = []string{classTimeout, classNotRunning, classRefused, classParse, classOther} //nolint:gochecknoglobals // a constant list

// classOf sorts an error in.
func classOf(err error) string {
	switch {
	case errors.Is(err, gluster.ErrTimeout), errors.Is(err, context.DeadlineExceeded), errors.Is(err, node.ErrStuck):
		return classTimeout
	case errors.Is(err, gluster.ErrNotRunning):
		return classNotRunning
	case errors.Is(err, gluster.ErrMalformed):
		return classParse
	case errors.Is(err, gluster.ErrRefused), errors.Is(err, gluster.ErrNoSuchVolume), errors.Is(err, gluster.ErrTransaction), errors.Is(err, fs.ErrPermission):
		return classRefused
	default:
		return classOther
	}
}

// Set runs collectors over one node. It lives as long as the exporter.
type Set struct {
	node       *node.Node
	collectors []Collector
	log        *slog.Logger
	meta       meta

	mu     sync.Mutex
	errors map[[2]string]uint64 // by collector and class
	shown  bool                 // whether a scrape has shown them
}

// meta are the metrics about collecting.
type meta struct{ up, server, success, duration, errors *Metric }

// Own returns the metrics about the node and about collecting itself.
func Own() []*Metric {
	m := newMeta()
	return []*Metric{m.up, m.server, m.success, m.duration, m.errors}
}

func newMeta() meta {
	return meta{
		up:       gauge("up", "Whether this node's glusterd answers on its unix socket."),
		server:   gauge("server", "Whether glusterd ever ran on this machine, so that it should run: 0 on machines that only mount volumes."),
		success:  gauge("exporter_collector_success", "Whether a collector found everything it looked for in this scrape.", "collector"),
		duration: gauge("exporter_collector_duration_seconds", "How long a collector took in this scrape.", "collector"),
		errors:   counter("exporter_collector_errors_total", "Scrapes in which a collector met an error, by the class of the first: timeout, not_running, refused, parse or other. Those of the exporter's first scrape are counted from the second on, so that each begins at 0.", "collector", "class"),
	}
}

// NewSet returns a Set of collectors.
func NewSet(n *node.Node, collectors []Collector, log *slog.Logger) *Set {
	return &Set{node: n, collectors: collectors, log: log, meta: newMeta(), errors: map[[2]string]uint64{}}
}

// Scrape returns the gatherer of one scrape, with the collectors of these names. It asks nobody any more when the context ends.
func (s *Set) Scrape(ctx context.Context, names []string) prometheus.Gatherer {
	r := &scrape{set: s, ctx: ctx}
	for _, c := range s.collectors {
		if slices.Contains(names, c.Name) {
			r.collectors = append(r.collectors, c)
		}
	}
	return r
}

// Names are those of the collectors that are switched on.
func (s *Set) Names() []string {
	var names []string
	for _, c := range s.collectors {
		names = append(names, c.Name)
	}
	return names
}

type scrape struct {
	set        *Set
	ctx        context.Context //nolint:containedctx // a prometheus.Gatherer is given none
	collectors []Collector
}

// Gather runs all collectors at once.
func (r *scrape) Gather() ([]*dto.MetricFamily, error) {
	set, to := r.set, newSink()
	facts := set.node.Scrape(r.ctx)
	_, err := set.node.Glusterd.UUID(r.ctx)
	to.is(set.meta.up, err == nil)
	_, _, server, serr := set.node.Server()
	to.is(set.meta.server, server || serr != nil || err == nil)
	var wg sync.WaitGroup
	for _, c := range r.collectors {
		wg.Go(func() { set.run(r.ctx, c, facts, to) })
	}
	wg.Wait()
	set.mu.Lock()
	for _, c := range set.collectors {
		for _, class := range classes {
			count := set.errors[[2]string{c.Name, class}]
			if !set.shown {
				// Born at 0, whatever the first scrape met: increase() sees no step where there was no sample before.
				count = 0
			}
			to.set(set.meta.errors, float64(count), c.Name, class)
		}
	}
	set.shown = true
	set.mu.Unlock()
	return to.sorted()
}

func (s *Set) run(ctx context.Context, c Collector, facts *node.Scrape, to sink) {
	began := time.Now()
	err := safely(ctx, c, facts, to)
	to.set(s.meta.duration, time.Since(began).Seconds(), c.Name)
	to.is(s.meta.success, err == nil, c.Name)
	if err == nil {
		return
	}
	class := classOf(err)
	s.mu.Lock()
	s.errors[[2]string{c.Name, class}]++
	s.mu.Unlock()
	level := slog.LevelWarn
	if class == classNotRunning {
		level = slog.LevelDebug // gluster_up says so
	}
	s.log.Log(ctx, level, "Collector met an error", "collector", c.Name, "class", class, "err", err)
}

// safely makes an error of a panic: the other collectors have something to say.
func safely(ctx context.Context, c Collector, facts *node.Scrape, to sink) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("bug: %v\n%s", r, debug.Stack())
		}
	}()
	return c.collect(ctx, facts, to)
}
