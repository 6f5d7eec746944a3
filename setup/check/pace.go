package check

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// pace lets a number of things happen a second. It saves up for no longer bursts than the shortest pause.
type pace struct{ limit *rate.Limiter }

func newPace(perSecond float64) *pace {
	if perSecond <= 0 {
		return &pace{rate.NewLimiter(rate.Inf, 1)}
	}
	return &pace{rate.NewLimiter(rate.Limit(perSecond), 1+int(perSecond*shortest.Seconds()))}
}

// shortest is the shortest pause worth making.
const shortest = 5 * time.Millisecond

// wait returns when n more things may happen.
func (p *pace) wait(ctx context.Context, n int) error {
	if p.limit.Limit() == rate.Inf {
		return ctx.Err()
	}
	var pause time.Duration
	for now := time.Now(); n > 0; { // a limiter lets no more than a burst happen at once
		some := min(n, p.limit.Burst())
		pause = p.limit.ReserveN(now, some).DelayFrom(now)
		n -= some
	}
	return sleep(ctx, pause)
}

func sleep(ctx context.Context, d time.Duration) error {
	if d < shortest {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
