package change

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Watcher is told what the Runner does, as it happens.
type Watcher interface {
	// Started is called before a change is made.
	Started(c Change)
	// Finished is called after a change was made or failed.
	Finished(r Result)
	// Waiting is called again and again while there is nothing to do but wait.
	Waiting(part Part, what []string, since time.Duration)
}

// Planner looks at one part of the world and says what is to be done.
type Planner interface {
	Part() Part
	Plan(ctx context.Context) (Plan, error)
}

// Runner makes the changes of plans until nothing is left to do.
type Runner struct {
	Executor
	Watcher Watcher
	Results []Result // every change made or tried, in order

	// Pause is how long to wait before looking again at a world that is not
	// ready, give or take a half; it grows to ten times as long.
	Pause time.Duration
	// LeaveOthers ends a part when all that is left begins with a change of
	// another node, instead of waiting for that node.
	LeaveOthers bool
	Left        []Change // what was left that way
	Aside       []error  // of changes that failed and on which nothing rests; they are not tried again

	// Jitter makes a pause of a length that is due; nil stands for a random one
	// from half to one and a half of it.
	Jitter func(time.Duration) time.Duration
}

// Made is how many changes were made.
func (r *Runner) Made() int {
	made := 0
	for _, res := range r.Results {
		if res.Status == Done {
			made++
		}
	}
	return made
}

// ErrUnsettled is wrapped by the error of a part that did not become right
// although all its changes were made.
var ErrUnsettled = errors.New("not settled")

// rounds bounds how often a part whose changes all succeed may find new ones.
const rounds = 50

// Converge plans parts, makes the changes that are ready, and looks again, until
// nothing is left to do. Parts that are given together wait for each other only as
// far as their changes rest on each other. It ends with Conflicts when a plan has
// any (before changing anything), with the error of the first change that fails
// and is not Aside, or with the context's error naming what it was waiting for.
// This node is given back to other programs between one look and the next.
func (r *Runner) Converge(ctx context.Context, parts ...Planner) ([]string, error) {
	c := &converging{Runner: r, parts: parts, began: time.Now()}
	pause := r.Pause
	shake := r.Jitter
	if shake == nil {
		shake = jitter
	}
	for round := 0; ; {
		var seen roundOutcome
		err := r.Turn(ctx, c.wait, func() (err error) {
			seen, err = c.round(ctx)
			return err
		})
		if len(seen.warnings) > 0 || err == nil {
			c.warnings = seen.warnings
		}
		switch {
		case err != nil:
			return c.warnings, err
		case seen.made:
			pause = r.Pause
			if round++; round > rounds {
				return c.warnings, fmt.Errorf("%s part: %w: still wants to %s after %d rounds", seen.part, ErrUnsettled, seen.first, rounds)
			}
			continue
		case seen.settled:
			return c.warnings, nil
		case c.leave(seen):
			if len(c.parts) == 0 {
				return c.warnings, nil
			}
			continue
		}
		c.part, c.waiting = seen.part, seen.waiting
		r.Watcher.Waiting(c.part, c.waiting, time.Since(c.began))
		select {
		case <-ctx.Done():
			return c.warnings, c.ended(ctx)
		case <-time.After(max(shake(pause), seen.atLeast)):
			pause = min(pause*3/2, 10*r.Pause)
		}
	}
}

// converging is one call of Converge.
type converging struct {
	*Runner
	parts    []Planner
	left     []string // warnings of parts that were left to others
	began    time.Time
	part     Part     // of the last look: the first that was not settled,
	waiting  []string // and what everything waited for; nil before the first wait
	warnings []string
}

// roundOutcome is what one round found and did.
type roundOutcome struct {
	settled  bool
	made     bool
	part     Part   // the first that is not settled
	first    Change // of its changes, where it has any
	leader   bool   // another node must make that one
	changes  []Change
	waiting  []string
	warnings []string
	atLeast  time.Duration // how long to wait before the next look
}

// wait tells of a program that changes this node at the moment.
func (c *converging) wait(who string, since time.Duration) {
	c.part, c.waiting = c.parts[0].Part(), []string{who + " to end"}
	c.Watcher.Waiting(c.part, c.waiting, since)
}

// ended is the error of a run whose time is over: what it was waiting for says more than a question that went unanswered.
func (c *converging) ended(ctx context.Context) error {
	return &WaitError{Part: c.part, What: c.waiting, After: time.Since(c.began), Err: context.Cause(ctx)}
}

// round looks at all parts, and makes the changes that are ready.
func (c *converging) round(ctx context.Context) (roundOutcome, error) {
	seen := roundOutcome{settled: true, warnings: slices.Clone(c.left)}
	var all Plan
	for _, p := range c.parts {
		plan, err := p.Plan(ctx)
		if err != nil {
			if ctx.Err() != nil && c.waiting != nil {
				return roundOutcome{}, c.ended(ctx)
			}
			if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
				err = fmt.Errorf("%w: %w", cause, err)
			}
			return roundOutcome{}, fmt.Errorf("look at the %s part: %w", p.Part(), err)
		}
		plan.Changes = c.worthTrying(plan.Changes)
		if seen.settled && !plan.Settled() {
			seen.settled, seen.part, seen.changes = false, p.Part(), plan.Changes
			if len(plan.Changes) > 0 {
				seen.first, seen.leader = plan.Changes[0], plan.Changes[0].By != ""
			}
		}
		all.Add(plan)
	}
	seen.warnings = append(seen.warnings, all.Warnings...)
	if len(all.Conflicts) > 0 {
		return seen, Conflicts(all.Conflicts)
	}
	var retry *RetryError
	var err error
	seen.made, retry, err = c.run(ctx, all.Changes)
	seen.waiting = all.Pending()
	if retry != nil {
		seen.atLeast = retry.After
		seen.waiting = append([]string{fmt.Sprintf("%s (%v)", retry.Waiting, retry.Err)}, seen.waiting...)
	}
	return seen, err
}

// leave ends a part when all that is left begins with a change of another node.
func (c *converging) leave(seen roundOutcome) bool {
	if !c.LeaveOthers || !seen.leader {
		return false
	}
	c.Left = append(c.Left, seen.changes...)
	c.left = seen.warnings
	c.parts = slices.DeleteFunc(slices.Clone(c.parts), func(p Planner) bool { return p.Part() == seen.part })
	return true
}

// jitter is a random time around d, from half to one and a half of it: nodes
// that got in each other's way must not come back at the same moment.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d+1) //nolint:gosec // nobody gains by guessing it
}

// worthTrying leaves out the changes that failed and are Aside.
func (r *Runner) worthTrying(changes []Change) []Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c Change) bool {
		return c.Aside && slices.ContainsFunc(r.Results, func(res Result) bool {
			return res.Status == Failed && res.Part == c.Part && res.Object == c.Object && res.Action == c.Action
		})
	})
}

// run makes the ready changes in order, and reports whether it made or, Aside,
// tried any. What rests on a change that has to wait waits with it, and the
// others do not. A change that cannot be made yet is a RetryError, of which the
// first is returned; one that fails ends it.
func (r *Runner) run(ctx context.Context, changes []Change) (made bool, retry *RetryError, err error) {
	waits := waiters{}
	for _, c := range changes {
		if !c.Ready() || waits.hold(c) {
			waits.add(c)
			continue
		}
		if err := ctx.Err(); err != nil {
			return made, retry, fmt.Errorf("stopped before it could %s: %w", c, context.Cause(ctx))
		}
		err := r.make(ctx, c)
		if again, ok := errors.AsType[*RetryError](err); ok {
			if retry == nil {
				retry = again
			}
			waits.add(c)
			continue
		}
		if err != nil && c.Aside {
			r.Aside = append(r.Aside, err)
		} else if err != nil {
			return made, retry, err
		}
		made = true
	}
	return made, retry, nil
}

// waiters are the objects with a change that has to wait.
type waiters map[string]bool

func (w waiters) add(c Change) { w[c.Object] = true }

// hold reports whether a change rests on one that has to wait. It is pure.
func (w waiters) hold(c Change) bool {
	if c.RestsOn == nil {
		return len(w) > 0
	}
	return w[c.Object] || slices.ContainsFunc(c.RestsOn, func(o string) bool { return w[o] })
}

// make makes one change and tells of it; the error names the change.
func (r *Runner) make(ctx context.Context, c Change) error {
	r.Watcher.Started(c)
	ctx, cancel := toTheEnd(ctx)
	defer cancel()
	res := r.Make(ctx, c)
	if retry, ok := errors.AsType[*RetryError](res.Err); ok {
		return retry // not a failure: nothing was changed, Converge looks again
	}
	r.Results = append(r.Results, res)
	r.Watcher.Finished(res)
	return res.Err
}

// ErrDeadline is the cause of a context whose time limit, that of the whole run, is over.
var ErrDeadline = errors.New("the time of --timeout is over")

// toTheEnd is the context of one change. Who interrupts a run, or hangs up, does not end a program in the middle of its
// work: the change under way comes to its end, and none is begun after it. The time limit of the run stays.
func toTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	change := context.WithoutCancel(ctx)
	if limit, ok := ctx.Deadline(); ok {
		return context.WithDeadlineCause(change, limit, ErrDeadline)
	}
	return change, func() {}
}

// RetryError is returned by a change that could not be made yet but will be
// possible by itself: the runner looks again later.
type RetryError struct {
	Waiting string // what must come true, in words
	Err     error
	After   time.Duration // not before this time has passed; 0 leaves it to the runner
}

func (e *RetryError) Error() string { return fmt.Sprintf("waiting for %s: %v", e.Waiting, e.Err) }

// Unwrap returns the refusal behind the wait.
func (e *RetryError) Unwrap() error { return e.Err }

// PartlyError is returned by a change that some servers of the pool made and others did not.
type PartlyError struct {
	Who    string // has it, and who has not, in words
	Remedy string
	Err    error
}

func (e *PartlyError) Error() string {
	return fmt.Sprintf("partly done: %v: %s. Remedy: %s", e.Err, e.Who, e.Remedy)
}

// Unwrap returns what GlusterFS said.
func (e *PartlyError) Unwrap() error { return e.Err }

// WaitError says that the deadline passed while waiting.
type WaitError struct {
	Part  Part
	What  []string
	After time.Duration
	Err   error
}

func (e *WaitError) Error() string {
	what := "the pool to settle"
	if len(e.What) > 0 {
		what = e.What[0]
		if n := len(e.What) - 1; n > 0 {
			what += fmt.Sprintf(" (and %d more)", n)
		}
	}
	return fmt.Sprintf("%s part: gave up after %s waiting for %s", e.Part, e.After.Round(time.Second), what)
}

// Unwrap returns why the wait ended.
func (e *WaitError) Unwrap() error { return e.Err }
