package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/change"
	"brickyard/setup/powerloss"
	"brickyard/setup/resync"
)

// Runner watches this node's bricks until each is complete and serves.
type Runner struct {
	Observe func(context.Context) ([]actual.Local, error)
	Run     func(context.Context, gluster.Command) error
	Waiting func(ctx context.Context, volume string) ([]string, error) // what waits to be healed
	// Executor makes the changes, a round in each of its turns; nil makes them with nobody else around. Held is told who changes
	// this node meanwhile.
	Executor *change.Executor
	Held     func(who string, since time.Duration)
	// EndSelfHeal ends the self-heal daemon of this node; it heals nothing that the next one would not.
	EndSelfHeal func(context.Context) error
	Joining     func() bool // glusterds that just connected must be left alone
	Log         *slog.Logger
	Status      func(string) // one line for systemctl status
	Journal     string       // path of the journal
	Pause       time.Duration
	Now         func() time.Time
	// Lost says what this machine has lost that recovery rests on, in words; "" where nothing. Nil where nobody looks.
	Lost    func() string
	Started func() time.Time // when this node's glusterd started; nil for long ago
	// Reason says what the logs have on a brick that was started then and does not run, in words; nil for nothing.
	Reason func(path string, since time.Time) string
	// Compare compares a brick that is withheld with those of its set that serve
	// and has what differs healed; progress is told how many names it compared.
	Compare func(ctx context.Context, l actual.Local, sources []int, progress func(entries int64)) (resync.Result, error)

	said    map[string]Decision // what was last logged, by brick
	started map[string]*starts  // in vain, by brick
	heard   map[string]int      // Set.Starts at the last look, by volume
	own     map[string]bool     // the next start that is heard of is this node's own, by volume
	refused map[string]*refusal // by brick
	// repeated is when a brick was last started again.
	repeated time.Time
	wrote    time.Time // when the journal was
	since    map[string]time.Time
	held     map[string]time.Time       // since when a decision is held back, by brick
	heals    map[string]*heal           // what waits to be healed, by brick
	half     map[string]nameless        // half made names that keep directories from being healed, by brick
	alone    map[string]*unservedVolume // that no self-heal daemon serves the volume, by brick
	hushed   time.Time                  // since when changes wait for nodes that just connected
	helped   bool                       // the self-heal daemons were told to look
	emptied  []Emptied
	jobs     map[string]*comparison // by brick
	past     []Resynced
	unclean  []powerloss.Unclean
	news     bool              // the journal is behind
	mute     bool              // it cannot be written
	lost     string            // what was said to be lost
	unmoved  map[string]string // the words that were last to be moved, by volume
	ignored  map[string]string // what was said to lie beside a brick and not to be believed, by brick
}

// ErrPerson says that a brick waits for a person.
var ErrPerson = errors.New("a person must decide")

const (
	// settleTime is how long nothing may wait to be healed before a refill counts
	// as complete: between two looks of the self-heal daemon new entries may appear.
	settleTime = 2 * time.Second
	// startTime is how long glusterd, which starts its bricks one after the
	// other, may take before this program asks it to.
	startTime = 3 * time.Second
	// idleTime is how long the number of entries that wait to be healed may stay
	// as it is before the self-heal daemons are told to look: by themselves they
	// do when a brick connects, and then every ten minutes.
	idleTime = 5 * time.Second
)

// heal is the progress of the heals of a replica set.
type heal struct {
	left int       // fewest entries that were seen waiting
	at   time.Time // when that was, or when the daemons were last told to look
	// asked is how often they were told to look since there was any progress.
	asked int
}

// Recover returns nil when every brick of this node is complete and serves, an
// error that wraps ErrPerson when nothing is left but what a person must
// decide, or the context's error with what it waited for.
func (r *Runner) Recover(ctx context.Context) error {
	r.said, r.since, r.held, r.heals = map[string]Decision{}, map[string]time.Time{}, map[string]time.Time{}, map[string]*heal{}
	r.alone, r.half = map[string]*unservedVolume{}, map[string]nameless{}
	r.started, r.heard, r.own, r.refused = map[string]*starts{}, map[string]int{}, map[string]bool{}, map[string]*refusal{}
	r.news, r.helped = true, false
	old, err := ReadJournal(r.Journal)
	if err != nil {
		r.Log.Warn("the record of former recoveries is lost", "error", err)
	}
	r.emptied, r.past, r.unclean = old.Emptied, old.Resynced, old.Unclean
	r.jobs, r.ignored = map[string]*comparison{}, map[string]string{}
	for _, b := range old.Bricks {
		r.ignored[b.Volume+" "+b.Path] = b.Ignored // a former run has said it
		if b.Starts > 0 {
			r.started[b.Volume+" "+b.Path] = &starts{times: b.Starts, last: b.Started}
		}
		if b.Heals > 0 && !b.Told.After(r.Now()) { // else the clock was set back since, and nobody knows how long ago it was
			r.heals[b.Volume+" "+b.Path] = &heal{left: b.Left, at: b.Told, asked: b.Heals}
		}
	}
	defer r.abandon()
	pause := r.Pause
	for {
		var acted, waiting, person []string
		var filling bool
		err := r.Executor.Turn(ctx, r.Held, func() (err error) {
			acted, filling, waiting, person, err = r.round(ctx)
			return err
		})
		switch {
		case err != nil:
			return err
		case len(acted) > 0:
			pause = r.Pause
		case len(waiting) == 0 && len(person) == 0 && r.unsteady():
			pause = min(max(pause, r.Pause)*5/4, 5*r.Pause)
		case len(waiting) == 0 && len(person) == 0 && (len(r.heals)+len(r.alone) == 0 || r.helped && len(r.half) == 0):
			return nil
		case len(waiting) == 0 && len(person) == 0:
			// Complete, and something waits to be healed all the same, which is what
			// ordinary writes look like for a moment.
			pause = r.Pause
		case len(waiting) == 0:
			return fmt.Errorf("%w: %s", ErrPerson, strings.Join(person, "; "))
		case filling:
			// Its source may die, and then what it holds must not be shown.
			pause = r.Pause / 2
		default:
			pause = min(max(pause, r.Pause)*5/4, 5*r.Pause)
		}
		words := strings.Join(slices.Concat(waiting, person, acted), "; ")
		switch {
		case words == "" && r.unsteady():
			words = "complete; a brick that ended again and again is watched"
		case words == "":
			words = "complete; entries wait to be healed"
		}
		r.Status(words)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w while %s", context.Cause(ctx), words)
		case <-time.After(pause):
		}
	}
}

// round looks once and does one thing about each brick that needs one.
// acted says what was done, filling that one of them is being filled or about to start.
func (r *Runner) round(ctx context.Context) (acted []string, filling bool, waiting, person []string, err error) {
	r.look()
	locals, err := r.Observe(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, false, nil, nil, context.Cause(ctx)
		}
		return nil, false, []string{sanitize(err.Error())}, nil, nil
	}
	decided := make([]Decision, len(locals))
	for i, l := range locals {
		decided[i] = r.settle(l, Decide(l.Set, l.Own))
	}
	r.overheard(locals, decided)
	r.move(ctx, locals)
	actor := &Actor{Run: r.change, Proc: "/proc", Now: r.Now, Emptied: r.recordEmptied}
	for i, l := range locals {
		say, d := r.paced(l, decided[i])
		say = r.undecided(l, say)
		r.say(l, say)
		if d.changesVolume() && r.joining() {
			waiting = append(waiting, fmt.Sprintf("volume %s, brick %s: %s, once the nodes that just connected know of each other's volumes", l.Set.Volume, l.Brick().Path, d.Reason))
			filling = true
			continue
		}
		compared, err := r.compare(ctx, l, d)
		if err == nil {
			err = r.help(ctx, l, d)
		}
		where := fmt.Sprintf("volume %s, brick %s: %s", l.Set.Volume, l.Brick().Path, say.Reason)
		switch {
		case err != nil:
		case d.Settled():
			continue
		case d.Action == Stop:
			person = append(person, where)
			continue
		case d.Action == Resync && !compared:
			filling = true
			waiting = append(waiting, where+r.jobs[key(l)].words())
			continue
		case d.Waiting():
			filling = filling || d.Action == Healing
			waiting = append(waiting, where)
			continue
		case r.refused[key(l)].hopeless(r.Now(), d.Action, surroundings(l), r.Pause):
			waiting = append(waiting, where+r.refused[key(l)].words)
			continue
		default:
			err = r.act(ctx, actor, l, d)
			r.answered(l, d, err)
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil, filling, nil, nil, context.Cause(ctx)
			}
			// Whatever GlusterFS says now, it may say otherwise when the world has moved on.
			r.Log.Warn("not yet", "volume", l.Set.Volume, "brick", l.Brick().Path, "action", string(d.Action), "error", sanitize(err.Error()))
			waiting = append(waiting, where+" ("+sanitize(err.Error())+")")
			continue
		}
		switch d.Action {
		case Accept:
			r.accepted(l)
		case Start:
			r.told(l.Set.Volume, locals, decided)
		default:
		}
		r.own[l.Set.Volume] = r.own[l.Set.Volume] || d.changesVolume()
		acted = append(acted, where)
	}
	r.write(locals)
	return acted, filling, waiting, person, nil
}

// act does what was decided about a brick, as a change that is logged.
func (r *Runner) act(ctx context.Context, a *Actor, l actual.Local, d Decision) error {
	return errors.Unwrap(r.Executor.Make(ctx, change.Change{
		Part: change.Pool, Object: "brick " + l.Brick().Path + " of volume " + l.Set.Volume, Code: "recover", Action: string(d.Action), Why: d.Reason,
		Do: func(ctx context.Context) error { return a.Act(ctx, l, d) },
	}).Err)
}

// settle holds back the end of a refill until it was seen complete for a
// while, and the start of a process until glusterd had the time to do it.
func (r *Runner) settle(l actual.Local, d Decision) Decision {
	k := key(l)
	var long time.Duration
	var meanwhile Decision
	switch {
	case d.Action == Finish && (l.Brick().Mark || l.Brick().Published.Doubted()):
		long, meanwhile = settleTime, Decision{Healing, "the refill looks complete; looking again"}
	case d.Action == Start && r.started[k] == nil:
		long, meanwhile = startTime, Decision{Healing, startsItself}
	default:
		delete(r.held, k)
		return d
	}
	first, seen := r.held[k]
	if !seen {
		first = r.Now()
		r.held[k] = first
	}
	if r.Now().Sub(first) < long {
		return meanwhile
	}
	return d
}

// patience is how long changes wait, all in all, for nodes that come and go.
const patience = 30 * time.Second

// joining reports whether changes of volumes must wait for nodes that just connected.
func (r *Runner) joining() bool {
	if r.Joining == nil || !r.Joining() {
		r.hushed = time.Time{}
		return false
	}
	if r.hushed.IsZero() {
		r.hushed = r.Now()
	}
	return r.Now().Sub(r.hushed) < patience
}

// change lets a change that has begun come to its end when this program is told
// to stop, as at a shutdown: systemd stops glusterd next, and a glusterd that is
// stopped in the middle of a reset-brick has removed the brick from its store
// and not written it back. It does not start again, ever (10.3: "Unable to restore
// volume"). The commands have a limit of their own.
func (r *Runner) change(ctx context.Context, cmd gluster.Command) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return r.Run(context.WithoutCancel(ctx), cmd)
}

func key(l actual.Local) string { return l.Set.Volume + " " + l.Brick().Path }

// say logs a decision when it is another than before.
func (r *Runner) say(l actual.Local, d Decision) {
	k := key(l)
	if r.lost != "" && !d.Settled() {
		d.Reason += "; " + r.lost
	}
	if words := l.Brick().Ignored; words != r.ignored[k] {
		if r.ignored[k], r.news = words, true; words != "" {
			r.Log.Warn("a file beside a brick is not root's: it is ignored", "volume", l.Set.Volume, "brick", l.Brick().Path, "file", words)
		}
	}
	before, said := r.said[k]
	if said && before == d {
		return
	}
	r.said[k], r.news = d, true
	if before.Action != d.Action {
		r.since[k] = r.Now()
	}
	if !said && d.Settled() {
		return // nothing happened
	}
	level := slog.LevelInfo
	switch d.Action {
	case Stop, Rebuild, Empty, TakeOffline, TellSuspect, Accept:
		level = slog.LevelWarn
	default:
	}
	//nolint:sloglint // the reason is a sentence for persons, one of few
	r.Log.Log(context.Background(), level, d.Reason, "volume", l.Set.Volume, "brick", l.Brick().Path, "action", string(d.Action))
}

// recordEmptied leaves word before contents are thrown away. Where it cannot be
// written, as on a full disk, the system's journal has it, and write tries again.
func (r *Runner) recordEmptied(e Emptied) {
	r.emptied, r.news = append(r.emptied, e), true
	r.Log.Warn("the contents of a brick are thrown away", "volume", e.Volume, "brick", e.Brick, "reason", e.Reason)
	old, err := ReadJournal(r.Journal)
	if err != nil {
		old = Journal{}
	}
	old.Emptied, old.Resynced, old.Updated = r.emptied, r.past, r.Now()
	r.written(old.Write(r.Journal))
}

// written notes whether the journal could be written. A /var that is full or
// read-only must not keep a brick from coming back: who reads the journal has
// old news meanwhile, and is told why once.
func (r *Runner) written(err error) {
	if err != nil && !r.mute {
		r.Log.Warn("word of the recovery cannot be left, which goes on all the same: status and the exporter know less", "error", err)
	}
	r.mute = err != nil
}

// wordEvery is how old the journal's time may be while recover looks again and again.
const wordEvery = 15 * time.Second

// write leaves word of what is new, and now and then that this node still looks.
func (r *Runner) write(locals []actual.Local) {
	if !r.news && r.Now().Sub(r.wrote) < wordEvery {
		return
	}
	r.wrote = r.Now()
	// The guard adds to it, also while this runs: when a disk appears late.
	if old, err := ReadJournal(r.Journal); err == nil {
		r.unclean = old.Unclean
	}
	j := Journal{
		Updated: r.Now(), Bricks: []BrickJournal{}, Emptied: append([]Emptied{}, r.emptied...),
		Resynced: append([]Resynced{}, r.past...), Unclean: append([]powerloss.Unclean{}, r.unclean...),
	}
	for _, l := range locals {
		d := r.said[key(l)]
		vain, waits := starts{}, heal{}
		if s := r.started[key(l)]; s != nil {
			vain = *s
		}
		if h := r.heals[key(l)]; h != nil && h.asked > 0 {
			waits = *h
		}
		j.Bricks = append(j.Bricks, BrickJournal{
			Starts: vain.times, Started: vain.last, Heals: waits.asked, Told: waits.at, Left: waits.left,
			Volume: l.Set.Volume, Set: l.Set.Index + 1, Path: l.Brick().Path,
			Action: d.Action, Reason: d.Reason, Since: r.since[key(l)],
			Suspect: l.Brick().Suspect(), Compared: r.jobs[key(l)].entries(), Ignored: l.Brick().Ignored,
		})
	}
	err := j.Write(r.Journal)
	r.written(err)
	r.news = err != nil
}
