package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// patience is how long a stopped run waits for the operation it is in, before
// it gives up a file system that does not answer.
const patience = 15 * time.Second

// Run measures the paths of the configuration. Its files live in one private
// hidden directory in each path, which is removed at the end, also after an
// error and when ctx is cancelled. With an error the result holds what was
// measured until then and is marked incomplete; after ctx was cancelled the
// error wraps ctx.Err(). A file read back differently is a [CorruptError].
func Run(ctx context.Context, cfg Config) (Result, error) {
	return run(ctx, cfg, local{}, patience)
}

type outcome struct {
	result Result
	err    error
}

// run keeps Ctrl-C working on a file system that hangs: the measuring
// goroutine is left behind if it does not come back.
func run(ctx context.Context, cfg Config, m machine, grace time.Duration) (Result, error) {
	if err := cfg.validate(); err != nil {
		return emptyResult(cfg), err
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := measure(ctx, cfg, m)
		done <- outcome{result, err}
	}()
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.result, o.err
	case <-timer.C:
		return emptyResult(cfg), fmt.Errorf("%w: the file system has not answered for %s; remove %s* below %q when it does",
			ctx.Err(), grace, dirPrefix, cfg.Paths)
	}
}

func emptyResult(cfg Config) Result {
	return Result{
		SizeBytes:     cfg.Size,
		FilesPerRound: cfg.Count,
		Rounds:        cfg.Rounds,
		Fsync:         cfg.Fsync,
		DropCache:     cfg.DropCache,
		Paths:         []PathResult{},
		Comparisons:   []Comparison{},
		Warnings:      []string{},
		Notes:         []string{},
	}
}

func measure(ctx context.Context, cfg Config, m machine) (result Result, err error) {
	result = emptyResult(cfg)
	paths, warnings, err := inspect(m, cfg)
	result.Warnings = append(result.Warnings, warnings...)
	if err != nil {
		return result, err
	}
	targets := make([]*target, len(paths))
	for i, p := range paths {
		targets[i] = newTarget(m, cfg, p)
	}
	defer func() {
		for _, t := range targets {
			if t.dir != "" {
				err = errors.Join(err, removeDir(t.dir))
			}
		}
	}()
	for _, t := range targets {
		dir, removed, err := makeDir(m, t.result.Path)
		for _, name := range removed {
			result.Notes = append(result.Notes, fmt.Sprintf("removed %s, left by a run that ended without cleaning up", name))
		}
		if err != nil {
			return result, err
		}
		t.dir = dir
	}
	err = rounds(ctx, cfg, targets)
	for i, t := range targets {
		p := t.finish()
		result.Paths = append(result.Paths, p)
		if i > 0 {
			if c, ok := compare(result.Paths[0], p); ok {
				result.Comparisons = append(result.Comparisons, c)
			}
		}
	}
	result.Complete = err == nil
	return result, err
}

// rounds does all rounds on all targets. In round n the target n (modulo
// their number) goes first.
func rounds(ctx context.Context, cfg Config, targets []*target) error {
	bar := newProgress(cfg)
	defer bar.finish()
	for number := range cfg.Rounds {
		for i := range targets {
			t := targets[(number+i)%len(targets)]
			bar.describe(number, t.result.Path)
			if err := t.round(ctx, number, bar.step); err != nil {
				return fmt.Errorf("round %d of %d on %s: %w", number+1, cfg.Rounds, t.result.Path, err)
			}
		}
	}
	return nil
}
