package powerloss

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/setup/beneath"
)

// kept is how long what was taken out of a brick is kept.
const kept = 30 * 24 * time.Hour

// keptSince is the attribute of a directory with what was taken out: when this
// machine's clock, known to be right, first found it there; seconds since 1970,
// big-endian. The date in its name is by whatever clock there was: a machine
// whose battery is empty begins in 1970, or next year.
const keptSince = "trusted.brickyard.kept-since"

// Synchronized reports whether the kernel's clock is known to be right: a time
// server says so to the kernel (adjtimex(2)).
func Synchronized() bool {
	state, err := unix.Adjtimex(&unix.Timex{})
	return err == nil && state != unix.TIME_ERROR
}

// Prune removes what has been aside for a month, and returns the directories
// that it removed. Nothing is removed, and no month begins, while the clock is
// not known to be right. Bricks that were moved aside as a whole stay.
func Prune(brick string, now time.Time, synchronized bool) (removed []string, err error) {
	if !synchronized {
		return nil, nil
	}
	path := filepath.Join(filepath.Dir(brick), asideName)
	dir, err := beneath.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close() //nolint:errcheck // read only
	names, err := dir.Names(-1)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	for _, name := range names {
		stamp, _, ours := strings.Cut(name, "-")
		if _, err := time.Parse(asideTime, stamp); !ours || err != nil {
			continue
		}
		since, err := firstSeen(dir, name, now)
		if err != nil {
			return removed, err
		}
		if now.Sub(since) < kept {
			continue
		}
		if err := dir.RemoveAll(name); err != nil {
			return removed, err
		}
		removed = append(removed, filepath.Join(path, name))
	}
	return removed, nil
}

// firstSeen is since when a directory has been aside by clocks that were right.
func firstSeen(dir *beneath.Dir, name string, now time.Time) (time.Time, error) {
	value := make([]byte, 8)
	n, err := dir.Getxattr(name, keptSince, value)
	switch {
	case err == nil && n == len(value):
		return time.Unix(int64(binary.BigEndian.Uint64(value)), 0), nil //nolint:gosec // seconds fit
	case err != nil && !errors.Is(err, unix.ENODATA):
		return now, err
	}
	binary.BigEndian.PutUint64(value, uint64(now.Unix())) //nolint:gosec // after 1970
	return now, dir.Setxattr(name, keptSince, value)
}
