package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/departed"
	"brickyard/setup/desired"
	"brickyard/setup/pool"
)

// departedFrom are the conflicts about what a cluster file has lost of volumes that exist.
func departedFrom(ctx context.Context, s *desired.State, file string) ([]change.Conflict, error) {
	see, err := looker().Look(ctx, s)
	if err != nil {
		return nil, err
	}
	return departed.Decide(s, file, see), nil
}

func looker() *departed.Looker {
	return &departed.Looker{Store: gluster.Store{Dir: gluster.DefaultWorkdir}, Fstab: "/etc/fstab", Dial: pool.DialHost, Timeout: 3 * time.Second}
}

// servesUnnamed says why a node that has no brick in the cluster file must not be stopped: it has bricks all the same.
func servesUnnamed(ctx context.Context, s *desired.State, file string) ([]string, error) {
	see, err := looker().Look(ctx, s)
	if err != nil {
		return nil, err
	}
	var words []string
	lost := departed.Bricks(s, see)
	for _, volume := range slices.Sorted(maps.Keys(lost)) {
		words = append(words, fmt.Sprintf("volume %s has the brick %s on this node, and %s does not have it: nobody knows what would be left. Write it back into %s",
			volume, strings.Join(lost[volume], " and "), file, file))
	}
	return words, nil
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
