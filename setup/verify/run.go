package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// MissingError says which peers did not start within the timeout.
type MissingError struct {
	Nodes        []string
	Volume, Path string
	Waited       time.Duration
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("no verify of volume %s (%s) was met within %s on: %s; start it on all client nodes at the same time, and look whether the volume is mounted and its bricks are online there",
		e.Volume, e.Path, e.Waited, strings.Join(e.Nodes, ", "))
}

// FailedError says that the volume did not do what it should.
type FailedError struct {
	Volume   string
	Failures []string
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("replication of volume %s failed: %s", e.Volume, strings.Join(e.Failures, "; "))
}

// Run verifies one mount together with the other nodes' runs. It returns a
// [MissingError] if a peer did not start in time and a [FailedError] if a
// file or a removal was not seen; the result then tells the details. What
// it made on the volume is removed, also after an error and when ctx is
// cancelled.
func Run(ctx context.Context, cfg Config) (Result, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return newResult(cfg), err
	}
	if err := checkMount(cfg.Path, cfg.Volume); err != nil {
		return newResult(cfg), err
	}
	if cfg.Declared != nil {
		if err := cfg.Declared(ctx); err != nil {
			return newResult(cfg), err
		}
	}
	return run(ctx, cfg, mounted{cfg.Path})
}

// run is Run without the look at the mount.
func run(ctx context.Context, cfg Config, fsys fileSystem) (result Result, err error) {
	s := newSession(cfg, fsys)
	result = newResult(cfg)
	defer func() {
		early := err != nil
		err = errors.Join(err, s.leave(ctx, early))
		result.Notes = append(result.Notes, s.notes...)
		if err == nil {
			err = result.failure()
		}
	}()
	if err := s.prepare(ctx); err != nil {
		return result, err
	}
	if len(s.peers) == 0 {
		result.RoundsCompleted, err = s.alone(ctx)
		result.Complete = err == nil
		return result, err
	}
	begin := time.Now()
	if err := s.meet(ctx); err != nil {
		return result, err
	}
	result.MeetingSeconds = time.Since(begin).Seconds()
	result.RoundsCompleted, err = s.rounds(ctx)
	if err == nil {
		err = s.part(ctx)
	}
	for _, p := range s.peers {
		result.Peers = append(result.Peers, s.result(p))
	}
	result.Complete = err == nil
	return result, err
}
