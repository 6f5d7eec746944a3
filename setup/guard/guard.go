// Package guard sees to this node before its glusterd starts, and notes that it
// stopped cleanly: bricks that a power cut may have cost writes are withheld,
// volumes that glusterd could not read are moved aside, and the lines of the
// nodes are put back into /etc/hosts.
package guard

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/etchosts"
	"brickyard/setup/host"
	"brickyard/setup/store"
	"brickyard/setup/writer"
)

// Part is what one call of the guard sees to.
type Part string

// Parts of the guard.
const (
	BeforeStart Part = "before-start" // the bricks, then glusterd's store
	AfterStop   Part = "after-stop"
	Store       Part = "store"
	Hosts       Part = "hosts"
)

// turnTime is how long glusterd's start waits for a program that changes this
// node. The units of glusterd call the guard up to three times.
const turnTime = 5 * time.Second

const proc = "/proc"

// Run does one part on this node, in a turn of its own. The part Store needs no state.
func Run(ctx context.Context, part Part, s *desired.State, log *slog.Logger) error {
	does := writer.New(host.RunDir, "guard").GuardExecutor(log, turnTime)
	return does.Turn(ctx, nil, func() error { return run(does.Logging(ctx), part, s, log) })
}

func run(ctx context.Context, part Part, s *desired.State, log *slog.Logger) error {
	switch part {
	case Store:
		return readableStore(log)
	case Hosts:
		return etchosts.Restore(s, log)
	case AfterStop:
		return BricksOf(s, log).Stopped(ctx)
	default:
		return errors.Join(BricksOf(s, log).Start(), readableStore(log))
	}
}

// readableStore moves volumes aside that glusterd could not read, if its store is where this program looks for
// it. Where it is elsewhere that is logged only: glusterd is not kept from starting.
func readableStore(log *slog.Logger) error {
	err := host.UsualPlace()
	if err != nil {
		log.Error("glusterd's store may not be where it is looked for", "error", err)
	}
	if _, elsewhere := errors.AsType[change.Conflicts](err); elsewhere {
		return nil
	}
	return store.MoveUnreadable(gluster.DefaultWorkdir, proc, time.Now(), log)
}
