package collector

import (
	"context"
	"errors"
	"sync"
	"time"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

// healInfo asks GlusterFS's own program, which looks at every entry: seconds for ten thousand. So it runs beside the scrapes.
type healInfoMetrics struct {
	pending, split, healing, counted, when *Metric

	ask      func(ctx context.Context, volume string) ([]gluster.HealSummary, error)
	interval time.Duration

	mu    sync.Mutex
	known map[string]*healAnswer
	busy  bool
}

type healAnswer struct {
	asked, answered time.Time
	bricks          []gluster.HealSummary
	err             error
}

func healInfo(ask func(ctx context.Context, volume string) ([]gluster.HealSummary, error), interval time.Duration) Collector {
	m := &healInfoMetrics{
		pending: gauge("heal_info_pending_entries", "Entries that wait to be healed according to the brick, counted by `gluster volume heal VOLUME info summary`.", brickLabels...),
		split:   gauge("heal_info_split_brain_entries", "Entries in split-brain, counted by the same.", brickLabels...),
		healing: gauge("heal_info_possibly_healing_entries", "Entries with a write or a heal under way, counted by the same.", brickLabels...),
		counted: gauge("heal_info_counted", "Whether the brick could be asked; 0 where it is away, and then its numbers are absent.", brickLabels...),
		when:    gauge("heal_info_timestamp_seconds", "When the answer came, in seconds since 1970.", "volume"),
		ask:     ask, interval: interval, known: map[string]*healAnswer{},
	}
	return Collector{
		Name: "heal-info", Off: true,
		Help:    "exact counts of what waits to be healed, and of split-brain",
		Cost:    "starts the gluster program, for one volume at a time and each at most once in --collector.heal-info.interval: some 0.1 s of processor time, and 1 ms for each entry on each node",
		Metrics: []*Metric{m.pending, m.split, m.healing, m.counted, m.when},
		collect: m.collect,
	}
}

func (m *healInfoMetrics) collect(ctx context.Context, s *node.Scrape, to sink) error {
	all, err := s.Bricks()
	m.mu.Lock()
	defer m.mu.Unlock()
	errs := []error{err}
	current := map[string]*healAnswer{}
	for _, v := range healable(all) {
		a := m.known[v.Name]
		if a == nil {
			a = &healAnswer{}
		}
		current[v.Name] = a
		if !m.busy && time.Since(a.asked) >= m.interval {
			m.busy, a.asked = true, time.Now()
			go m.run(context.WithoutCancel(ctx), v.Name, a)
		}
		errs = append(errs, a.err)
		if a.answered.IsZero() {
			continue
		}
		to.set(m.when, float64(a.answered.UnixMilli())/1000, v.Name)
		for _, b := range a.bricks {
			to.is(m.counted, b.Counted, v.Name, b.Brick)
			if b.Counted {
				to.set(m.pending, float64(b.Pending), v.Name, b.Brick)
				to.set(m.split, float64(b.SplitBrain), v.Name, b.Brick)
				to.set(m.healing, float64(b.Healing), v.Name, b.Brick)
			}
		}
	}
	m.known = current
	return errors.Join(errs...)
}

// healInfoPatience bounds one run of the program.
const healInfoPatience = 10 * time.Minute

// run outlives the scrape that began it.
func (m *healInfoMetrics) run(ctx context.Context, volume string, a *healAnswer) {
	ctx, cancel := context.WithTimeout(ctx, healInfoPatience)
	defer cancel()
	bricks, err := m.ask(ctx, volume)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy, a.err = false, err
	if err == nil {
		a.bricks, a.answered = bricks, time.Now()
	}
}
