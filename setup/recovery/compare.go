package recovery

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"brickyard/setup/actual"
	"brickyard/setup/powerloss"
	"brickyard/setup/resync"
)

// comparison is the work of comparing a suspect brick with a complete one. It
// may take long, and other bricks do not wait for it.
type comparison struct {
	sources []int
	with    []string // what is noted of them where it comes to its end
	began   time.Time
	seen    atomic.Int64
	told    time.Time // when the journal last had its progress
	cancel  context.CancelFunc
	ended   chan struct{} // closed at its end
	result  resync.Result
	failure error
}

// words is its progress.
func (c *comparison) words() string {
	if c == nil || c.seen.Load() == 0 {
		return ""
	}
	return fmt.Sprintf(": %d names compared", c.seen.Load())
}

func (c *comparison) entries() int64 {
	if c == nil {
		return 0
	}
	return c.seen.Load()
}

// tellEvery is how often the journal has the progress of a comparison.
const tellEvery = 10 * time.Second

// compare sees to it that a brick is being compared while that is what was
// decided, and reports whether that came to its end.
func (r *Runner) compare(ctx context.Context, l actual.Local, d Decision) (done bool, err error) {
	k := key(l)
	c := r.jobs[k]
	// An arbiter alone proves nothing, but it can note what this brick lacks.
	sources := l.Set.Others(l.Own, func(o actual.Brick) bool { return o.Serves() && !o.GivenUp })
	switch {
	case c != nil && (d.Action != Resync || !slices.Equal(c.sources, sources)):
		c.end()
		delete(r.jobs, k)
		return false, nil
	case d.Action != Resync:
		return false, nil
	case c == nil:
		r.jobs[k] = r.begin(ctx, l, sources)
		return false, nil
	}
	select {
	case <-c.ended:
	default:
		if r.Now().Sub(c.told) > tellEvery {
			c.told, r.news = r.Now(), true
		}
		return false, nil
	}
	if c.failure == nil {
		// Without this record it would have to be compared again after a reboot, as it then is.
		if err := powerloss.SetCompared(l.Brick().Path, c.with); err != nil {
			return false, fmt.Errorf("note with whom the brick was compared: %w", err)
		}
	}
	delete(r.jobs, k)
	if c.failure != nil {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		r.Log.Warn("the comparison did not come to its end, it begins again", "volume", l.Set.Volume, "brick", l.Brick().Path, "error", sanitize(c.failure.Error()))
		return false, nil
	}
	r.record(l, c)
	return true, nil
}

func (r *Runner) begin(ctx context.Context, l actual.Local, sources []int) *comparison {
	ctx, cancel := context.WithCancel(ctx)
	c := &comparison{sources: sources, began: r.Now(), told: r.Now(), cancel: cancel, ended: make(chan struct{})}
	for _, i := range sources {
		c.with = append(c.with, l.Set.Bricks[i].Comparison())
	}
	go func() {
		defer close(c.ended)
		c.result, c.failure = r.Compare(ctx, l, sources, c.seen.Store)
	}()
	return c
}

// end stops it and waits for that.
func (c *comparison) end() {
	c.cancel()
	<-c.ended
}

// abandon stops all comparisons.
func (r *Runner) abandon() {
	for _, c := range r.jobs {
		c.end()
	}
}

// record keeps what a comparison came to, and says it.
func (r *Runner) record(l actual.Local, c *comparison) {
	unproven := slices.ContainsFunc(c.sources, func(i int) bool { return l.Set.Bricks[i].Published == actual.Unproven })
	e := Resynced{
		Volume: l.Set.Volume, Set: l.Set.Index + 1, Path: l.Brick().Path, Source: l.Set.List(c.sources), Unproven: unproven,
		Started: c.began, Duration: r.Now().Sub(c.began).Round(time.Millisecond).Seconds(), Result: c.result,
	}
	r.past, r.news = append(r.past, e), true
	log := r.Log.Info
	if e.TakenOut+e.Copied+e.Undecided > 0 {
		log = r.Log.Warn
	}
	log("compared after a power cut: what differed is healed, what only this brick had is kept aside", "volume", e.Volume, "brick", e.Path, "with", e.Source,
		"entries", e.Entries, "marked", e.Marked, "taken_out", e.TakenOut, "copied", e.Copied, "undecided", e.Undecided, "aside", e.Aside)
}

// undecided adds to what is said of a brick that is healed after a power cut that the comparison left names as they were: behind one
// that a disk cannot read GlusterFS heals no other of the same directory (afr_selfheal_entry_do_subvol, afr-self-heal-entry.c, 10.3).
func (r *Runner) undecided(l actual.Local, say Decision) Decision {
	own := l.Brick()
	if say.Action != Healing || l.Set.Healed || !own.Suspect() {
		return say
	}
	for _, e := range slices.Backward(r.past) {
		if e.Volume != l.Set.Volume || e.Path != own.Path {
			continue
		}
		if e.Undecided > 0 {
			say.Reason += fmt.Sprintf("; undecided names, of which there are %d (\"listed\" in %s), may keep others of their directories from being healed: repair the file system that cannot read them",
				e.Undecided, r.Journal)
		}
		break
	}
	return say
}

// accepted keeps that a brick serves without a comparison.
func (r *Runner) accepted(l actual.Local) {
	e := Resynced{Volume: l.Set.Volume, Set: l.Set.Index + 1, Path: l.Brick().Path, Unproven: true, Started: r.Now()}
	e.Listed = []string{}
	r.past, r.news = append(r.past, e), true
}
