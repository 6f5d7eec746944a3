package main

import (
	"context"
	"sync"
)

// waiting is how many stages that mostly wait run beside each other; one that computes runs beside them.
const waiting = 2

// runAll runs stages as their places say: the first ones in order, then those side by side, then the last ones. begins is
// told when one begins, done when one has ended; neither is called by two stages at once.
func runAll(ctx context.Context, stages []stage, run func(context.Context, stage) outcome, begins func(stage), done func(stage, outcome)) {
	var mu sync.Mutex
	one := func(s stage) bool {
		mu.Lock()
		begins(s)
		mu.Unlock()
		o := run(ctx, s)
		mu.Lock()
		defer mu.Unlock()
		done(s, o)
		return o.OK
	}
	// in runs those of one place, some at once.
	in := func(where place, width int) {
		queue := make(chan stage)
		var workers sync.WaitGroup
		for range width {
			workers.Go(func() {
				for s := range queue {
					if ctx.Err() == nil {
						one(s)
					}
				}
			})
		}
		for _, s := range stages {
			if s.place == where {
				queue <- s
			}
		}
		close(queue)
		workers.Wait()
	}

	for _, s := range stages {
		if s.place == first && ctx.Err() == nil && !one(s) && s.fatal {
			return
		}
	}
	var sides sync.WaitGroup
	sides.Go(func() { in(computes, 1) })
	sides.Go(func() { in(waits, waiting) })
	sides.Wait()
	in(last, 1)
}
