package powerloss

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/setup/machine"
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
func Flush(brick string, now time.Time) error {
	var st unix.Statfs_t
	if err := unix.Statfs(brick, &st); err != nil || st.Flags&unix.ST_SYNCHRONOUS != 0 {
		return nil //nolint:nilerr // no brick there: nothing to flush
	}
	if err := syncfs(filepath.Dir(brick)); err != nil {
		return err
	}
	return machine.WriteFile(flushedPath(brick), []byte(now.UTC().Format(time.RFC3339Nano)+"\n"), 0o600)
}

// Flushed is when the last flush of a brick's file system began that came to
// its end; the zero time where none is known of.
func Flushed(brick string) (time.Time, error) {
	text, err := os.ReadFile(flushedPath(brick))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(text)))
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // a power cut may leave it empty: then nothing is known
	}
	return t, nil
}

func syncfs(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(unix.Syncfs(int(d.Fd())), d.Close()); err != nil { //nolint:gosec // a descriptor fits
		return fmt.Errorf("flush the file system of %s: %w", dir, err)
	}
	return nil
}
