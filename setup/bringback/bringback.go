// Package bringback does the whole of recover on one node: it readies the
// bricks, has package recovery bring them back, and ends the claim of
// ok-to-stop when all are whole.
package bringback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/change"
	"brickyard/setup/etchosts"
	"brickyard/setup/guard"
	"brickyard/setup/host"
	"brickyard/setup/recovery"
	"brickyard/setup/secureaccess"
	"brickyard/setup/stop"
)

// Node is this node.
type Node struct {
	Observer *actual.Observer
	Executor *change.Executor
	Run      func(context.Context, gluster.Command) error // makes a change of the pool with the executor
	Gate     *stop.Gate
	Log      *slog.Logger
}

// Allowed is what a person allows recover to do.
type Allowed struct {
	GiveUp       string    // a node that will not come back with data, "" for none
	RebuildEmpty string    // a volume that may begin anew empty, "" for none
	Out          io.Writer // is told the commands that pass it on to the nodes
}

// Recover returns when the bricks of this node are whole, after what a person allowed has been told to all nodes.
func (n *Node) Recover(ctx context.Context, allowed Allowed) error {
	if !n.Observer.State.Server {
		return nil // no bricks, nothing to recover
	}
	if err := host.UsualPlace(); err != nil {
		return err
	}
	if err := secureaccess.Refuse(); err != nil {
		n.status(err.Error())
		return err
	}
	say := sayOnce(n.Log, n.status)
	if allowed.GiveUp != "" || allowed.RebuildEmpty != "" {
		if err := n.Executor.Turn(ctx, say, func() error { return n.passOn(ctx, allowed) }); err != nil {
			return err
		}
	}
	unlock, err := lockRecover(ctx, host.RunDir, n.Log, n.status)
	if err != nil {
		return err
	}
	defer unlock()
	if err := n.Executor.Turn(ctx, say, func() error {
		n.ready(n.Executor.Logging(ctx))
		return nil
	}); err != nil {
		return err
	}
	err = n.runner(say).Recover(ctx)
	if errors.Is(err, recovery.ErrPerson) {
		return change.Refused(err)
	}
	if err != nil {
		return err
	}
	// It is whole. If it was stopped by leave of ok-to-stop it is back now, and others may stop.
	started, err := gluster.StartedAfterBoot(ctx, "/proc", gluster.DefaultSocket)
	if err != nil {
		return fmt.Errorf("find out when glusterd started: %w", err)
	}
	return n.Executor.Turn(ctx, say, func() error { return n.Gate.Returned(ctx, started) })
}

// runner brings the bricks back, those on disks that appear late too.
func (n *Node) runner(say func(who string, since time.Duration)) *recovery.Runner {
	o, late := n.Observer, guard.BricksOf(n.Observer.State, n.Log)
	o.Version = func(volume string) (uint64, error) {
		stamps, err := gluster.Store{Dir: gluster.DefaultWorkdir}.VolumeStamps(volume)
		return stamps.Version, err
	}
	return &recovery.Runner{
		Observe: func(ctx context.Context) ([]actual.Local, error) {
			if err := late.Late(); err != nil {
				return nil, err
			}
			return o.Observe(ctx)
		},
		Compare:     n.compare,
		EndSelfHeal: func(ctx context.Context) error { return recovery.EndSelfHeal(ctx, "/proc") },
		Executor:    n.Executor, Held: say, Run: n.Run,
		Joining: o.Joining, Started: o.Started, Waiting: gluster.CLI{}.HealInfo, Reason: recovery.Reason,
		Lost: func() string { return etchosts.Lost(o.State) },
		Log:  n.Log, Status: n.status, Journal: host.RecoveryRecord, Pause: time.Second, Now: time.Now,
	}
}

// status says in one line for "systemctl status" what is being done.
func (n *Node) status(words string) {
	if _, err := daemon.SdNotify(false, "STATUS="+words); err != nil {
		n.Log.Warn("cannot tell systemd what is being waited for", "error", err)
	}
}

// passOn leaves word of what a person allowed.
func (n *Node) passOn(ctx context.Context, allowed Allowed) error {
	var commands []gluster.Command
	if allowed.GiveUp != "" {
		cmds, err := recovery.GiveUp(ctx, n.Observer, allowed.GiveUp)
		if err != nil {
			return change.Refused(err)
		}
		commands = append(commands, cmds...)
	}
	if allowed.RebuildEmpty != "" {
		cmds, err := recovery.RebuildEmpty(ctx, n.Observer, allowed.RebuildEmpty)
		if err != nil {
			return change.Refused(err)
		}
		commands = append(commands, cmds...)
	}
	for _, cmd := range commands {
		fmt.Fprintln(allowed.Out, cmd)
		if err := n.Run(ctx, cmd); err != nil {
			return err
		}
	}
	return nil
}
