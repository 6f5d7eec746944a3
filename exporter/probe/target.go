package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"
)

// reapPatience is how long a killed child usually needs to end.
const reapPatience = 500 * time.Millisecond

// errStuck is an operation that does not end.
var errStuck = errors.New("the mount does not answer")

// target is one probed mount. Its goroutine runs the probes; what it finds is in state.
type target struct {
	config Config
	path   string
	log    *slog.Logger
	state  *state

	child *child // nil where none runs
	last  uint64 // request
	said  string // class of the error that was logged last
}

func newTarget(config Config, path string, m *metrics, log *slog.Logger) *target {
	return &target{config: config, path: path, log: log, state: newState(m, path, config)}
}

// run probes until ctx ends and returns when the child is gone, or does not end though it was killed.
func (t *target) run(ctx context.Context) {
	// The child is told of the end of the thread that started it. The thread ends with this goroutine.
	runtime.LockOSThread()
	ticker := time.NewTicker(t.config.Interval)
	defer ticker.Stop()
	defer func() {
		if t.child != nil && !t.child.stop() {
			t.log.Warn("the kernel does not let the killed probe end: its mount has a request and does not answer")
		}
	}()
	for {
		t.cycle(ctx)
		t.state.age(time.Now())
		var undead chan struct{}
		if t.child != nil && t.child.killed {
			undead = t.child.done // its end is a sign that the mount answers again
		}
		select {
		case <-ctx.Done():
			return
		case <-undead:
		case <-ticker.C:
		}
	}
}

// cycle makes one probe of each size.
func (t *target) cycle(ctx context.Context) {
	m, err := findMount(t.config.MountInfo, t.path)
	if err == nil {
		err = declared(ctx, t.config.Fstab, m)
	}
	if err != nil {
		class := classOther
		if errors.Is(err, errNotMounted) {
			class = classNotMounted
		}
		if t.child != nil && !t.child.killed {
			t.child.stop()
		}
		t.state.unknown()
		t.fail(class, err)
		return
	}
	t.state.setVolume(m.Volume)
	if err := t.ready(); err != nil {
		class := classOther
		if errors.Is(err, errStuck) {
			class = classStuck
		}
		t.fail(class, err)
		return
	}

	good, start := true, time.Now()
	for i, size := range t.config.Sizes {
		t.last++
		class, err := t.ask(ctx, request{ID: t.last, Size: size, Bricks: i == 0})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			good = false
			t.fail(class, err)
		}
		if t.child == nil || t.child.killed {
			return
		}
	}
	t.state.finish(good, start, time.Now())
	if good && t.said != "" {
		t.log.Info("the mount works again")
		t.said = ""
	}
}

// ready makes sure that there is a child, and never a second one.
func (t *target) ready() error {
	if t.child != nil {
		select {
		case <-t.child.done:
			t.child = nil
		default:
			if t.child.killed {
				return fmt.Errorf("%w, and the kernel does not let the killed probe end", errStuck)
			}
			return nil
		}
	}
	c, err := startChild(t.config.Executable, childConfig{
		Mountpoint: t.path, Mounts: t.config.Mounts, MountInfo: t.config.MountInfo,
		Node: t.config.Node, Peers: t.config.Peers, Echo: echoInterval(t.config.Interval),
	}, t.state.hear)
	if err != nil {
		return fmt.Errorf("start %s: %w", t.config.Executable, err)
	}
	t.child = c
	return nil
}

// ask has the child make one probe and returns the class of its error. A child that does not answer is killed.
func (t *target) ask(ctx context.Context, r request) (class string, err error) {
	if err := t.child.enc.Encode(r); err != nil {
		t.child.kill()
		return classOther, t.reap(fmt.Errorf("ask the probe: %w", err))
	}
	operation, since := "", time.Now()
	timer := time.NewTimer(t.config.Timeout)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return classOther, ctx.Err()
		case <-t.child.done:
			t.child = nil
			return classOther, errors.New("the probe's process has ended by itself")
		case <-timer.C:
			t.child.kill()
			if operation == "" { // it has asked nothing of the mount yet
				return classOther, t.reap(fmt.Errorf("the probe's process has not begun within %s", t.config.Timeout))
			}
			t.state.stuckSince(since)
			return classStuck, t.reap(fmt.Errorf("%s: %w for %s", operation, errStuck, t.config.Timeout))
		case m := <-t.child.progress:
			since = time.Now()
			timer.Reset(t.config.Timeout)
			t.state.progress(m)
			if m.Begin != "" {
				operation = m.Begin
			}
			if !m.Done {
				continue
			}
			if m.Class != "" {
				return m.Class, errors.New(m.Error)
			}
			return "", nil
		}
	}
}

// reap waits a moment for a child that was killed, and returns err.
func (t *target) reap(err error) error {
	if t.child.ended(reapPatience) {
		t.child = nil
	}
	return err
}

// fail counts a failure, and logs it when it is of another class than the last one.
func (t *target) fail(class string, err error) {
	t.state.fail(class)
	if class == t.said {
		t.log.Debug("probe failed", "class", class, "error", err)
		return
	}
	t.said = class
	t.log.Warn("probe failed", "class", class, "error", err)
}
