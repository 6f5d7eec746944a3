package collector

import (
	"context"
	"errors"
	"fmt"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

type healMetrics struct {
	pending, dirty, entries *Metric
	daemon                  *Metric
	healed, split, failed   *Metric
	running                 *Metric
}

func heal() Collector {
	set := []string{"volume", "brick"}
	m := healMetrics{
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
		Name: "heal", Help: "what waits to be healed, split-brain, and who heals", Cost: "six system calls a brick (a listing of its index once a minute), one call of a self-heal daemon for each replicated volume with a brick here",
		Metrics: []*Metric{m.pending, m.dirty, m.entries, m.daemon, m.healed, m.split, m.failed, m.running},
		collect: m.collect,
	}
}

func (m *healMetrics) collect(ctx context.Context, s *node.Scrape, to sink) error {
	all, err := s.Bricks()
	errs := []error{err}
	errs = append(errs, eachBrick(all, func(b node.Brick) error {
		if b.Volume.Replica < 2 && b.Volume.Disperse == 0 {
			return nil // nothing to heal from
		}
		d, err := s.Disk(ctx, b)
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
	for _, v := range healable(all) {
		errs = append(errs, m.volume(ctx, s, v, processes.SelfHeal, to))
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

// volume asks the daemons in turn; before GlusterFS 7, and since with one for several volumes, the first may not be the one.
func (m *healMetrics) volume(ctx context.Context, s *node.Scrape, v *node.Volume, daemons []gluster.SelfHealProcess, to sink) error {
	sets := v.ReplicaSets()
	err := error(&gluster.Error{Kind: gluster.ErrNotRunning})
	var crawls []gluster.Crawl
	for _, d := range daemons {
		if crawls, err = s.Client(d.Socket).Crawls(ctx, v.Name, len(sets)); err == nil {
			break
		}
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
