package main

import (
	"context"
	"sync"
)

// waiting is how many stages that mostly wait run beside each other; one that computes runs beside them.
const waiting = 3

// runAll runs stages as their places say: the first ones in order, then those side by side, then the last ones, beside those that
// compute and one that waits at most. begins is told when one begins, done when one has ended; neither is called by two stages at
// once.
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
	// in begins to run those of one place, some at once; each of its workers says when nothing is left for it.
	in := func(where place, width int, ended chan<- struct{}) {
		queue := make(chan stage, len(stages))
		for _, s := range stages {
			if s.place == where {
				queue <- s
			}
		}
		close(queue)
		for range width {
			go func() {
				for s := range queue {
					if ctx.Err() == nil {
						one(s)
					}
				}
				ended <- struct{}{}
			}()
		}
	}

	for _, s := range stages {
		if s.place == first && ctx.Err() == nil && !one(s) && s.fatal {
			return
		}
	}
	computed, waited, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	in(computes, 1, computed)
	in(waits, waiting, waited)
	for range waiting - 1 {
		<-waited
	}
	// The slowest of them waits so much that the machine would be idle, and the power cut takes longest of all that need it.
	in(last, 1, over)
	<-waited
	<-computed
	<-over
}
