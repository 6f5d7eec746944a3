// Package writer sees to it that one program at a time changes this node, or the pool from this node.
//
// Three locks, taken in this order:
//
//   - next: held by the one who is to write after the one who writes now. Whoever gives the node back and wants it again
//     queues behind that one, so that a program that makes one change after the other keeps nobody waiting.
//   - node: held by the one who writes.
//   - units: held by the one who writes as well, but lent while it has systemd or a package manager at work. glusterd's units call
//     "gluster-setup guard", which needs this lock alone: else an apply that starts glusterd would wait for a guard that
//     waits for that apply.
package writer

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"brickyard/setup/change"
)

// Writer is one program that writes now and then.
type Writer struct {
	program           string
	next, node, units *lock

	mu      sync.Mutex
	writing bool
}

// New returns the writer of a program, such as "apply". dir has the locks and must not outlive a boot.
func New(dir, program string) *Writer {
	file := func(name string) *lock { return newLock(filepath.Join(dir, name), "gluster-setup "+program) }
	return &Writer{program: program, next: file("next.lock"), node: file("node.lock"), units: file("units.lock")}
}

// Take waits until nobody else writes, and returns what gives the node back. What was seen before may not hold any more.
func (w *Writer) Take(ctx context.Context, waiting Waiting) (release func(), err error) {
	if err := w.next.take(ctx, w.inTheWay, waiting); err != nil {
		return nil, err
	}
	defer w.next.release()
	if err := w.node.take(ctx, w.node.holder, waiting); err != nil {
		return nil, err
	}
	if err := w.units.take(ctx, w.units.holder, waiting); err != nil {
		w.node.release()
		return nil, err
	}
	w.set(true)
	return func() {
		w.set(false)
		w.units.release()
		w.node.release()
	}, nil
}

// inTheWay is whom the one waits for that is not even next: the one who writes, where somebody does.
func (w *Writer) inTheWay() Holder {
	if free, err := w.node.file.TryLock(); err == nil && free {
		w.node.release()
		return w.next.holder()
	}
	return w.node.holder()
}

// Guard is Take for what glusterd's units call, on behalf of the one who writes or of nobody.
func (w *Writer) Guard(ctx context.Context, waiting Waiting) (release func(), err error) {
	if err := w.units.take(ctx, w.units.holder, waiting); err != nil {
		return nil, err
	}
	return w.units.release, nil
}

// Lend has a guard write while f runs, which starts units and writes nothing itself. It returns when nobody else writes any more.
func (w *Writer) Lend(ctx context.Context, f func() error) error {
	if !w.set(false) {
		return f() // lent already, or nothing to lend
	}
	w.units.release()
	err := f()
	if taken := w.units.take(ctx, w.units.holder, nil); taken != nil {
		return errors.Join(err, taken)
	}
	w.set(true)
	return err
}

func (w *Writer) set(writing bool) (before bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, w.writing = w.writing, writing
	return before
}

// Alone keeps two runs of the same program on this node apart, for as long as they run.
func Alone(ctx context.Context, dir, program string, waiting Waiting) (release func(), err error) {
	l := newLock(filepath.Join(dir, program+".lock"), "another run of gluster-setup "+program)
	if err := l.take(ctx, l.holder, waiting); err != nil {
		return nil, err
	}
	return l.release, nil
}

// TryAlone is Alone for who does not wait; the error is a HeldError where another run has the lock.
func TryAlone(dir, program string) (release func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return Alone(ctx, dir, program, nil)
}

// worthTelling is how long somebody waits before it says for whom: most turns are short.
const worthTelling = 2 * time.Second

// Executor makes the changes of this program in its turns, and logs for which program it does.
func (w *Writer) Executor(log *slog.Logger) change.Executor {
	return w.executor(log, w.Take, w.Lend)
}

// GuardExecutor is Executor for what glusterd's units call. glusterd does not start without it, so it does not wait longer than
// limit: it then goes on beside whoever hangs, as it must, and says so.
func (w *Writer) GuardExecutor(log *slog.Logger, limit time.Duration) change.Executor {
	return w.executor(log, func(ctx context.Context, waiting Waiting) (func(), error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		release, err := w.Guard(ctx, waiting)
		if held, ok := errors.AsType[*HeldError](err); ok {
			log.Warn("another program changes this node and does not end: glusterd must not wait for it any longer", "program", held.Holder.String(), "lock", held.Path)
			return func() {}, nil
		}
		return release, err
	}, nil)
}

func (w *Writer) executor(log *slog.Logger, take func(context.Context, Waiting) (func(), error), lend func(context.Context, func() error) error) change.Executor {
	return change.Executor{
		Log: log.With("program", w.program, "process", os.Getpid()), Lend: lend,
		Take: func(ctx context.Context, waiting func(string, time.Duration)) (func(), error) {
			return take(ctx, func(h Holder, since time.Duration) {
				if waiting != nil && since >= worthTelling {
					waiting(h.String(), since)
				}
			})
		},
	}
}
