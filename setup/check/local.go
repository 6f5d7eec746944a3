package check

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"brickyard/setup/beneath"
)

// Local is the View of a brick of this machine whose process does not run:
// its directory itself.
type Local struct{ tree }

// OpenLocal opens the directory of a brick.
func OpenLocal(dir string) (*Local, error) {
	fd, err := beneath.OpenPath(dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	return &Local{tree{root: fd, brick: true, skip: internal}}, nil
}

// Close closes it.
func (l *Local) Close() error { return unix.Close(l.root) }

// Look adds what makes a name a file of the volume.
func (l *Local) Look(dir, name string, listing bool) (Entry, error) {
	e, err := l.tree.Look(dir, name, listing)
	if err != nil || e.State != Present {
		return e, err
	}
	fd, err := l.open(dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return failed(err)
	}
	defer unix.Close(fd) //nolint:errcheck // read only
	var st unix.Stat_t
	if err := again(func() error { return unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) }); err != nil {
		return failed(err)
	}
	return e.identified(within(fd, name), st), nil
}

// identified adds what a brick keeps of a file in attributes: its gfid, and
// when clients changed it.
func (e Entry) identified(path string, st unix.Stat_t) Entry {
	if e.State != Present {
		return e
	}
	var gfid [16]byte
	n, err := unix.Lgetxattr(path, "trusted.gfid", gfid[:])
	var errno unix.Errno
	switch {
	case errors.Is(err, unix.ENODATA) || err == nil && n != len(gfid):
		return Entry{State: NoGFID}
	case errors.As(err, &errno) && gone(err):
		return Entry{}
	case errors.As(err, &errno):
		return Entry{State: Unreadable, Errno: errno}
	}
	e.ID, e.Touched = binary.BigEndian.Uint64(gfid[8:]), st.Ctim.Nano()
	// struct posix_mdata_disk of GlusterFS (xlators/storage/posix/src/posix-metadata-disk.h, 10.3): version, flags, then
	// seconds and nanoseconds of ctime, mtime and atime, all big-endian.
	var times [9 + 3*16]byte
	if n, err := unix.Lgetxattr(path, "trusted.glusterfs.mdata", times[:]); err == nil && n == len(times) && times[0] == 1 {
		seconds, nano := binary.BigEndian.Uint64(times[9:]), binary.BigEndian.Uint64(times[17:])
		e.Changed = int64(seconds)*1e9 + int64(nano) //nolint:gosec // until the year 2262
	}
	return e
}
