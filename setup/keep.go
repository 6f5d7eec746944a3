package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/check"
	"brickyard/setup/desired"
	"brickyard/setup/guard"
	"brickyard/setup/host"
	"brickyard/setup/powerloss"
	"brickyard/setup/resync"
	"brickyard/setup/store"
)

// keep flushes this node's bricks, so that little has to be read after a power
// cut, and removes what was taken out of them, and of glusterd's store, long ago.
func keep(s *desired.State, log *slog.Logger) {
	for _, b := range guard.Lasting(s) {
		if err := powerloss.Flush(b.Path, time.Now()); err != nil {
			log.Warn("a brick cannot be flushed to its disk", "volume", b.Volume, "brick", b.Path, "error", err)
		}
		removed, err := powerloss.Prune(b.Path, time.Now(), powerloss.Synchronized())
		for _, dir := range removed {
			log.Info("what was taken out of a brick a month ago is removed", "volume", b.Volume, "directory", dir)
		}
		if err != nil {
			log.Warn("what was taken out of a brick long ago cannot be removed", "volume", b.Volume, "brick", b.Path, "error", err)
		}
	}
	removed, err := store.Prune(gluster.DefaultWorkdir, time.Now(), powerloss.Synchronized())
	for _, dir := range removed {
		log.Info("what was taken out of glusterd's store a month ago is removed", "directory", dir)
	}
	if err != nil {
		log.Warn("what was taken out of glusterd's store long ago cannot be removed", "error", err)
	}
}

// comparer compares a suspect brick of this node with those that serve.
func comparer(s *desired.State) func(context.Context, actual.Local, []int, func(int64)) (resync.Result, error) {
	return func(ctx context.Context, l actual.Local, sources []int, progress func(int64)) (resync.Result, error) {
		sets, err := setsOf(s, l.Set.Volume)
		if err != nil {
			return resync.Result{}, err
		}
		if l.Set.Index >= len(sets) || len(sets[l.Set.Index].Bricks) != len(l.Set.Bricks) {
			return resync.Result{}, fmt.Errorf("volume %s has other replica sets than the cluster file says", l.Set.Volume)
		}
		brick := l.Brick().Path
		flushed, err := powerloss.Flushed(brick, time.Now())
		if err != nil {
			return resync.Result{}, err
		}
		dir, _, err := powerloss.Withheld(brick)
		if err != nil || dir == "" {
			return resync.Result{}, errors.Join(fmt.Errorf("brick %s is not withheld any more", brick), err)
		}
		job := resync.Job{
			Set: sets[l.Set.Index], Own: l.Own, Sources: sources, Brick: dir,
			Unproven: slices.ContainsFunc(sources, func(i int) bool { return l.Set.Bricks[i].Published == actual.Unproven }),
			Flushed:  flushed, Dir: filepath.Join(host.RunDir, "resync", l.Set.Volume+"-"+fmt.Sprint(l.Brick().Number)), Now: time.Now, Progress: progress,
		}
		return job.Run(ctx)
	}
}

// setsOf reads the replica sets of a volume as its clients know them.
func setsOf(s *desired.State, volume string) ([]check.Set, error) {
	path := fmt.Sprintf("/var/lib/glusterd/vols/%s/trusted-%s.tcp-fuse.vol", volume, volume)
	text, err := os.ReadFile(path) //nolint:gosec // glusterd's own directory
	if err != nil {
		return nil, fmt.Errorf("volume %s is not known to this node's glusterd: %w: run \"gluster-setup apply\" first", volume, err)
	}
	sets, err := check.Sets(string(text), s.IPv6)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sets, nil
}
