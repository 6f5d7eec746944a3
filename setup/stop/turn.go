package stop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"brickyard/setup/change"
	"brickyard/setup/writer"
)

// Turns asks a gate in turns with the other programs that change this node.
type Turns struct {
	Gate     *Gate
	Executor *change.Executor
}

// turnTime is how long it waits for such a program: a turn that takes longer changes much, or hangs.
const turnTime = 30 * time.Second

var errBusy = fmt.Errorf("it did not end within %s", turnTime) //nolint:gochecknoglobals // a constant

// Ask returns why the node must not be stopped, or asks again for so long until it may. With claim it is as Gate.Ask.
func (t Turns) Ask(ctx context.Context, claim bool, wait time.Duration) ([]string, error) {
	for end := time.Now().Add(wait); ; {
		reasons, err := t.ask(ctx, claim)
		if err != nil {
			return nil, fmt.Errorf("cannot tell whether this node may be stopped: %w", err)
		}
		if len(reasons) == 0 || time.Now().After(end) {
			return reasons, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(jitter(time.Second)):
		}
	}
}

// ask asks once; a node that another program changes must not be stopped.
func (t Turns) ask(ctx context.Context, claim bool) (reasons []string, err error) {
	if !claim {
		return t.Gate.Ask(ctx, false)
	}
	err = t.soon(ctx, func() (err error) {
		reasons, err = t.Gate.Ask(ctx, true)
		return err
	})
	if held, ok := errors.AsType[*writer.HeldError](err); ok && ctx.Err() == nil {
		return []string{held.Error()}, nil
	}
	return reasons, err
}

// Release takes the word of this node back.
func (t Turns) Release(ctx context.Context) error {
	return t.soon(ctx, func() error { return t.Gate.Release(ctx) })
}

// soon does f in a turn that comes soon.
func (t Turns) soon(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, turnTime, errBusy)
	defer cancel()
	return t.Executor.Turn(ctx, nil, f)
}

// jitter is d, give or take half of it, so that nodes that ask at the same
// moment do not do so again.
func jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(rand.Int64N(int64(d))) //nolint:gosec // nothing secret
}
