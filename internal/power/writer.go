package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// doer carries out operations.
type doer interface {
	do(context.Context, op) (reply, error)
	close()
}

// writer changes files all the time, and keeps the record.
type writer struct {
	*record
	hands doer
	rng   *rand.Rand
	seq   int
	say   func(string, ...any)
	pause atomic.Int64 // nanoseconds between operations

	done    int           // operations that were acknowledged
	failed  int           // that were refused or never answered
	longest time.Duration // of one
}

// act does one operation and notes it.
func (w *writer) act(ctx context.Context, o op) error {
	w.begin(o)
	began := time.Now()
	r, err := w.hands.do(ctx, o)
	w.longest = max(w.longest, time.Since(began))
	w.end(o, err != nil || r.Error != "", time.Now())
	switch {
	case err != nil:
		w.failed++
	case r.Error != "":
		if w.failed++; w.failed < 6 {
			w.say("   . the writer: %s %s: %s", o.Kind, o.Path, r.Error)
		}
	default:
		w.done++
	}
	return err
}

func (w *writer) name(dir string) string {
	w.seq++
	name := fmt.Sprintf("n%06d", w.seq)
	if dir != "" {
		name = dir + "/" + name
	}
	return name
}

func (w *writer) size() int {
	if w.rng.IntN(20) == 0 {
		return 100_000 + w.rng.IntN(100_000)
	}
	return w.rng.IntN(20_000)
}

// fill makes files that are old when the power goes.
func (w *writer) fill(ctx context.Context, dirs, files int) error {
	for d := range dirs {
		if err := w.act(ctx, op{Kind: opMkdir, Path: fmt.Sprintf("d%02d", d)}); err != nil {
			return err
		}
	}
	for i := range files {
		w.seq++
		if err := w.act(ctx, op{Kind: opCreate, Path: fmt.Sprintf("d%02d/old%04d", i%dirs, i), Seq: w.seq, Size: w.size()}); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) one(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[w.rng.IntN(len(names))]
}

// next thinks of an operation that must succeed.
func (w *writer) next() op {
	files := w.pick(func(_ string, e entry) bool { return e.Type == file })
	dirs := append(w.pick(func(_ string, e entry) bool { return e.Type == directory }), "")
	dir := w.one(dirs)
	create := op{Kind: opCreate, Path: w.name(dir), Seq: w.seq, Size: w.size()}
	if len(files) == 0 {
		return create
	}
	// Contents of these are known to the last byte.
	whole := w.pick(func(name string, e entry) bool {
		return e.Type == file && e.Size < 400_000 && len(w.names[name].content) == int(e.Size)
	})
	change := func(kind string) op {
		if len(whole) == 0 {
			return create
		}
		return op{Kind: kind, Path: w.one(whole), Seq: w.seq, Size: w.size()}
	}
	switch n := w.rng.IntN(100); {
	case n < 30:
		return create
	case n < 45:
		return change(opOverwrite)
	case n < 52:
		return change(opPatch)
	case n < 62:
		return change(opAppend)
	case n < 72:
		return op{Kind: opRename, Path: w.one(files), To: w.name(dir)}
	case n < 76: // over another file
		from, to := w.one(files), w.one(files)
		if from == to {
			return create
		}
		return op{Kind: opRename, Path: from, To: to}
	case n < 88:
		return op{Kind: opRemove, Path: w.one(files)}
	case n < 92:
		if len(dirs) > 40 {
			return create
		}
		return op{Kind: opMkdir, Path: w.name(w.one(dirs[max(0, len(dirs)-4):]))}
	case n < 95: // an empty directory, if there is one
		for _, d := range dirs {
			if d != "" && len(w.pick(func(name string, e entry) bool { return parent(name) == d && e.Type != "" })) == 0 && w.certain(d) {
				return op{Kind: opRemove, Path: d}
			}
		}
		return create
	default:
		return op{Kind: opSymlink, Path: w.name(dir), Target: w.one(files)}
	}
}

// certain reports whether all is known of what is in a directory.
func (r *record) certain(dir string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, k := range r.names {
		if parent(name) == dir && !k.sure {
			return false
		}
	}
	return true
}

// work goes on until it is told to stop, or the machine does not answer.
func (w *writer) work(ctx context.Context, stop <-chan struct{}) error {
	pause := time.Duration(0)
	for {
		select {
		case <-stop:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
		failed := w.failed
		if err := w.act(ctx, w.next()); err != nil {
			return err
		}
		pause = time.Duration(w.pause.Load())
		if w.failed > failed {
			pause = time.Second // every failure is a name more of which nothing is known
		}
	}
}
