package collector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

type healMetrics struct {
	pending, dirty, entries *Metric
	daemon                  *Metric
	healed, split, failed   *Metric
	running                 *Metric

	mu   sync.Mutex
	last map[string]*crawled // by volume
}

// crawled is what a self-heal daemon last said of a volume.
type crawled struct {
	daemon gluster.SelfHealProcess
	crawls []gluster.Crawl
	again  int // scrapes that may still take it for true while nothing waits to be healed
}

// quietScrapes is how many scrapes in a row do not ask a self-heal daemon again that had nothing to tell, while no brick here knows of anything to
// heal: a crawl would find nothing. It is the dearest question of a scrape.
const quietScrapes = 3

func heal() Collector {
	set := []string{"volume", "brick"}
	m := &healMetrics{
		last:    map[string]*crawled{},
		pending: gauge("brick_heal_pending_entries", "Files and directories that this brick knows to be stale on other bricks of its set, from its own index.", set...),
		dirty:   gauge("brick_heal_dirty_entries", "Files with a write under way at this moment, or interrupted in the middle.", set...),
		entries: gauge("brick_heal_entry_changes", "Directories in which single names wait to be healed (granular entry heal).", set...),
		daemon:  gauge("self_heal_daemon_up", "Whether a self-heal daemon of this node serves the volume; of replicated volumes that have a brick here.", "volume"),
		healed:  gauge("heal_crawl_healed_entries", "Entries that the latest crawl of this node's self-heal daemon healed, of the brick's backlog.", set...),
		split:   gauge("heal_crawl_split_brain_entries", "Entries that the latest crawl found in split-brain: more than 0 is certain, the number is a lower bound. A crawl comes every cluster.heal-timeout, ten minutes unless set, and when a brick comes back.", set...),
		failed:  gauge("heal_crawl_failed_entries", "Entries that the latest crawl could not heal, as when their brick is away.", set...),
		running: gauge("heal_crawl_running", "Whether a crawl of the brick's backlog is under way.", set...),
	}
	return Collector{
		Name: "heal", Help: "what waits to be healed, split-brain, and who heals", Cost: "six system calls a brick (a listing of its index once a minute), one call of a self-heal daemon for each replicated volume with a brick here, in every fourth scrape while nothing waits to be healed",
		Metrics: []*Metric{m.pending, m.dirty, m.entries, m.daemon, m.healed, m.split, m.failed, m.running},
		collect: m.collect,
	}
}

func (m *healMetrics) collect(ctx context.Context, s *node.Scrape, to sink) error {
	all, err := s.Bricks()
	errs := []error{err}
	waiting := map[string]bool{} // volumes of which a brick here knows of something to heal, or does not answer
	var mu sync.Mutex
	errs = append(errs, eachBrick(all, func(b node.Brick) error {
		if b.Volume.Replica < 2 && b.Volume.Disperse == 0 {
			return nil // nothing to heal from
		}
		d, err := s.Disk(ctx, b)
		if err != nil || d.Backlog.Pending > 0 {
			mu.Lock()
			waiting[b.Volume.Name] = true
			mu.Unlock()
		}
		if err != nil {
			return err
		}
		v, name := b.Volume.Name, b.Name()
		to.set(m.pending, float64(d.Backlog.Pending), v, name)
		to.set(m.dirty, float64(d.Backlog.Dirty), v, name)
		to.set(m.entries, float64(d.Backlog.EntryChanges), v, name)
		return nil
	}))
	processes, err := s.Processes()
	errs = append(errs, err)
	volumes := healable(all)
	m.forget(volumes)
	for _, v := range volumes {
		errs = append(errs, m.volume(ctx, s, v, processes.SelfHeal, waiting[v.Name], to))
	}
	return errors.Join(errs...)
}

// healable are the started replicated volumes of these bricks.
func healable(all []node.Brick) (out []*node.Volume) {
	seen := map[string]bool{}
	for _, b := range all {
		if v := b.Volume; v.Replica > 1 && v.Status == gluster.Started && !seen[v.Name] {
			seen[v.Name] = true
			out = append(out, v)
		}
	}
	return out
}

func (m *healMetrics) volume(ctx context.Context, s *node.Scrape, v *node.Volume, daemons []gluster.SelfHealProcess, waiting bool, to sink) error {
	sets := v.ReplicaSets()
	crawls, known := m.remembered(v.Name, daemons, waiting)
	var err error
	if !known {
		crawls, err = m.ask(ctx, s, v.Name, len(sets), daemons)
	}
	to.is(m.daemon, err == nil, v.Name)
	if errors.Is(err, gluster.ErrNotRunning) || errors.Is(err, gluster.ErrRefused) {
		return nil // down is what was to be found out
	}
	if err != nil {
		return fmt.Errorf("self-heal daemon of volume %s: %w", v.Name, err)
	}
	for _, c := range crawls {
		if c.Set >= len(sets) || c.Brick >= len(sets[c.Set]) {
			continue
		}
		brick := sets[c.Set][c.Brick].String()
		to.set(m.healed, float64(c.Healed), v.Name, brick)
		to.set(m.split, float64(c.SplitBrain), v.Name, brick)
		to.set(m.failed, float64(c.Failed), v.Name, brick)
		to.is(m.running, c.Running, v.Name, brick)
	}
	return nil
}

func (m *healMetrics) ask(ctx context.Context, s *node.Scrape, volume string, sets int, daemons []gluster.SelfHealProcess) (crawls []gluster.Crawl, err error) {
	d, err := s.AskSelfHeal(volume, daemons, func(c *gluster.BrickClient) (err error) {
		crawls, err = c.Crawls(ctx, volume, sets)
		return err
	})
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last[volume] = &crawled{daemon: d, crawls: crawls, again: quietScrapes}
	return crawls, nil
}

// remembered is what was last said of a volume, where that must still be so: nothing waits to be healed, and the same daemon had found nothing.
func (m *healMetrics) remembered(volume string, daemons []gluster.SelfHealProcess, waiting bool) ([]gluster.Crawl, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.last[volume]
	news := func(c gluster.Crawl) bool { return c.Running || c.SplitBrain > 0 || c.Failed > 0 }
	if waiting || l == nil || l.again == 0 || !slices.Contains(daemons, l.daemon) || slices.ContainsFunc(l.crawls, news) {
		delete(m.last, volume)
		return nil, false
	}
	l.again--
	return l.crawls, true
}

// forget drops what was said of volumes that are gone.
func (m *healMetrics) forget(volumes []*node.Volume) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.last, func(volume string, _ *crawled) bool {
		return !slices.ContainsFunc(volumes, func(v *node.Volume) bool { return v.Name == volume })
	})
}
