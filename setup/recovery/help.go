package recovery

import (
	"context"
	"fmt"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
)

// unservedVolume is a volume that no self-heal daemon of this node serves.
type unservedVolume struct {
	since time.Time // or since glusterd was last told
	asked int       // how often it was
	ended int       // how often the daemon that runs was ended, in vain
}

// startsBeforeEnding is how often glusterd is told to start a self-heal daemon before the one that runs is ended.
const startsBeforeEnding = 3

// lessOften is the pause before what did not help so many times is done again.
func lessOften(vain int) time.Duration {
	return min(idleTime<<min(max(vain, 0), 10), lastRepeat)
}

// help tells the self-heal daemons to look when heals make no progress: a
// client that came back to a brick later than they did leaves entries behind
// them. Only where all bricks are there is there anything to be done.
func (r *Runner) help(ctx context.Context, l actual.Local, d Decision) error {
	k := key(l)
	if !l.Set.NoDaemon || d.Action != Healing && d.Action != None || !l.Set.Started {
		delete(r.alone, k)
	} else if a, seen := r.alone[k]; !seen {
		r.alone[k] = &unservedVolume{since: r.Now()}
	} else if r.Now().Sub(a.since) >= lessOften(2*a.ended) && !r.joining() {
		// All volumes share one process, and glusterd sometimes forgets to give a
		// volume back to it that a reset-brick took away for a moment.
		a.since, r.helped = r.Now(), true
		if a.asked++; a.asked > startsBeforeEnding {
			// The process refuses the volume: only a new one takes it.
			r.Log.Warn("the self-heal daemon of this node does not take the volume: it is ended, and glusterd is told to start another", "volume", l.Set.Volume)
			if err := r.EndSelfHeal(ctx); err != nil {
				return err
			}
			a.asked, a.ended = 0, a.ended+1
			return r.change(ctx, startForce(l.Set.Volume))
		}
		r.Log.Warn("no self-heal daemon of this node serves the volume: glusterd is told to start it", "volume", l.Set.Volume)
		return r.change(ctx, startForce(l.Set.Volume))
	}
	away := l.Set.Others(-1, func(b actual.Brick) bool { return !b.Online })
	if l.Set.Healed || len(away) > 0 || d.Action != Healing && d.Action != None {
		delete(r.heals, k)
		delete(r.half, k)
		return nil
	}
	h, seen := r.heals[k]
	if !seen || l.Set.Pending < h.left {
		r.heals[k] = &heal{left: l.Set.Pending, at: r.Now()}
		return nil
	}
	if r.Now().Sub(h.at) < lessOften(h.asked-1) || r.joining() {
		return nil
	}
	h.left, h.at, h.asked, r.helped = l.Set.Pending, r.Now(), h.asked+1, true
	r.news = true
	dirs, err := r.Waiting(ctx, l.Set.Volume)
	if err != nil {
		return fmt.Errorf("ask what waits to be healed: %w", err)
	}
	if r.half[k] == nil {
		r.half[k] = nameless{}
	}
	removed, err := r.half[k].remove(l.Brick().Path, dirs, r.Now())
	if len(r.half[k]) == 0 {
		delete(r.half, k)
	}
	for _, name := range removed {
		r.Log.Warn("a file that a killed brick process had only half made kept its directory from being healed: removed", "volume", l.Set.Volume, "path", name)
	}
	if err != nil {
		r.Log.Warn("a name without a gfid cannot be removed from the brick", "volume", l.Set.Volume, "error", err)
	}
	r.Log.Info("entries wait to be healed and nothing happens: the self-heal daemons are told to look", "volume", l.Set.Volume, "entries", l.Set.Pending)
	if err := r.change(ctx, gluster.VolumeHeal(l.Set.Volume)); err != nil {
		return fmt.Errorf("make the self-heal daemons look: %w", err)
	}
	return nil
}
