package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"brickyard/gluster"
)

// Runner watches this node's bricks until each is complete and serves.
type Runner struct {
	Observe func(context.Context) ([]Local, error)
	Run     func(context.Context, gluster.Command) error
	Log     *slog.Logger
	Status  func(string) // one line for systemctl status
	Journal string       // path of the journal
	Pause   time.Duration
	Now     func() time.Time

	said    map[string]Decision // what was last logged, by brick
	since   map[string]time.Time
	healed  map[string]time.Time // when the brick was first seen healed
	emptied []Emptied
	news    bool // the journal is behind
}

// ErrPerson says that a brick waits for a person.
var ErrPerson = errors.New("a person must decide")

// settleTime is how long nothing may wait to be healed before a refill counts
// as complete: between two looks of the self-heal daemon new entries may appear.
const settleTime = 2 * time.Second

// Recover returns nil when every brick of this node is complete and serves, an
// error that wraps ErrPerson when nothing is left but what a person must
// decide, or the context's error with what it waited for.
func (r *Runner) Recover(ctx context.Context) error {
	r.said, r.since, r.healed = map[string]Decision{}, map[string]time.Time{}, map[string]time.Time{}
	r.news = true
	old, err := ReadJournal(r.Journal)
	if err != nil {
		r.Log.Warn("the record of former recoveries is lost", "error", err)
	}
	r.emptied = old.Emptied
	pause := r.Pause
	for {
		acted, waiting, person, err := r.round(ctx)
		switch {
		case err != nil:
			return err
		case acted:
			pause = r.Pause
		case len(waiting) == 0 && len(person) == 0:
			return nil
		case len(waiting) == 0:
			return fmt.Errorf("%w: %s", ErrPerson, strings.Join(person, "; "))
		default:
			pause = min(pause*5/4, 5*r.Pause)
		}
		words := strings.Join(append(waiting, person...), "; ")
		r.Status(words)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w while %s", context.Cause(ctx), words)
		case <-time.After(pause):
		}
	}
}

// round looks once and does one thing about each brick that needs one.
func (r *Runner) round(ctx context.Context) (acted bool, waiting, person []string, err error) {
	locals, err := r.Observe(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return false, nil, nil, context.Cause(ctx)
		}
		return false, []string{sanitize(err.Error())}, nil, nil
	}
	actor := &Actor{Run: r.Run, Proc: "/proc", Now: r.Now, Emptied: r.recordEmptied}
	for _, l := range locals {
		d := r.settle(l, Decide(l.Set, l.Own))
		r.say(l, d)
		where := fmt.Sprintf("volume %s, brick %s: %s", l.Set.Volume, l.Set.Bricks[l.Own].Path, d.Reason)
		switch {
		case d.Settled():
			continue
		case d.Action == Stop:
			person = append(person, where)
			continue
		case d.Waiting():
			waiting = append(waiting, where)
			continue
		}
		if err := actor.Act(ctx, l, d); err != nil {
			if ctx.Err() != nil {
				return acted, nil, nil, context.Cause(ctx)
			}
			// Whatever GlusterFS says now, it may say otherwise when the world has moved on.
			r.Log.Warn("not yet", "volume", l.Set.Volume, "brick", l.Set.Bricks[l.Own].Path, "action", string(d.Action), "error", sanitize(err.Error()))
			waiting = append(waiting, where+" ("+sanitize(err.Error())+")")
			continue
		}
		acted = true
	}
	return acted, waiting, person, r.write(locals)
}

// settle holds back the end of a refill until it was seen complete for a while.
func (r *Runner) settle(l Local, d Decision) Decision {
	k := key(l)
	if d.Action != Finish || !l.Set.Bricks[l.Own].Mark {
		delete(r.healed, k)
		return d
	}
	first, seen := r.healed[k]
	if !seen {
		first = r.Now()
		r.healed[k] = first
	}
	if r.Now().Sub(first) < settleTime {
		return Decision{Healing, "the refill looks complete; looking again"}
	}
	return d
}

func key(l Local) string { return l.Set.Volume + " " + l.Set.Bricks[l.Own].Path }

// say logs a decision when it is another than before.
func (r *Runner) say(l Local, d Decision) {
	k := key(l)
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
	case Stop, Rebuild, Empty, TakeOffline:
		level = slog.LevelWarn
	default:
	}
	r.Log.Log(context.Background(), level, d.Reason, "volume", l.Set.Volume, "brick", l.Set.Bricks[l.Own].Path, "action", string(d.Action))
}

func (r *Runner) recordEmptied(e Emptied) error {
	r.emptied = append(r.emptied, e)
	old, err := ReadJournal(r.Journal)
	if err != nil {
		old = Journal{}
	}
	old.Emptied, old.Updated = r.emptied, r.Now()
	return old.Write(r.Journal)
}

func (r *Runner) write(locals []Local) error {
	if !r.news {
		return nil
	}
	j := Journal{Updated: r.Now(), Bricks: []BrickJournal{}, Emptied: append([]Emptied{}, r.emptied...)}
	for _, l := range locals {
		d := r.said[key(l)]
		j.Bricks = append(j.Bricks, BrickJournal{
			Volume: l.Set.Volume, Set: l.Set.Index + 1, Path: l.Set.Bricks[l.Own].Path,
			Action: d.Action, Reason: d.Reason, Since: r.since[key(l)],
		})
	}
	if err := j.Write(r.Journal); err != nil {
		return fmt.Errorf("leave word of the recovery: %w", err)
	}
	r.news = false
	return nil
}
