package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// The operations, in the order they are done to each file.
const (
	opCreate = iota
	opWrite
	opFsync
	opClose
	opOpen
	opRead
	opRemove
	opCount
)

func operationNames() [opCount]string {
	return [opCount]string{"create", "write", "fsync", "close", "open", "read", "remove"}
}

// target is one path while it is measured.
type target struct {
	result    PathResult
	dir       string
	machine   machine
	config    Config
	recorders [opCount]*recorder
	elapsed   time.Duration // in operations of the running round
	text      []byte
	back      []byte // what was read; one byte longer than the text
}

func newTarget(m machine, cfg Config, p PathResult) *target {
	t := &target{result: p, machine: m, config: cfg, text: newText(cfg.Size), back: make([]byte, cfg.Size+1)}
	for op := range t.recorders {
		t.recorders[op] = newRecorder()
	}
	return t
}

// round does one whole round and counts it if it was finished.
func (t *target) round(ctx context.Context, number int, step func()) error {
	t.elapsed = 0
	for i := range t.config.Count {
		if err := t.oneFile(ctx, number, i); err != nil {
			return err
		}
		step()
	}
	t.result.RoundSeconds = append(t.result.RoundSeconds, t.elapsed.Seconds())
	return nil
}

// timed does one operation unless the run was stopped.
func (t *target) timed(ctx context.Context, op int, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	start := time.Now()
	err := do()
	took := time.Since(start)
	if err != nil {
		return err
	}
	t.recorders[op].add(took)
	t.elapsed += took
	return nil
}

func (t *target) oneFile(ctx context.Context, round, number int) error {
	name := fmt.Sprintf("%s%06d", filePrefix, number)
	full := filepath.Join(t.dir, name)
	stamp(t.text, uint64(round)<<32|uint64(number)) //nolint:gosec // both are small and positive
	if err := t.write(ctx, full); err != nil {
		return err
	}
	n, err := t.readBack(ctx, full)
	if err != nil {
		return err
	}
	if offset, detail, differs := difference(t.text, t.back[:n]); differs {
		return &CorruptError{Path: t.result.Path, File: filepath.Join(filepath.Base(t.dir), name), Offset: offset, Detail: detail}
	}
	return t.timed(ctx, opRemove, func() error { return t.machine.Remove(full) })
}

func (t *target) write(ctx context.Context, name string) (err error) {
	var f file
	if err := t.timed(ctx, opCreate, func() (err error) { f, err = t.machine.Create(name); return err }); err != nil {
		return err
	}
	closed := false
	defer func() {
		if !closed {
			err = errors.Join(err, f.Close())
		}
	}()
	if err := t.timed(ctx, opWrite, func() error { _, err := f.Write(t.text); return err }); err != nil {
		return err
	}
	if t.config.Fsync {
		if err := t.timed(ctx, opFsync, f.Sync); err != nil {
			return err
		}
	}
	return t.timed(ctx, opClose, func() error { closed = true; return f.Close() })
}

func (t *target) readBack(ctx context.Context, name string) (n int, err error) {
	var f file
	if err := t.timed(ctx, opOpen, func() (err error) { f, err = t.machine.Open(name); return err }); err != nil {
		return 0, err
	}
	closed := false
	defer func() {
		if !closed {
			err = errors.Join(err, f.Close())
		}
	}()
	if t.config.DropCache {
		if err := f.DropCache(); err != nil {
			return 0, err
		}
	}
	err = t.timed(ctx, opRead, func() error {
		// The buffer is one byte longer than the file should be, so a
		// complete read ends with "unexpected EOF".
		if n, err = io.ReadFull(f, t.back); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return err
		}
		closed = true
		return f.Close()
	})
	return n, err
}

// finish adds the distributions to the result.
func (t *target) finish() PathResult {
	p := t.result
	for op, name := range operationNames() {
		if t.recorders[op].histogram.TotalCount() > 0 {
			p.Operations = append(p.Operations, t.recorders[op].operation(name))
		}
	}
	p.AverageRoundSeconds = mean(p.RoundSeconds)
	return p
}
