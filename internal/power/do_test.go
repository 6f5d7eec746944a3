package main

import (
	"context"
	"errors"
	"testing"
)

// A directory on which nothing is mounted, and one on which something else is, are waited at until somebody interrupts.
func TestOnlyAVolumeIsTakenForAMountedVolume(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, dir := range []string{t.TempDir(), "/proc"} {
		if err := (&mountedCmd{Mount: dir}).Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
