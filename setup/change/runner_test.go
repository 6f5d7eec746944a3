package change_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"brickyard/setup/change"
)

// world is a Planner whose looks are the given functions, the last of them
// again and again, and a Watcher that writes down what it is told.
type world struct {
	looks  []func() (change.Plan, error)
	looked int
	done   []string // what Do was called for
	told   []string
	errs   map[string][]error // of Do, by object, one a call
}

func (w *world) Part() change.Part { return change.Pool }

func (w *world) Plan(ctx context.Context) (change.Plan, error) {
	look := w.looks[min(w.looked, len(w.looks)-1)]
	w.looked++
	p, err := look()
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return p, err
}

func (w *world) Started(c change.Change) { w.told = append(w.told, "started "+c.Object) }

func (w *world) Finished(r change.Result) {
	w.told = append(w.told, fmt.Sprintf("finished %s %s %s %v", r.Object, r.Status, r.Duration, r.Err))
}

func (w *world) Waiting(p change.Part, what []string, since time.Duration) {
	w.told = append(w.told, fmt.Sprintf("%s waits %s for %s", p, since, strings.Join(what, ", ")))
}

// change makes a Change that takes a second and then fails as w.errs says.
func (w *world) change(object string, needs ...string) change.Change {
	return change.Change{Part: change.Pool, Code: "volume-set", Action: "set", Object: object, Needs: needs, Do: func(context.Context) error {
		time.Sleep(time.Second)
		w.done = append(w.done, object)
		if errs := w.errs[object]; len(errs) > 0 {
			w.errs[object] = errs[1:]
			return errs[0]
		}
		return nil
	}}
}

func plan(p change.Plan) func() (change.Plan, error) {
	return func() (change.Plan, error) { return p, nil }
}

func runner(w *world) *change.Runner {
	return &change.Runner{Executor: change.Executor{Log: slog.New(slog.DiscardHandler)}, Watcher: w, Pause: time.Second, Jitter: func(d time.Duration) time.Duration { return d }}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestConvergeMakesChangesInOrderUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		w.looks = []func() (change.Plan, error){
			plan(change.Plan{Changes: []change.Change{w.change("a"), w.change("b")}, Warnings: []string{"old"}}),
			plan(change.Plan{Changes: []change.Change{w.change("c")}}),
			plan(change.Plan{Warnings: []string{"mind the gap"}}),
		}
		r := runner(w)
		warnings, err := r.Converge(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "warnings are those of the last look", []string{"mind the gap"}, warnings)
		same(t, "changes made", []string{"a", "b", "c"}, w.done)
		same(t, "the watcher", []string{
			"started a", "finished a done 1s <nil>", "started b", "finished b done 1s <nil>", "started c", "finished c done 1s <nil>",
		}, w.told)
		var results []string
		for _, res := range r.Results {
			results = append(results, fmt.Sprintf("%s %s %s %v", res.Object, res.Status, res.Duration, res.Err))
		}
		same(t, "results", []string{"a done 1s <nil>", "b done 1s <nil>", "c done 1s <nil>"}, results)
	})
}

func TestConvergeOfASettledPartDoesNothing(t *testing.T) {
	t.Parallel()
	w := &world{looks: []func() (change.Plan, error){plan(change.Plan{})}}
	r := runner(w)
	if _, err := r.Converge(t.Context(), w); err != nil || len(r.Results) > 0 || len(w.told) > 0 || w.looked != 1 {
		t.Errorf("error %v, results %v, told %v, looks %d", err, r.Results, w.told, w.looked)
	}
}

func TestConvergeStopsBehindTheFirstChangeThatIsNotReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		other := w.change("c")
		other.By = "cache1"
		w.looks = []func() (change.Plan, error){
			plan(change.Plan{Changes: []change.Change{w.change("a"), w.change("b", "glusterd on cache2 answers"), w.change("d")}}),
			plan(change.Plan{Changes: []change.Change{w.change("b", "glusterd on cache2 answers"), other, w.change("d", "glusterd on cache2 answers")}, Waits: []string{"the volume serves"}}),
			plan(change.Plan{Changes: []change.Change{other, w.change("d")}}),
			plan(change.Plan{}),
		}
		if _, err := runner(w).Converge(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		same(t, "what happened", []string{
			"started a", "finished a done 1s <nil>",
			"pool waits 1s for the volume serves, glusterd on cache2 answers, cache1 to set c",
			"pool waits 2s for cache1 to set c",
		}, w.told)
	})
}

func TestAChangeThatWaitsHoldsUpWhatRestsOnItAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{errs: map[string][]error{"volume busy": {&change.RetryError{Waiting: "another change to end", Err: errors.New("locked")}}}}
		on := func(c change.Change, objects ...string) change.Change {
			c.RestsOn = append([]string{}, objects...)
			return c
		}
		absent := on(w.change("peer n3", "glusterd on n3 to answer"))
		early, busy := on(w.change("volume early"), "peer n1", "peer n3"), on(w.change("volume busy"), "peer n1")
		w.looks = []func() (change.Plan, error){
			plan(change.Plan{Changes: []change.Change{
				absent, early, on(w.change("volume early")), busy, on(w.change("volume server"), "peer n1"),
				on(w.change("/client"), "volume server"), on(w.change("/early"), "volume early"), on(w.change("/busy"), "volume busy"), w.change("ready"),
			}}),
			plan(change.Plan{Changes: []change.Change{absent, early, busy}}),
			plan(change.Plan{}),
		}
		if _, err := runner(w).Converge(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		same(t, "what was called for", []string{"volume busy", "volume server", "/client", "volume busy"}, w.done)
	})
}

func TestPartsThatAreGivenTogetherDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool, mounts := &world{}, &world{}
		waits := plan(change.Plan{Waits: []string{"n3 to be in the pool"}})
		pool.looks = []func() (change.Plan, error){waits, waits, plan(change.Plan{})}
		mounts.looks = []func() (change.Plan, error){plan(change.Plan{Changes: []change.Change{mounts.change("/client")}}), plan(change.Plan{})}
		r := runner(pool)
		if _, err := r.Converge(t.Context(), pool, mounts); err != nil {
			t.Fatal(err)
		}
		same(t, "what happened", []string{"started /client", "finished /client done 1s <nil>", "pool waits 1s for n3 to be in the pool"}, pool.told)
	})
}

func TestConflictsChangeNothing(t *testing.T) {
	t.Parallel()
	w := &world{}
	w.looks = []func() (change.Plan, error){plan(change.Plan{
		Changes:   []change.Change{w.change("a")},
		Conflicts: []change.Conflict{{Code: "volume-shape", Object: "volume server", Problem: "it has replica 3", Remedy: "correct the file"}},
		Warnings:  []string{"w"},
	})}
	r := runner(w)
	warnings, err := r.Converge(t.Context(), w)
	var conflicts change.Conflicts
	if !errors.As(err, &conflicts) || len(conflicts) != 1 {
		t.Fatalf("error %v", err)
	}
	same(t, "text", "refused: volume server: it has replica 3 (correct the file)", err.Error())
	same(t, "warnings", []string{"w"}, warnings)
	if len(w.done) > 0 || len(r.Results) > 0 || len(w.told) > 0 {
		t.Errorf("made %v, results %v, told %v", w.done, r.Results, w.told)
	}
}

func TestAFailedChangeEndsThePart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no space left on device")
		w := &world{errs: map[string][]error{"b": {broken}}}
		w.looks = []func() (change.Plan, error){plan(change.Plan{Changes: []change.Change{w.change("a"), w.change("b"), w.change("c")}})}
		r := runner(w)
		_, err := r.Converge(t.Context(), w)
		if !errors.Is(err, broken) {
			t.Fatalf("error %v", err)
		}
		same(t, "text", "set b: no space left on device", err.Error())
		same(t, "changes tried", []string{"a", "b"}, w.done)
		if len(r.Results) != 2 || r.Results[0].Status != change.Done || r.Results[1].Status != change.Failed || !errors.Is(r.Results[1].Err, broken) {
			t.Errorf("results %+v", r.Results)
		}
	})
}

func TestAFailedChangeOnWhichNothingRestsHoldsNothingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("it does not start")
		w := &world{errs: map[string][]error{"exporter": {broken, broken}}}
		aside := w.change("exporter")
		aside.Aside = true
		w.looks = []func() (change.Plan, error){
			plan(change.Plan{Changes: []change.Change{aside, w.change("volume")}}),
			plan(change.Plan{Changes: []change.Change{aside}}),
		}
		r := runner(w)
		if _, err := r.Converge(t.Context(), w); err != nil {
			t.Error(err)
		}
		same(t, "changes", []string{"exporter", "volume"}, w.done)
		if len(r.Aside) != 1 || !errors.Is(r.Aside[0], broken) || r.Made() != 1 {
			t.Errorf("%d made, aside %v", r.Made(), r.Aside)
		}
	})
}

func TestARetryErrorIsWaitedForAndIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		retry := fmt.Errorf("create volume: %w", &change.RetryError{Waiting: "the volume lock", Err: errors.New("another transaction is in progress")})
		w := &world{errs: map[string][]error{"a": {retry, retry}}}
		settled := false
		w.looks = []func() (change.Plan, error){func() (change.Plan, error) {
			if settled {
				return change.Plan{}, nil
			}
			c := w.change("a")
			do := c.Do
			c.Do = func(ctx context.Context) error {
				err := do(ctx)
				settled = err == nil
				return err
			}
			return change.Plan{Changes: []change.Change{c}}, nil
		}}
		r := runner(w)
		if _, err := r.Converge(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		same(t, "what happened", []string{
			"started a", "pool waits 1s for the volume lock (another transaction is in progress)",
			"started a", "pool waits 3s for the volume lock (another transaction is in progress)",
			"started a", "finished a done 1s <nil>",
		}, w.told)
		if len(r.Results) != 1 || r.Results[0].Status != change.Done {
			t.Errorf("results %+v", r.Results)
		}
	})
}

// errTime stands for the program's own cause of a deadline.
var errTime = errors.New("the time is over")

func TestTheWaitErrorNamesTheLastRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{errs: map[string][]error{}}
		for i := range 9 {
			w.errs["a"] = append(w.errs["a"], &change.RetryError{Waiting: "the volume lock", Err: fmt.Errorf("refusal %d", i+1)})
		}
		w.looks = []func() (change.Plan, error){plan(change.Plan{Changes: []change.Change{w.change("a")}, Warnings: []string{"w"}})}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errTime)
		defer cancel()
		warnings, err := runner(w).Converge(ctx, w)
		var wait *change.WaitError
		if !errors.As(err, &wait) || !errors.Is(err, errTime) {
			t.Fatalf("error %v", err)
		}
		same(t, "what", []string{"the volume lock (refusal 3)"}, wait.What)
		same(t, "text", "pool part: gave up after 6s waiting for the volume lock (refusal 3)", err.Error())
		same(t, "warnings", []string{"w"}, warnings)
	})
}

func TestADeadlineDuringALookStillNamesWhatWasWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		w.looks = []func() (change.Plan, error){
			plan(change.Plan{Waits: []string{"glusterd on cache2 to answer", "cache3"}}),
			func() (change.Plan, error) {
				time.Sleep(time.Minute)
				return change.Plan{}, errors.New("cut off")
			},
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Second, errTime)
		defer cancel()
		_, err := runner(w).Converge(ctx, w)
		var wait *change.WaitError
		if !errors.As(err, &wait) || !errors.Is(err, errTime) {
			t.Fatalf("error %v", err)
		}
		same(t, "text", "pool part: gave up after 1m1s waiting for glusterd on cache2 to answer (and 1 more)", err.Error())
	})
}

func TestADeadlineDuringTheFirstLookNamesItsCause(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errTime)
	w := &world{looks: []func() (change.Plan, error){plan(change.Plan{})}}
	_, err := runner(w).Converge(ctx, w)
	if !errors.Is(err, errTime) || !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	same(t, "text", "look at the pool part: the time is over: context canceled", err.Error())
}

func TestACancelledRunMakesNoFurtherChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		w := &world{}
		first := w.change("a")
		first.Do = func(context.Context) error {
			w.done = append(w.done, "a")
			cancel(errTime)
			return nil
		}
		w.looks = []func() (change.Plan, error){plan(change.Plan{Changes: []change.Change{first, w.change("b")}})}
		r := runner(w)
		_, err := r.Converge(ctx, w)
		if !errors.Is(err, errTime) {
			t.Fatalf("error %v", err)
		}
		same(t, "text", "stopped before it could set b: the time is over", err.Error())
		same(t, "changes made", []string{"a"}, w.done)
		if len(r.Results) != 1 {
			t.Errorf("results %+v", r.Results)
		}
	})
}

func TestALookThatFailsEndsThePart(t *testing.T) {
	t.Parallel()
	w := &world{looks: []func() (change.Plan, error){func() (change.Plan, error) { return change.Plan{}, errors.New("no such device") }}}
	_, err := runner(w).Converge(t.Context(), w)
	if err == nil || err.Error() != "look at the pool part: no such device" {
		t.Errorf("error %v", err)
	}
}

func TestAPartThatNeverSettlesIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		w.looks = []func() (change.Plan, error){plan(change.Plan{Changes: []change.Change{w.change("a")}})}
		r := runner(w)
		_, err := r.Converge(t.Context(), w)
		if !errors.Is(err, change.ErrUnsettled) {
			t.Fatalf("error %v", err)
		}
		same(t, "text", "pool part: not settled: still wants to set a after 50 rounds", err.Error())
		same(t, "changes made", len(w.done), len(r.Results))
	})
}

func TestPausesGrowToTenTimesAndShrinkAfterAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		for range 9 {
			w.looks = append(w.looks, plan(change.Plan{Waits: []string{"it"}}))
		}
		w.looks = append(w.looks, plan(change.Plan{Changes: []change.Change{w.change("a")}}), plan(change.Plan{Waits: []string{"it"}}), plan(change.Plan{Waits: []string{"it"}}), plan(change.Plan{}))
		if _, err := runner(w).Converge(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		var times []time.Duration
		var last time.Duration
		for _, s := range w.told {
			if rest, ok := strings.CutPrefix(s, "pool waits "); ok {
				at, err := time.ParseDuration(strings.Fields(rest)[0])
				if err != nil {
					t.Fatal(err)
				}
				times, last = append(times, (at-last).Round(10*time.Millisecond)), at
			}
		}
		ms := time.Millisecond
		same(t, "pauses", []time.Duration{0, 1000 * ms, 1500 * ms, 2250 * ms, 3380 * ms, 5060 * ms, 7590 * ms, 10000 * ms, 10000 * ms, 11000 * ms, 1000 * ms}, times)
	})
}

func TestPausesOfTwoNodesDiffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 20 {
			w := &world{looks: []func() (change.Plan, error){plan(change.Plan{Waits: []string{"it"}}), plan(change.Plan{})}}
			r := runner(w)
			r.Jitter = nil
			began := time.Now()
			if _, err := r.Converge(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			if seen[took] = true; took < time.Second/2 || took > time.Second*3/2 {
				t.Errorf("paused for %s", took)
			}
		}
		if len(seen) < 2 {
			t.Errorf("all 20 pauses took the same time: %v", seen)
		}
	})
}

func TestEveryChangeIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{errs: map[string][]error{"b": {errors.New("no space left on device")}}}
		w.looks = []func() (change.Plan, error){plan(change.Plan{Changes: []change.Change{w.change("a"), w.change("b")}})}
		var b strings.Builder
		r := runner(w)
		r.Log = slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		if _, err := r.Converge(t.Context(), w); err == nil {
			t.Fatal("no error")
		}
		same(t, "log", "level=INFO msg=\"change made\" part=pool code=volume-set action=set object=a began=2000-01-01T00:00:00.000Z took=1s\n"+
			"level=INFO msg=\"change failed\" part=pool code=volume-set action=set object=b began=2000-01-01T00:00:01.000Z took=1s error=\"no space left on device\"\n", b.String())
	})
}
