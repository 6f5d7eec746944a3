package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/setup/change"
	"brickyard/setup/host"
)

// lockApply keeps two runs of apply on one node apart: the second waits for the first.
func lockApply(ctx context.Context, w change.Watcher) (unlock func(), err error) {
	return lock(ctx, host.RunDir, "apply", func(holder string, since time.Duration) {
		w.Waiting(change.Host, []string{holder + " to end"}, since)
	})
}

// lock takes the lock of a command on this node, in dir, and tells who holds it while it waits.
func lock(ctx context.Context, dir, command string, waiting func(holder string, since time.Duration)) (unlock func(), err error) {
	path := filepath.Join(dir, command+".lock")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // holds nothing secret
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600) //nolint:gosec // below /run, in a directory of root's
	if err != nil {
		return nil, fmt.Errorf("lock this node: %w", err)
	}
	began := time.Now()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) //nolint:gosec // a descriptor fits
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock this node (%s): %w", path, err), f.Close())
		}
		holder := "another run of gluster-setup " + command
		if b, err := os.ReadFile(path); err == nil && len(b) > 0 { //nolint:gosec // below /run, in a directory of root's
			holder += " (process " + strings.TrimSpace(string(b)) + ")"
		}
		waiting(holder, time.Since(began))
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%s still holds this node's lock %s: %w", holder, path, context.Cause(ctx)), f.Close())
		case <-time.After(200 * time.Millisecond):
		}
	}
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(itoa(os.Getpid())+"\n"), 0)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return func() { _ = f.Close() }, nil // closing gives the lock back
}
