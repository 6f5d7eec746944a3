package main

import (
	"context"
	"fmt"
	"time"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/departed"
	"brickyard/setup/desired"
	"brickyard/setup/pool"
)

// departedFrom are the conflicts about what a cluster file has lost of volumes that exist.
func departedFrom(ctx context.Context, s *desired.State, file string) ([]change.Conflict, error) {
	l := &departed.Looker{Store: gluster.Store{Dir: gluster.DefaultWorkdir}, Fstab: "/etc/fstab", Dial: pool.DialHost, Timeout: 3 * time.Second}
	see, err := l.Look(ctx, s)
	if err != nil {
		return nil, err
	}
	return departed.Decide(s, file, see), nil
}

// departedWords are the same for status.
func departedWords(ctx context.Context, s *desired.State, file string) ([]string, error) {
	conflicts, err := departedFrom(ctx, s, file)
	var words []string
	for _, c := range conflicts {
		words = append(words, fmt.Sprintf("%s: %s. Remedy: %s", c.Object, c.Problem, c.Remedy))
	}
	return words, err
}
