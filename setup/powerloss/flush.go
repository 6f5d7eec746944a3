package powerloss

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/setup/beneath"
)

// Everything that a brick acknowledged before its file system was last
// flushed is on the disk. Flushing regularly, and remembering when, bounds what
// has to be read after a power cut.

func flushedPath(brick string) string {
	return filepath.Join(filepath.Dir(brick), ".gluster-setup-flushed")
}

// Flush writes everything of a brick's file system to its disk, and remembers
// when that began. Nothing is done for a brick that is not there, as one that is
// withheld, nor on a file system that is mounted sync.
func Flush(brick string, now time.Time) (err error) {
	dir, err := beneath.Open(brick)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil // no brick there: nothing to flush
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	if st, err := dir.Statfs(); err != nil || st.Flags&unix.ST_SYNCHRONOUS != 0 {
		return err
	}
	if err := dir.SyncFS(); err != nil {
		return err
	}
	return beneath.WriteState(flushedPath(brick), []byte(now.UTC().Format(time.RFC3339Nano)+"\n"))
}

// Flushed is when the last flush of a brick's file system began that came to
// its end; the zero time where none is known of. One in the future is none: the
// clock was set back since, and what was changed afterwards looks older than it.
func Flushed(brick string, now time.Time) (time.Time, error) {
	text, err := beneath.ReadState(flushedPath(brick))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, beneath.ErrNotRoots) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(text)))
	if err != nil || t.After(now) {
		return time.Time{}, nil //nolint:nilerr // a power cut may leave it empty: then nothing is known
	}
	return t, nil
}
