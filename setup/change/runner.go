package change

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// Runner makes changes: the only place from which the machine or the pool is
// changed. It logs each one.
type Runner struct {
	Log     *slog.Logger
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

// Converge plans a part, makes the changes that are ready, and looks again,
// until nothing is left to do. It ends with Conflicts when the plan has any
// (before changing anything), with the error of the first change that fails
// and is not Aside, or with the context's error naming what it was waiting for.
func (r *Runner) Converge(ctx context.Context, p Planner) ([]string, error) {
	began := time.Now()
	pause := r.Pause
	shake := r.Jitter
	if shake == nil {
		shake = jitter
	}
	var waiting, warnings []string // of the last look
	for round := 0; ; {
		plan, err := p.Plan(ctx)
		if err != nil {
			if ctx.Err() != nil && waiting != nil {
				// The time ended during a look: what the last one was waiting for
				// says more than the question that went unanswered.
				return warnings, &WaitError{Part: p.Part(), What: waiting, After: time.Since(began), Err: context.Cause(ctx)}
			}
			if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
				err = fmt.Errorf("%w: %w", cause, err)
			}
			return warnings, fmt.Errorf("look at the %s part: %w", p.Part(), err)
		}
		warnings = plan.Warnings
		if len(plan.Conflicts) > 0 {
			return plan.Warnings, Conflicts(plan.Conflicts)
		}
		plan.Changes = r.worthTrying(plan.Changes)
		if plan.Settled() {
			return plan.Warnings, nil
		}
		made, err := r.run(ctx, plan.Changes)
		waiting = plan.Pending()
		var retry *RetryError
		var atLeast time.Duration
		switch {
		case errors.As(err, &retry):
			atLeast = retry.After
			waiting = []string{fmt.Sprintf("%s (%v)", retry.Waiting, retry.Err)}
		case err != nil:
			return plan.Warnings, err
		}
		if made {
			pause = r.Pause
			if round++; round > rounds {
				return plan.Warnings, fmt.Errorf("%s part: %w: still wants to %s after %d rounds", p.Part(), ErrUnsettled, plan.Changes[0], rounds)
			}
			continue
		}
		if r.LeaveOthers && len(plan.Changes) > 0 && plan.Changes[0].By != "" {
			r.Left = append(r.Left, plan.Changes...)
			return plan.Warnings, nil
		}
		r.Watcher.Waiting(p.Part(), waiting, time.Since(began))
		select {
		case <-ctx.Done():
			return plan.Warnings, &WaitError{Part: p.Part(), What: waiting, After: time.Since(began), Err: context.Cause(ctx)}
		case <-time.After(max(shake(pause), atLeast)):
			pause = min(pause*3/2, 10*r.Pause)
		}
	}
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

// run makes the ready changes at the head of the list, in order, and reports
// whether it made or, Aside, tried any. It stops at the first that has to wait: what comes
// behind may rest on it. A change that cannot be made yet is a RetryError.
func (r *Runner) run(ctx context.Context, changes []Change) (made bool, err error) {
	for _, c := range changes {
		if !c.Ready() {
			return made, nil
		}
		if err := ctx.Err(); err != nil {
			return made, fmt.Errorf("stopped before it could %s: %w", c, context.Cause(ctx))
		}
		err := r.make(ctx, c)
		if _, retry := errors.AsType[*RetryError](err); err != nil && c.Aside && !retry {
			r.Aside = append(r.Aside, err)
		} else if err != nil {
			return made, err
		}
		made = true
	}
	return made, nil
}

func (r *Runner) make(ctx context.Context, c Change) error {
	r.Watcher.Started(c)
	began := time.Now()
	ctx, cancel := toTheEnd(ctx)
	defer cancel()
	err := c.Do(ctx)
	res := Result{Change: c, Status: Done, Duration: time.Since(began)}
	attrs := []any{slog.String("part", string(c.Part)), slog.String("action", c.Action), slog.String("object", c.Object), slog.Duration("took", res.Duration)}
	if err != nil {
		res.Status = Failed
		if _, partly := errors.AsType[*PartlyError](err); partly {
			res.Status = Partly
		}
		res.Err = fmt.Errorf("%s: %w", c, err)
		r.Log.Info("change failed", append(attrs, slog.Any("error", err))...)
	} else {
		r.Log.Info("change made", attrs...)
	}
	if _, retry := errors.AsType[*RetryError](err); retry {
		return err // not a failure: nothing was changed, Converge looks again
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
