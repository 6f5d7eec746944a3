package recovery

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
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
// empty is touched, and only in directories of the brick itself: the names on
// a brick are those of the volume's users, who may have links to anywhere.
func removeNameless(brick string, entries []string, now time.Time) ([]string, error) {
	var removed []string
	var errs []error
	for _, e := range entries {
		dir, err := openEntry(brick, e)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s on brick %s: %w", e, brick, err))
		}
		if dir == nil {
			continue
		}
		names, err := dir.Readdirnames(-1)
		errs = append(errs, err)
		for _, name := range names {
			if name == internalDir && dir.Name() == brick {
				continue
			}
			mode, ok := nameless(dir, name, now)
			if !ok {
				continue
			}
			flags := 0
			if mode == unix.S_IFDIR {
				flags = unix.AT_REMOVEDIR
			}
			path := filepath.Join(dir.Name(), name)
			switch err := unix.Unlinkat(int(dir.Fd()), name, flags); { //nolint:gosec // a descriptor fits
			case err == nil:
				removed = append(removed, path)
			case !errors.Is(err, unix.ENOTEMPTY):
				errs = append(errs, fmt.Errorf("remove %s: %w", path, err))
			}
		}
		errs = append(errs, dir.Close())
	}
	return removed, errors.Join(errs...)
}

// internalDir is where a brick process keeps its own records.
const internalDir = ".glusterfs"

// openEntry opens what heal info names if it is a directory of the brick with a
// gfid, and returns nil for everything else.
func openEntry(brick, entry string) (*os.File, error) {
	id, byID := strings.CutPrefix(entry, "<gfid:")
	var names []string
	if byID {
		var ok bool
		if names, ok = pathOf(brick, strings.TrimSuffix(id, ">")); !ok {
			return nil, nil
		}
	} else {
		path, ok := strings.CutPrefix(entry, "/")
		if !ok {
			return nil, nil
		}
		if path != "" {
			names = strings.Split(path, "/")
		}
	}
	dir, err := openBelow(brick, names)
	if err != nil || dir == nil {
		return nil, err
	}
	gfid := make([]byte, 16)
	n, err := unix.Fgetxattr(int(dir.Fd()), "trusted.gfid", gfid) //nolint:gosec // a descriptor fits
	switch {
	case errors.Is(err, unix.ENODATA):
		return nil, dir.Close()
	case err != nil:
		return nil, errors.Join(err, dir.Close())
	case n != len(gfid) || (byID && !bytes.Equal(gfid, parseID(strings.TrimSuffix(id, ">")))):
		return nil, dir.Close()
	}
	return dir, nil
}

// openBelow opens a directory below the brick, name by name: a name that is a
// link leads out of the brick, and is not followed.
func openBelow(brick string, names []string) (*os.File, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Open(brick, flags, 0)
	path := brick
	for _, name := range names {
		if err != nil {
			break
		}
		if name == "" || name == "." || name == ".." || (path == brick && name == internalDir) {
			return nil, unix.Close(fd)
		}
		above := fd
		fd, err = unix.Openat(above, name, flags, 0)
		err = errors.Join(err, unix.Close(above))
		path = filepath.Join(path, name)
	}
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil //nolint:gosec // a descriptor fits
}

// rootID is the gfid of the root of every volume.
const rootID = "00000000-0000-0000-0000-000000000001"

// pathOf finds the directory with a gfid: below .glusterfs lies a link for it
// that names the gfid of the directory around it and its own name there. The
// links of the volume's users lie there too, so that nothing is followed, and
// who asks compares the gfid of what the names lead to.
func pathOf(brick, id string) ([]string, bool) {
	var names []string
	for range 512 { // deeper than a path may be
		if id == rootID {
			return names, true
		}
		if parseID(id) == nil {
			return nil, false
		}
		link, err := os.Readlink(filepath.Join(brick, internalDir, id[:2], id[2:4], id))
		if err != nil {
			return nil, false
		}
		parts := strings.Split(link, "/") // ../../PP/PP/PARENT/NAME
		if len(parts) != 6 || parts[0] != ".." || parts[1] != ".." {
			return nil, false
		}
		names = append([]string{parts[5]}, names...)
		id = parts[4]
	}
	return nil, false
}

// parseID reads a gfid as GlusterFS prints it, and returns nil for anything else.
func parseID(s string) []byte {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return nil
	}
	return id[:]
}

// nameless reports whether a name is empty, has no gfid and is not in the
// making, and what it is.
func nameless(dir *os.File, name string, now time.Time) (mode uint32, ok bool) {
	var st unix.Stat_t
	if unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil { //nolint:gosec // a descriptor fits
		return 0, false
	}
	if now.Sub(time.Unix(st.Ctim.Unix())) < creating {
		return 0, false
	}
	mode = st.Mode & unix.S_IFMT
	switch mode {
	case unix.S_IFREG:
		if st.Size > 0 || st.Nlink != 1 {
			return 0, false
		}
	case unix.S_IFLNK:
		if st.Nlink != 1 {
			return 0, false
		}
	case unix.S_IFDIR: // one that is not empty is not removed
	default:
		return 0, false
	}
	// No call reads the attributes of a name below a descriptor.
	_, err := unix.Lgetxattr(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), name), "trusted.gfid", nil)
	return mode, errors.Is(err, unix.ENODATA)
}
