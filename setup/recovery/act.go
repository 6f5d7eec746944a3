package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/beneath"
	"brickyard/setup/cluster"
	"brickyard/setup/powerloss"
)

// Actor carries decisions out: the only place of this package that changes
// anything.
type Actor struct {
	Run  func(context.Context, gluster.Command) error
	Proc string // where /proc is
	Now  func() time.Time
	// Emptied is told before contents are thrown away or begun anew.
	Emptied func(Emptied)
}

// Act does what was decided about a brick.
func (a *Actor) Act(ctx context.Context, l actual.Local, d Decision) error {
	b := l.Brick()
	vol := l.Set.Volume
	switch d.Action {
	case None, Wait, Stop, Healing:
		return nil
	case Start:
		return a.Run(ctx, startForce(vol))
	case TellWiped:
		// The next "volume start force" on any node would make an empty directory a
		// brick that GlusterFS takes for complete; where none is, it starts nothing.
		if err := removeEmpty(b.Path); err != nil {
			return fmt.Errorf("remove the empty directory of the brick: %w", err)
		}
		words := []actual.Word{actual.State(actual.IsWiped)}
		if b.GivenUp {
			words = append(words, actual.GivenUp(false))
		}
		return a.Run(ctx, command(vol, l.Words.Say(b.Number, words...)))
	case Refill:
		return a.refill(ctx, l, b)
	case Rebuild:
		return a.rebuild(ctx, l, b)
	case TakeOffline:
		return a.takeOffline(ctx, b.Path)
	case Empty:
		lost := Emptied{Volume: l.Set.Volume, Set: l.Set.Index + 1, Brick: b.Node + ":" + b.Path, Time: a.Now(), Reason: d.Reason}
		a.Emptied(lost)
		return a.empty(ctx, l, b)
	case Redo:
		return a.empty(ctx, l, b)
	case TellSuspect:
		return a.Run(ctx, tell(l, actual.IsSuspect))
	case Accept:
		if err := a.Run(ctx, tell(l, actual.Unproven)); err != nil {
			return err
		}
		return a.release(ctx, l)
	case Resync: // it was compared: see Runner.compare
		if err := a.Run(ctx, tell(l, actual.Behind)); err != nil {
			return err
		}
		return a.release(ctx, l)
	case Withhold:
		if err := a.takeOffline(ctx, b.Path); err != nil {
			return err
		}
		return powerloss.Withhold(b.Path)
	case Finish:
		if err := beneath.RemoveState(l.MarkPath); err != nil {
			return err
		}
		if err := powerloss.ForgetCompared(b.Path); err != nil {
			return err
		}
		if l.Set.Allowed {
			return a.Run(ctx, tell(l, actual.Nothing, l.Words.SayRebuild(l.Set.Index, false)...))
		}
		return a.Run(ctx, tell(l, actual.Nothing))
	default:
		return fmt.Errorf("unknown action %q", d.Action)
	}
}

// refill first leaves word, then the mark, then asks GlusterFS: whenever this
// node or its source stops in between, nobody takes the brick for complete.
func (a *Actor) refill(ctx context.Context, l actual.Local, b actual.Brick) error {
	if err := a.Run(ctx, tell(l, actual.Refilling)); err != nil {
		return err
	}
	if err := freePlace(b.Path); err != nil {
		return err
	}
	if err := a.mark(l, actual.Begun); err != nil {
		return err
	}
	if err := a.Run(ctx, gluster.ResetBrickCommit(l.Set.Volume, b.Node, b.Path)); err != nil {
		return untold(err)
	}
	return a.mark(l, "confirmed ")
}

// untold adds to glusterd's refusal, which advises something that would not help, what does.
func untold(err error) error {
	if !errors.Is(err, gluster.ErrUntold) {
		return err
	}
	return fmt.Errorf("this glusterd was told of the volume while it ran, and knows its own brick of it after a restart only: "+
		"run \"gluster-setup ok-to-stop --wait 10m && systemctl restart glusterd\" on this node: %w", err)
}

func (a *Actor) mark(l actual.Local, word string) error {
	if err := beneath.WriteState(l.MarkPath, []byte(word+a.Now().UTC().Format(time.RFC3339)+"\n")); err != nil {
		return fmt.Errorf("leave the mark of an unfinished refill: %w", err)
	}
	return nil
}

// rebuild begins anew with an empty brick: the directory that GlusterFS wants
// to find, and a start of the brick. The other bricks are refilled from it.
func (a *Actor) rebuild(ctx context.Context, l actual.Local, b actual.Brick) error {
	a.Emptied(Emptied{Volume: l.Set.Volume, Set: l.Set.Index + 1, Brick: b.Node + ":" + b.Path, Time: a.Now(), Reason: "begun anew, empty: no brick of the replica set held anything any more"})
	if err := beneath.RemoveState(l.MarkPath); err != nil {
		return err
	}
	if err := freePlace(b.Path); err != nil {
		return err
	}
	if err := makeBrick(b.Path, cmp.Or(l.Set.Mode, cluster.DefaultMode)); err != nil {
		return err
	}
	if err := a.Run(ctx, startForce(l.Set.Volume)); err != nil {
		return err
	}
	// The brick is complete now; what a person allowed was for this time only.
	return a.Run(ctx, tell(l, actual.Nothing, l.Words.SayRebuild(l.Set.Index, false)...))
}

// release lets GlusterFS start a brick that was withheld.
func (a *Actor) release(ctx context.Context, l actual.Local) error {
	if err := powerloss.Release(l.Brick().Path); err != nil {
		return err
	}
	return a.Run(ctx, startForce(l.Set.Volume))
}

// takeOffline ends the process of a brick. With brick multiplexing a process
// serves other bricks too: they are started again by the next round.
func (a *Actor) takeOffline(ctx context.Context, path string) error {
	serving, err := gluster.ServingBrick(a.Proc, path)
	if err != nil {
		return fmt.Errorf("find the process of brick %s: %w", path, err)
	}
	for _, p := range serving {
		if err := terminate(ctx, p.PID); err != nil {
			return fmt.Errorf("end the process of brick %s: %w", path, err)
		}
	}
	return nil
}

// EndSelfHeal ends the self-heal daemons of the node whose /proc it is given.
func EndSelfHeal(ctx context.Context, proc string) error {
	all, err := gluster.SelfHealProcesses(proc)
	if err != nil {
		return fmt.Errorf("find the self-heal daemon: %w", err)
	}
	for _, p := range all {
		if err := terminate(ctx, p.PID); err != nil {
			return fmt.Errorf("end the self-heal daemon: %w", err)
		}
	}
	return nil
}

// terminate ends a process by its identifier, gently first.
func terminate(ctx context.Context, pid int) error {
	for _, try := range []struct {
		signal unix.Signal
		wait   time.Duration
	}{{unix.SIGTERM, 5 * time.Second}, {unix.SIGKILL, 5 * time.Second}} {
		if err := unix.Kill(pid, try.signal); err != nil {
			if errors.Is(err, unix.ESRCH) {
				return nil
			}
			return err
		}
		for end := time.Now().Add(try.wait); time.Now().Before(end); {
			if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
				return nil
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return fmt.Errorf("process %d does not end", pid)
}

// empty throws away what a brick holds: in memory it is freed, on a disk it is
// moved aside, below the brick's own file system.
func (a *Actor) empty(ctx context.Context, l actual.Local, b actual.Brick) error {
	// It was taken for offline because a connection said so; what is certain is here.
	if err := a.takeOffline(ctx, b.Path); err != nil {
		return err
	}
	if l.Tmpfs {
		if err := removeAll(b.Path); err != nil {
			return fmt.Errorf("empty brick %s: %w", b.Path, err)
		}
		return beneath.RemoveState(l.MarkPath)
	}
	from := b.Path
	if b.Disk == actual.Withheld {
		from = b.Why
	}
	if err := powerloss.WholeAside(b.Path, a.Now()).Whole(from); err != nil {
		return err
	}
	return beneath.RemoveState(l.MarkPath)
}
