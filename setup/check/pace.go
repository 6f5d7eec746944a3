package check

import (
	"context"
	"time"
)

// pace lets a number of things happen a second, without saving up for bursts.
type pace struct {
	every time.Duration // 0: no limit
	next  time.Time
}

func newPace(perSecond float64) *pace {
	if perSecond <= 0 {
		return &pace{}
	}
	return &pace{every: max(1, time.Duration(float64(time.Second)/perSecond))}
}

// shortest is the shortest pause worth making.
const shortest = 5 * time.Millisecond

// wait returns when n more things may happen.
func (p *pace) wait(ctx context.Context, n int) error {
	if p.every == 0 || n == 0 {
		return ctx.Err()
	}
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(n) * p.every)
	return sleep(ctx, p.next.Sub(now))
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
