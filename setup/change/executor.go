package change

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Executor makes changes, and logs each with every command that it runs: one kind for all programs that change this machine or the
// pool. Where a command is run finds out from its context for whom: see Command.
type Executor struct {
	Log *slog.Logger
	// Take waits until nobody else changes this node or the pool from it, and returns what ends that; nil where nobody else is.
	// waiting is told for whom it waits.
	Take func(ctx context.Context, waiting func(who string, since time.Duration)) (release func(), err error)
	// Lend lets what systemd starts on this program's behalf change what it must while f runs; nil where nothing is.
	Lend func(ctx context.Context, f func() error) error
}

// Turn does f while nobody else changes this node. What f changes it must have looked at itself.
func (e *Executor) Turn(ctx context.Context, waiting func(who string, since time.Duration), f func() error) error {
	if e == nil || e.Take == nil {
		return f()
	}
	release, err := e.Take(ctx, waiting)
	if err != nil {
		return err
	}
	defer release()
	return f()
}

// Logging returns a context in which Command logs, for what is changed without a Change.
func (e *Executor) Logging(ctx context.Context) context.Context {
	return context.WithValue(ctx, executing{}, e)
}

// Make makes one change. Only in a Turn: what it was planned from may not hold any more outside of one.
func (e *Executor) Make(ctx context.Context, c Change) Result {
	if e == nil {
		e = &Executor{Log: slog.New(slog.DiscardHandler)}
	}
	began := time.Now()
	err := c.Do(e.Logging(ctx))
	res := Result{Change: c, Status: Done, Duration: time.Since(began)}
	attrs := []any{
		slog.String("part", string(c.Part)), slog.String("code", c.Code), slog.String("action", c.Action), slog.String("object", c.Object),
		slog.Time("began", began), slog.Duration("took", res.Duration),
	}
	if err == nil {
		e.Log.Info("change made", attrs...)
		return res
	}
	res.Status = Failed
	if _, partly := errors.AsType[*PartlyError](err); partly {
		res.Status = Partly
	}
	res.Err = fmt.Errorf("%s: %w", c, err)
	e.Log.Info("change failed", append(attrs, slog.Any("error", err))...)
	return res
}

// executing is the key of the Executor in the context of a change that it makes.
type executing struct{}

// Command runs a command, and logs it where it is part of a change.
func Command(ctx context.Context, words string, run func() error) error {
	e, ok := ctx.Value(executing{}).(*Executor)
	if !ok {
		return run() // only a look
	}
	began := time.Now()
	err := run()
	attrs := []any{slog.String("command", words), slog.Time("began", began), slog.Duration("took", time.Since(began))}
	if err != nil {
		e.Log.Info("command failed", append(attrs, slog.Any("error", err))...)
		return err
	}
	e.Log.Info("command run", attrs...)
	return nil
}

// Lent is Command for what may start units, or has systemd do it: they may change this node meanwhile.
func Lent(ctx context.Context, words string, run func() error) error {
	return Command(ctx, words, func() error {
		if e, ok := ctx.Value(executing{}).(*Executor); ok && e.Lend != nil {
			return e.Lend(ctx, run)
		}
		return run()
	})
}

// Logged is run with each of its commands logged that is part of a change.
func Logged[C fmt.Stringer](run func(context.Context, C) error) func(context.Context, C) error {
	return func(ctx context.Context, c C) error {
		return Command(ctx, c.String(), func() error { return run(ctx, c) })
	}
}
