package writer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Holder is who has a lock, as it noted itself there.
type Holder struct {
	Program string // "gluster-setup apply"
	PID     int
	Since   time.Time
}

func (h Holder) String() string {
	if h.PID == 0 {
		return "another run of gluster-setup"
	}
	return fmt.Sprintf("%s (process %d, at work since %s)", h.Program, h.PID, h.Since.Local().Format("2006-01-02 15:04:05"))
}

// Waiting is told again and again for whom somebody waits, and for how long already.
type Waiting func(h Holder, since time.Duration)

// lock is a file that one process at a time has locked. The kernel keeps the lock: it ends with the process that has it, however
// that ends, and no program that it starts inherits it. What the file holds is for messages only.
type lock struct {
	file *flock.Flock
	self Holder
}

// between is how long to wait before asking for a lock again: flock(2) cannot wait for a lock and a context.
const between = 20 * time.Millisecond

func newLock(path, program string) *lock {
	return &lock{file: flock.New(path, flock.SetPermissions(0o600)), self: Holder{Program: program, PID: os.Getpid()}}
}

// take waits for the lock until ctx ends; then the error names who has it.
func (l *lock) take(ctx context.Context, holder func() Holder, waiting Waiting) error {
	if err := os.MkdirAll(filepath.Dir(l.file.Path()), 0o755); err != nil { //nolint:gosec // holds nothing secret
		return err
	}
	for began := time.Now(); ; {
		got, err := l.try()
		if err != nil || got {
			return err
		}
		h := holder()
		if waiting != nil {
			waiting(h, time.Since(began))
		}
		select {
		case <-ctx.Done():
			return &HeldError{Holder: h, Path: l.file.Path(), Err: context.Cause(ctx)}
		case <-time.After(between):
		}
	}
}

// try takes the lock where it is free, and notes who has it.
func (l *lock) try() (bool, error) {
	got, err := l.file.TryLock()
	if err != nil || !got {
		return false, err
	}
	note := fmt.Sprintf("%d %s %s\n", l.self.PID, time.Now().UTC().Format(time.RFC3339), l.self.Program)
	// /run may be full: who waits is then told less, and waits all the same.
	_ = os.WriteFile(l.file.Path(), []byte(note), 0o600)
	return true, nil
}

// release gives the lock back. Closing a lock file of one's own does not fail, and the kernel would do it.
func (l *lock) release() { _ = l.file.Close() }

// holder is who has the lock, as far as that is noted.
func (l *lock) holder() Holder {
	text, err := os.ReadFile(l.file.Path())
	if err != nil {
		return Holder{}
	}
	h, _ := parse(string(text))
	return h
}

var errNote = errors.New("no note of a holder")

// parse reads what try wrote.
func parse(note string) (Holder, error) {
	fields := strings.SplitN(strings.TrimSpace(note), " ", 3)
	if len(fields) != 3 {
		return Holder{}, errNote
	}
	pid, err := strconv.Atoi(fields[0])
	if err != nil {
		return Holder{}, err
	}
	since, err := time.Parse(time.RFC3339, fields[1])
	if err != nil {
		return Holder{}, err
	}
	return Holder{PID: pid, Since: since, Program: fields[2]}, nil
}

// HeldError says that a lock did not become free in time.
type HeldError struct {
	Holder Holder
	Path   string
	Err    error
}

func (e *HeldError) Error() string {
	remedy := "wait for its end (fuser " + e.Path + " shows it)"
	if pid := e.Holder.PID; pid != 0 {
		remedy = fmt.Sprintf("wait for its end, or find out why it hangs (ps -fp %d) and end it (kill %d)", pid, pid)
	}
	return fmt.Sprintf("%s still holds this node's lock %s: %v: %s", e.Holder, e.Path, e.Err, remedy)
}

// Unwrap returns why the wait ended.
func (e *HeldError) Unwrap() error { return e.Err }
