package actual

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"brickyard/gluster"
)

// Serving asks, for all bricks at once and each no longer than timeout, whether they serve: the glusterd that dial returns for
// its port, and the port. It returns what that came to, in the order of the bricks (see Found). dial may return nil for a brick
// that nobody can be asked about: it stays as it is, and so does its error. then, where it is not nil, may ask the same glusterd
// for more within the same time.
func Serving(ctx context.Context, bricks []*Brick, timeout time.Duration, dial func(Brick) *gluster.Client, then func(context.Context, *gluster.Client, *Brick, error)) []error {
	errs := make([]error, len(bricks))
	var wg sync.WaitGroup
	for i, b := range bricks {
		c := dial(*b)
		if c == nil {
			continue
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			defer c.Close() //nolint:errcheck // a connection for reading
			errs[i] = c.BrickServes(ctx, b.Path)
			b.Found(errs[i])
			if then != nil {
				then(ctx, c, b, errs[i])
			}
		})
	}
	wg.Wait()
	return errs
}

// Found fills in what the question whether a brick serves came to.
func (b *Brick) Found(err error) {
	b.Online = err == nil
	b.Reachable = gluster.BrickKnown(err) || errors.Is(err, gluster.ErrBrickSilent) || errors.Is(err, gluster.ErrRefused)
	b.Unknown = ""
	if !gluster.BrickKnown(err) {
		b.Unknown = gluster.WhyBrick(err)
	}
}

// refuses is why it is not known whether a brick of this node serves whose port refuses connections: its process may run
// all the same, behind a firewall that refuses for it.
func refuses(path string) string {
	serving, err := gluster.ServingBrick("/proc", path)
	if err != nil || len(serving) == 0 {
		return ""
	}
	return fmt.Sprintf("its process %d runs, and connections to its port are refused: a firewall?", serving[0].PID)
}

// Heals asks this node's self-heal daemon, found in proc, "" for /proc, what waits to be healed in a volume. It is an error that
// no daemon of this node knows the volume.
func Heals(ctx context.Context, proc string, v gluster.Volume, timeout time.Duration) ([]gluster.PendingHeal, error) {
	return gluster.LocalPendingHeals(ctx, cmp.Or(proc, "/proc"), v.Name, len(v.ReplicaSets()), timeout)
}

// Count fills in what a self-heal daemon has counted in the set, and reports whether it reached all bricks and nothing waits.
func (s *Set) Count(heals []gluster.PendingHeal) (healed bool) {
	seen := 0
	for _, h := range heals {
		if h.Set != s.Index || h.Status != "" || h.Brick >= len(s.Bricks) {
			continue
		}
		s.Bricks[h.Brick].Pending, s.Bricks[h.Brick].Counted = h.Entries, true
		s.Pending += h.Entries
		seen++
	}
	return s.Pending == 0 && seen == len(s.Bricks)
}
