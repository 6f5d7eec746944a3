package collector

import (
	"math"

	"brickyard/gluster"
)

// sum is a counter that goes on where what it counts began anew.
type sum struct{ before, last float64 }

// add takes the present count. anew says that it began at 0 since the last one.
func (s *sum) add(now float64, anew bool) {
	if anew {
		s.before, s.last = s.before+s.last, 0
	}
	// Without a new beginning a count falls only where GlusterFS updates a mean without a lock: it catches up.
	s.last = max(s.last, now)
}

func (s *sum) value() float64 { return s.before + s.last }

// brickTotals are the counters of a brick since the exporter first saw it: they go on when the brick's process is restarted, and
// when somebody clears its counts.
type brickTotals struct {
	lasted        uint64 // seconds that the process had counted for
	read, written sum
	readSizes     map[uint64]*sum
	writeSizes    map[uint64]*sum
	fops          map[string]*fopTotals
}

type fopTotals struct {
	hits, seconds sum
	timed         bool // latencies were measured at least once
}

func newTotals() *brickTotals {
	return &brickTotals{readSizes: map[uint64]*sum{}, writeSizes: map[uint64]*sum{}, fops: map[string]*fopTotals{}}
}

// add takes the present counts of the brick's process, with the length in seconds of the unit of its latencies.
func (t *brickTotals) add(p gluster.Profile, unit float64) {
	anew := t.fell(p)
	t.lasted = p.Seconds
	t.read.add(float64(p.BytesRead), anew)
	t.written.add(float64(p.BytesWritten), anew)
	addSizes(t.readSizes, p.ReadSizes, anew)
	addSizes(t.writeSizes, p.WriteSizes, anew)
	counted := map[string]gluster.FOP{}
	for _, f := range p.FOPs {
		counted[f.Name] = f
		if t.fops[f.Name] == nil {
			t.fops[f.Name] = &fopTotals{}
		}
	}
	for name, f := range t.fops {
		now := counted[name]
		f.hits.add(float64(now.Hits), anew)
		f.seconds.add(float64(now.Hits)*now.AverageLatency*unit, anew)
		f.timed = f.timed || now.AverageLatency > 0
	}
}

// fell reports whether the brick began to count anew: nothing that it counts falls otherwise.
func (t *brickTotals) fell(p gluster.Profile) bool {
	if p.Seconds < t.lasted || float64(p.BytesRead) < t.read.last || float64(p.BytesWritten) < t.written.last {
		return true
	}
	for _, f := range p.FOPs {
		if had := t.fops[f.Name]; had != nil && float64(f.Hits) < had.hits.last {
			return true
		}
	}
	return false
}

func addSizes(totals map[uint64]*sum, now map[uint64]uint64, anew bool) {
	for size := range now {
		if totals[size] == nil {
			totals[size] = &sum{}
		}
	}
	for size, s := range totals {
		s.add(float64(now[size]), anew)
	}
}

// The bounds of the buckets of sizes are powers of two less one byte, from 511 bytes to 1 MiB: GlusterFS counts sizes from N to 2N-1 as N.
const (
	firstBound = 9
	lastBound  = 20
)

// sizeBuckets makes a histogram of the counts by size.
func sizeBuckets(sizes map[uint64]*sum) (count uint64, buckets map[float64]uint64) {
	buckets = make(map[float64]uint64, lastBound-firstBound+1)
	for power := firstBound; power <= lastBound; power++ {
		buckets[math.Ldexp(1, power)-1] = 0
	}
	for size, s := range sizes {
		n := uint64(s.value())
		count += n
		for bound := range buckets {
			if float64(size) <= bound {
				buckets[bound] += n
			}
		}
	}
	return count, buckets
}
