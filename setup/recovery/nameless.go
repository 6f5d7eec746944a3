package recovery

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"brickyard/setup/beneath"
)

// GlusterFS makes a file on a brick and gives it its trusted.gfid in two steps
// (xlators/storage/posix/src/posix-entry-ops.c, 10.3). A brick process that is
// killed between them leaves a name that belongs to nobody: no client was ever
// told that it exists, heals of its directory fail from then on ("Invalid
// argument"), and the directory cannot be removed.

// creationTime is how long such a name must have been seen: a younger one may be
// in the making. It is counted by this program, because a clock that is set
// would make any name old.
const creationTime = 10 * time.Second

// nameless are the names without a gfid of one brick that were seen, and since
// when.
type nameless map[halfMade]time.Time

// halfMade is such a name: any change of the file, its removal for instance,
// makes it another.
type halfMade struct {
	directory uint64 // inode
	name      string
	inode     uint64
	changed   unix.Timespec
}

// remove removes the names without a gfid from directories of a brick, given as
// heal info prints them, and returns what it removed. Only what is empty is
// touched, and only in directories of the brick itself: the names on a brick
// are those of the volume's users, who may have links to anywhere. What it sees
// for the first time, or too short a time ago, it remembers; what is not there
// any more it forgets.
func (n nameless) remove(brick string, entries []string, now time.Time) ([]string, error) {
	root, err := beneath.Open(brick)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // nothing was written through it
	var removed []string
	var errs []error
	seen := nameless{}
	for _, e := range entries {
		dir, rel, err := openEntry(root, e)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s on brick %s: %w", e, brick, err))
		}
		if dir == nil {
			continue
		}
		names, err := dir.Names(-1)
		errs = append(errs, err)
		for _, name := range names {
			if rel == "" && name == internalDir {
				continue
			}
			h, mode, ok := seeHalfMade(dir, name)
			if !ok {
				continue
			}
			if first, known := n[h]; !known {
				seen[h] = now
				continue
			} else if now.Sub(first) < creationTime {
				seen[h] = first
				continue
			}
			remove := dir.Remove
			if mode == unix.S_IFDIR {
				remove = dir.RemoveDir
			}
			switch err := remove(name); {
			case err == nil:
				removed = append(removed, filepath.Join(brick, rel, name))
			case !errors.Is(err, unix.ENOTEMPTY):
				errs = append(errs, err)
			}
		}
		errs = append(errs, dir.Close())
	}
	clear(n)
	maps.Copy(n, seen)
	return removed, errors.Join(errs...)
}

// internalDir is where a brick process keeps its own records.
const internalDir = ".glusterfs"

// openEntry opens what heal info names if it is a directory of the brick with a
// gfid, and returns nil for everything else.
func openEntry(root *beneath.Dir, entry string) (dir *beneath.Dir, rel string, err error) {
	id, byID := strings.CutPrefix(entry, "<gfid:")
	id = strings.TrimSuffix(id, ">")
	if byID {
		names, ok := pathOf(root, id)
		if !ok {
			return nil, "", nil
		}
		rel = strings.Join(names, "/")
	} else {
		var ok bool
		if rel, ok = strings.CutPrefix(entry, "/"); !ok {
			return nil, "", nil
		}
	}
	if first, _, _ := strings.Cut(rel, "/"); first == internalDir || !isPlainPath(rel) {
		return nil, "", nil
	}
	dir, err = root.Sub(rel)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return nil, "", nil
	case err != nil:
		return nil, "", err
	}
	have, err := dir.GFID(".")
	if err != nil || have == "" || byID && !strings.EqualFold(have, id) {
		return nil, "", errors.Join(err, dir.Close())
	}
	return dir, rel, nil
}

// isPlainPath reports whether a path is made of names alone.
func isPlainPath(rel string) bool {
	for part := range strings.SplitSeq(rel, "/") {
		if rel != "" && (part == "" || part == "." || part == "..") {
			return false
		}
	}
	return true
}

// rootID is the gfid of the root of every volume.
const rootID = "00000000-0000-0000-0000-000000000001"

// pathOf finds the directory with a gfid: below .glusterfs lies a link for it
// that names the gfid of the directory around it and its own name there. The
// links of the volume's users lie there too, so that nothing is followed, and
// who asks compares the gfid of what the names lead to.
func pathOf(root *beneath.Dir, id string) ([]string, bool) {
	var names []string
	for range 512 { // deeper than a path may be
		if id == rootID {
			return names, true
		}
		if _, err := uuid.Parse(id); err != nil || len(id) != 36 {
			return nil, false
		}
		handles, name, err := root.At(strings.Join([]string{internalDir, id[:2], id[2:4], id}, "/"))
		if err != nil {
			return nil, false
		}
		link, err := handles.Readlink(name)
		if err = errors.Join(err, handles.Close()); err != nil {
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

// seeHalfMade reports whether a name is empty and has no gfid, and what it is.
func seeHalfMade(dir *beneath.Dir, name string) (h halfMade, mode uint32, ok bool) {
	st, err := dir.Stat(name)
	if err != nil {
		return h, 0, false
	}
	around, err := dir.Stat(".")
	if err != nil {
		return h, 0, false
	}
	mode = st.Mode & unix.S_IFMT
	switch mode {
	case unix.S_IFREG:
		if st.Size > 0 || st.Nlink != 1 {
			return h, 0, false
		}
	case unix.S_IFLNK:
		if st.Nlink != 1 {
			return h, 0, false
		}
	case unix.S_IFDIR: // one that is not empty is not removed
	default:
		return h, 0, false
	}
	_, err = dir.Getxattr(name, "trusted.gfid", nil)
	return halfMade{around.Ino, name, st.Ino, st.Ctim}, mode, errors.Is(err, unix.ENODATA)
}
