package recovery

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// GlusterFS makes a file on a brick and gives it its trusted.gfid in two steps
// (xlators/storage/posix/src/posix-entry-ops.c, 10.3). A brick process that is
// killed between them leaves a name that belongs to nobody: no client was ever
// told that it exists, heals of its directory fail from then on ("Invalid
// argument"), and the directory cannot be removed.

// creating is how old such a name must be: a younger one may be in the making.
const creating = 10 * time.Second

// removeNameless removes the names without a gfid from directories of a brick,
// given as heal info prints them, and returns what it removed. Only what is
// empty is touched.
func removeNameless(brick string, dirs []string, now time.Time) ([]string, error) {
	var removed []string
	var errs []error
	for _, d := range dirs {
		dir, ok := dirOf(brick, d)
		if !ok {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) {
				errs = append(errs, err)
			}
			continue
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if path == filepath.Join(brick, ".glusterfs") || !nameless(path, now) {
				continue
			}
			if err := os.Remove(path); err != nil {
				errs = append(errs, err)
				continue
			}
			removed = append(removed, path)
		}
	}
	return removed, errors.Join(errs...)
}

// dirOf is where an entry of heal info lies on a brick: a path from the root of
// the volume, or <gfid:...>, which .glusterfs leads to.
func dirOf(brick, entry string) (string, bool) {
	if id, ok := strings.CutPrefix(entry, "<gfid:"); ok {
		id, ok = strings.CutSuffix(id, ">")
		if !ok || len(id) != 36 {
			return "", false
		}
		return filepath.Join(brick, ".glusterfs", id[:2], id[2:4], id), true
	}
	if !strings.HasPrefix(entry, "/") {
		return "", false
	}
	return filepath.Join(brick, entry), true
}

func nameless(path string, now time.Time) bool {
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil || now.Sub(time.Unix(st.Ctim.Unix())) < creating {
		return false
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		if st.Size > 0 || st.Nlink != 1 {
			return false
		}
	case unix.S_IFDIR, unix.S_IFLNK: // a directory that is not empty is not removed
	default:
		return false
	}
	_, err := unix.Lgetxattr(path, "trusted.gfid", nil)
	return errors.Is(err, unix.ENODATA)
}
