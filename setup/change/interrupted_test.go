package change_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"brickyard/setup/change"
)

// A dropped connection while mkfs or gluster is at work: neither may be ended half way.
func TestAChangeUnderWayComesToItsEndWhenTheRunIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		w := &world{}
		long := change.Change{Part: change.Pool, Action: "format", Object: "/dev/vdb", Do: func(ctx context.Context) error {
			interrupt()
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(time.Minute):
				return nil
			}
		}}
		w.looks = append(w.looks, plan(change.Plan{Changes: []change.Change{long, w.change("next")}}))
		r := runner(w)
		_, err := r.Converge(ctx, w)
		if !errors.Is(err, context.Canceled) || r.Made() != 1 || len(w.done) != 0 {
			t.Errorf("%d changes made, then %v, %v; want the one under way and no other", r.Made(), w.done, err)
		}
	})
}

func TestTheTimeLimitOfTheRunEndsAChangeAlsoAfterAnInterruption(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			ctx, cancel := context.WithTimeoutCause(ctx, time.Hour, change.ErrDeadline)
			defer cancel()
			w := &world{}
			w.looks = append(w.looks, plan(change.Plan{Changes: []change.Change{{Part: change.Pool, Action: "mount", Object: "/x", Do: func(ctx context.Context) error {
				if interrupted {
					interrupt()
				}
				<-ctx.Done()
				return context.Cause(ctx)
			}}}}))
			began := time.Now()
			r := runner(w)
			_, err := r.Converge(ctx, w)
			if !errors.Is(err, change.ErrDeadline) || time.Since(began) != time.Hour {
				t.Errorf("after %s: %v, want the end of the time after an hour", time.Since(began), err)
			}
		})
	}
}
