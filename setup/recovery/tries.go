package recovery

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
)

// A start of bricks is a transaction of the whole pool, with hooks on every node, and glusterd calls it a success when no brick
// came of it. So the first one comes at once; after one that did not help the next ones come later and later, and one node's
// counts for all.
const (
	// comingUp is how long a brick that was started may take to accept connections before the start counts as in vain.
	comingUp = 5 * time.Second
	// firstRepeat is the pause after the first start in vain. It doubles with each, up to lastRepeat.
	firstRepeat, lastRepeat = 15 * time.Second, 5 * time.Minute
	// enoughStarts is how many starts in vain show that a person is needed.
	enoughStarts = 4
	// lasting is how long at least a brick must serve before starts in vain are forgotten: it may end again at once.
	lasting = time.Minute
	// quiet is how long nobody else may have changed the volume before it is started again: whoever changes it goes on,
	// and one of two changes at once is refused. firstQuiet is how long that holds up the first start, mostQuiet any other.
	quiet, firstQuiet, mostQuiet = 10 * time.Second, time.Minute, 5 * time.Minute
	// heardLate is how long after it began a start may be heard of.
	heardLate = 10 * time.Second
	// stagger is how much later each further brick of a volume has it started again, so that one node comes first.
	stagger, mostStagger = 3 * time.Second, 30 * time.Second
)

// startsItself is what is said while a brick's process may still come up.
const startsItself = "waiting for glusterd to start the brick's process"

// starts is how often glusterd was told to start a brick in vain.
type starts struct {
	times int
	last  time.Time
	why   string // what the logs said since, for persons; "" while nobody looked
	down  bool   // at the last look
}

// repeat is the pause after so many starts in vain.
func repeat(times int) time.Duration {
	return min(firstRepeat<<min(max(times-1, 0), 10), lastRepeat)
}

// due is when a brick is to be started again: number is that of the brick in its volume, repeated when any brick of this node
// was last started again.
func (s starts) due(number int, repeated time.Time) time.Time {
	pause := repeat(s.times)
	at := s.last.Add(pause + min(time.Duration(number)*stagger, mostStagger))
	if next := repeated.Add(pause); next.After(at) {
		return next
	}
	return at
}

// busy reports whether a start that was due then must wait, though not for longer than most, because a person is changing the volume.
func busy(now, due, changed time.Time, most time.Duration) bool {
	return now.Sub(changed) < quiet && now.Sub(due) < most
}

// paced is what there is to say about a brick and what to do: what did not help is not done again at once.
func (r *Runner) paced(l actual.Local, d Decision) (say, do Decision) {
	k, now := key(l), r.Now()
	s := r.started[k]
	if s != nil && (r.Started != nil && s.last.Before(r.Started()) || s.last.After(now)) {
		delete(r.started, k) // a glusterd that has started since begins anew; so does who set the clock back
		s = nil
	}
	if s == nil {
		if d.Action == Start && busy(now, r.held[k], l.Set.Changed, firstQuiet) {
			wait := Decision{Wait, "the brick's process does not run: it is started as soon as nobody else is changing the volume"}
			return wait, wait
		}
		return d, d
	}
	s.down = d.Action == Start
	switch {
	case !s.down:
		if l.Brick().Online && now.Sub(s.last) >= max(lasting, repeat(s.times)) {
			delete(r.started, k)
		}
		return d, d
	case now.Sub(s.last) < comingUp && s.times < enoughStarts:
		wait := Decision{Healing, startsItself}
		return wait, wait
	}
	wait := Decision{Wait, r.inVain(l, s)}
	say = wait
	if s.times >= enoughStarts {
		say.Action = Stop // and yet it goes on, since the cause may go away by itself
	}
	if due := s.due(l.Brick().Number, r.repeated); now.Before(due) || busy(now, due, l.Set.Changed, mostQuiet) {
		return say, wait
	}
	return say, d
}

// inVain says how often a brick was started in vain, and what is known of the reason.
func (r *Runner) inVain(l actual.Local, s *starts) string {
	path := l.Brick().Path
	if s.why == "" {
		s.why = "see " + glusterdLog + " and " + brickLog(path)
		if r.Reason != nil {
			s.why += r.Reason(path, s.last.Add(-heardLate))
		}
	}
	return fmt.Sprintf("glusterd was told %s to start the brick and it does not run: %s; it is told again every %s at most, and at once by gluster volume start %s force",
		times(s.times), s.why, lastRepeat, l.Set.Volume)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// told notes that glusterd was told to start the bricks of a volume.
func (r *Runner) told(volume string, locals []actual.Local, decided []Decision) {
	for i, l := range locals {
		if l.Set.Volume == volume && decided[i].Action == Start {
			r.startedAgain(key(l))
		}
	}
}

func (r *Runner) startedAgain(k string) {
	s := r.started[k]
	if s == nil {
		s = &starts{}
		r.started[k] = s
	} else {
		r.repeated = r.Now()
	}
	s.times, s.last, s.why = s.times+1, r.Now(), ""
}

// overheard counts starts that other nodes asked for as this node's own, of bricks that were down when they came.
func (r *Runner) overheard(locals []actual.Local, decided []Decision) {
	heard := map[string]int{}
	for i, l := range locals {
		v, k := l.Set.Volume, key(l)
		heard[v] = l.Set.Starts
		before, known := r.heard[v]
		if !known || heard[v] == before || r.own[v] {
			continue
		}
		s, first := r.started[k], decided[i].Action == Start || decided[i].Reason == startsItself
		if s != nil && s.down || s == nil && first && r.held[k].Before(r.Now()) {
			r.startedAgain(k)
		}
	}
	for v, n := range heard {
		if n != r.heard[v] {
			delete(r.own, v)
		}
	}
	r.heard = heard
}

// unsteady reports whether a brick that serves now was started in vain before, a short time ago: it may end again, and what
// others do about that is seen by who goes on looking only.
func (r *Runner) unsteady() bool {
	for _, s := range r.started {
		if s.times > 1 {
			return true
		}
	}
	return false
}

// refusal is that GlusterFS refused what was decided about a brick.
type refusal struct {
	action Action
	times  int // in a row
	last   time.Time
	world  string // what was known of the other bricks
	words  string
}

// mostRefused bounds the pause after a refusal, which doubles with each while nothing else changes.
const mostRefused = 2 * time.Minute

// hopeless reports whether an action was refused too short a time ago to be tried again.
func (f *refusal) hopeless(now time.Time, a Action, world string, pause time.Duration) bool {
	return f != nil && f.action == a && f.world == world && now.Sub(f.last) < min(pause<<min(f.times-1, 10), mostRefused)
}

// surroundings are what a node knows of the bricks of others: when it changes, what was refused may not be any longer.
func surroundings(l actual.Local) string {
	var words strings.Builder
	fmt.Fprint(&words, l.Set.Majority)
	for i, b := range l.Set.Bricks {
		if i != l.Own {
			fmt.Fprint(&words, " ", b.Online, b.Reachable, b.Deaf, b.Published)
		}
	}
	return words.String()
}

// answered notes what GlusterFS said to what was decided about a brick. That another transaction was under way is no refusal,
// but a start is what others may have asked for as well.
func (r *Runner) answered(l actual.Local, d Decision, err error) {
	k := key(l)
	f := r.refused[k]
	switch {
	case err == nil:
		delete(r.refused, k)
		return
	case errors.Is(err, gluster.ErrTransaction) && d.Action != Start:
		return
	case f == nil || f.action != d.Action || f.world != surroundings(l):
		f = &refusal{action: d.Action, world: surroundings(l)}
		r.refused[k] = f
	}
	f.times, f.last, f.words = f.times+1, r.Now(), " ("+sanitize(err.Error())+")"
}
