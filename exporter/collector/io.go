package collector

import (
	"context"
	"errors"
	"sync"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

type ioMetrics struct {
	read, written         *Metric
	readSizes, writeSizes *Metric
	fops, seconds         *Metric

	mu     sync.Mutex
	totals map[string]*brickTotals // by volume and brick
}

func io() Collector {
	m := &ioMetrics{
		read:       counter("brick_read_bytes_total", "Bytes that were read from the brick.", brickLabels...),
		written:    counter("brick_written_bytes_total", "Bytes that were written to the brick.", brickLabels...),
		readSizes:  histogram("brick_read_size_bytes", "Reads from the brick by size. The brick counts sizes rounded down to a power of two; a bucket's bound is the largest size that it counts there.", brickLabels...),
		writeSizes: histogram("brick_write_size_bytes", "Writes to the brick by size; see gluster_brick_read_size_bytes.", brickLabels...),
		fops:       counter("brick_fops_total", "File operations on the brick, by GlusterFS's name (volume profile). All of them only while profiling is on.", "volume", "brick", "fop"),
		seconds:    counter("brick_fop_seconds_total", "Time that the brick spent in file operations, by GlusterFS's name: only while profiling is on. Divide its rate by that of gluster_brick_fops_total for the mean.", "volume", "brick", "fop"),
		totals:     map[string]*brickTotals{},
	}
	return Collector{
		Name: "io", Help: "bytes, sizes and file operations of the bricks of this node", Cost: "one call of each brick's process",
		Metrics: []*Metric{m.read, m.written, m.readSizes, m.writeSizes, m.fops, m.seconds},
		collect: m.collect,
	}
}

func (m *ioMetrics) collect(ctx context.Context, s *node.Scrape, to sink) error {
	all, err := s.Bricks()
	err = errors.Join(err, eachBrick(all, func(b node.Brick) error {
		if b.Process == nil {
			m.send(b, nil, 0, to)
			return nil
		}
		p, err := s.Client(b.Process.Socket).Profile(ctx, b.Path)
		if errors.Is(err, gluster.ErrNotRunning) || errors.Is(err, gluster.ErrRefused) {
			m.send(b, nil, 0, to) // it just went down: its counters stay where they are
			return nil
		}
		if err != nil {
			m.send(b, nil, 0, to)
			return err
		}
		unit, err := gluster.LatencyUnit(s.Version(b.Process.PID))
		m.send(b, &p, unit, to)
		return err
	}))
	m.forget(all)
	return err
}

// send sends the totals of a brick, after adding what its process counts now.
func (m *ioMetrics) send(b node.Brick, p *gluster.Profile, unit float64, to sink) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := b.Volume.ID + " " + b.Name()
	t := m.totals[key]
	if t == nil {
		t = newTotals()
		m.totals[key] = t
	}
	if p != nil {
		t.add(*p, unit)
	}
	v, name := b.Volume.Name, b.Name()
	to.set(m.read, t.read.value(), v, name)
	to.set(m.written, t.written.value(), v, name)
	count, buckets := sizeBuckets(t.readSizes)
	to.observe(m.readSizes, count, t.read.value(), buckets, v, name)
	count, buckets = sizeBuckets(t.writeSizes)
	to.observe(m.writeSizes, count, t.written.value(), buckets, v, name)
	for fop, c := range t.fops {
		to.set(m.fops, c.hits.value(), v, name, fop)
		if c.timed {
			to.set(m.seconds, c.seconds.value(), v, name, fop)
		}
	}
}

// forget drops bricks that are no longer of this node.
func (m *ioMetrics) forget(all []node.Brick) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keep := map[string]bool{}
	for _, b := range all {
		keep[b.Volume.ID+" "+b.Name()] = true
	}
	for key := range m.totals {
		if !keep[key] {
			delete(m.totals, key)
		}
	}
}
