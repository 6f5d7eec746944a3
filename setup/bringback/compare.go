package bringback

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"brickyard/setup/actual"
	"brickyard/setup/check"
	"brickyard/setup/host"
	"brickyard/setup/powerloss"
	"brickyard/setup/resync"
)

// compare compares a suspect brick of this node with those that serve.
func (n *Node) compare(
	ctx context.Context, l actual.Local, sources []int, progress func(entries int64),
) (resync.Result, error) {
	sets, err := check.SetsOf(l.Set.Volume, n.Observer.State.IPv6)
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
	unproven := func(i int) bool { return l.Set.Bricks[i].Published == actual.Unproven }
	job := resync.Job{
		Set: sets[l.Set.Index], Own: l.Own, Sources: sources, Brick: dir,
		Unproven: slices.ContainsFunc(sources, unproven), Flushed: flushed,
		Dir: filepath.Join(host.RunDir, "resync", l.Set.Volume+"-"+strconv.Itoa(l.Brick().Number)),
		Now: time.Now, Progress: progress,
	}
	return job.Run(ctx)
}
