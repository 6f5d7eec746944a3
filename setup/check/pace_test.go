package check

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestThingsHappenAtThePaceAndNoFasterAfterAPause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		perSecond float64
		n, times  int
		want      time.Duration
		free      time.Duration
	}{
		{1000, 64, 100, 6400 * time.Millisecond, 10 * time.Millisecond},
		{8 << 20, 128 << 10, 128, 2 * time.Second, 10 * time.Millisecond},
		{0.5, 1, 3, 6 * time.Second, 2 * time.Second},
		{0, 1 << 40, 1000, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPace(c.perSecond)
			for range 2 { // what was not used in a pause is not saved up
				time.Sleep(time.Hour)
				began := time.Now()
				for range c.times {
					if err := p.wait(t.Context(), c.n); err != nil {
						t.Fatal(err)
					}
				}
				// The first ones are not waited for, nor are pauses that are not worth making.
				if took := time.Since(began); took > c.want || c.want-took > c.free {
					t.Errorf("%d times %d at %v a second took %s, want %s", c.times, c.n, c.perSecond, took, c.want)
				}
			}
		})
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		err := p.wait(ctx, 3600)
		if took := time.Since(began); err == nil || took != time.Minute {
			t.Errorf("an hour's worth in a minute: %v after %s", err, took)
		}
	})
}
