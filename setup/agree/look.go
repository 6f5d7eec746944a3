// Package agree says in what the servers of the pool have the volumes differently.
//
// A command that glusterd could carry out on some servers only ("Commit failed on HOST") leaves the others with an older
// version of the volume, for as long as all stay connected: they compare versions when they meet, and never again.
package agree

import (
	"context"
	"time"

	"brickyard/setup/actual"
)

// looks is how often servers are asked before what they say is believed, and pause how long after each: a change reaches one
// server after the other, and of one that is under way all have another version a moment later.
const (
	looks = 4
	pause = time.Second
)

// Lasting asks again while servers differ, and returns the differences that every look had.
func Lasting(ctx context.Context, first []actual.Node, look func(context.Context) []actual.Node) []Difference {
	found := Differences(first)
	for range looks - 1 {
		if len(found) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		found = Both(found, Differences(look(ctx)))
	}
	return found
}
