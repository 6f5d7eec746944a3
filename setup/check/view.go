package check

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"brickyard/setup/beneath"
)

// View shows one brick.
type View interface {
	// List calls do with every name of a directory of the volume, "" for its root,
	// and wait with the number of names whenever it has asked for some.
	List(ctx context.Context, dir string, do func(listed) error, wait func(int) error) error
	// Deepen adds a link's target and the extended attributes to entries of a
	// directory that are present.
	Deepen(dir string, names []string, entries []*Entry) error
	// Look returns what the brick has at a name now, whatever a cache says.
	// listing says that the name must not be looked up, only listed.
	Look(dir, name string, listing bool) (Entry, error)
	// Sum returns the checksum of a file's content and how many bytes it read.
	// It reads no further than size; wait is called after each part.
	Sum(ctx context.Context, dir, name string, size int64, wait func(bytes int) error) (sum string, n int64, err error)
}

// ErrAway says that a brick does not answer.
var ErrAway = errors.New("the brick does not answer")

// away are the errors of a brick, or of the client that shows it, that is gone.
func away(err error) error {
	for _, e := range []unix.Errno{unix.ENOTCONN, unix.ECONNABORTED, unix.ESHUTDOWN, unix.ETIMEDOUT} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %w", ErrAway, err)
		}
	}
	return err
}

// gone are the errors of what is not there, or not any more.
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESTALE) || errors.Is(err, unix.ENOTDIR)
}

// tree is the View of a brick whose files lie below a directory.
type tree struct {
	root int // descriptor
	// gluster says that the directory is a mount of a brick: inode numbers are
	// gfids, and so is that a listing has for every name.
	gluster bool
	// brick says that it is a brick's own directory: gfids are attributes.
	brick bool
	skip  func(dir, name string) bool
}

// noGFID is the inode number that a listing has for a name without a gfid.
const noGFID = ^uint64(0)

func (t *tree) open(dir string, flags int) (int, error) {
	fd, err := beneath.OpenAt(t.root, dir, flags, 0)
	return fd, away(err)
}

const direntHeader = 19 // of struct linux_dirent64

// List asks for attributes while the kernel still has those that came with the
// names: readdirplus costs nothing more.
func (t *tree) List(ctx context.Context, dir string, do func(listed) error, wait func(int) error) error {
	return t.names(ctx, dir, wait, func(fd int, name string, id uint64) error {
		l := listed{name: name}
		if t.gluster && id == noGFID {
			l.State = NoGFID
			return do(l)
		}
		var st unix.Stat_t
		err := again(func() error { return unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
		if err != nil && gone(err) {
			return nil // removed meanwhile
		}
		if l.Entry, err = entryOf(st, err); err != nil {
			return err
		}
		if t.gluster {
			l.Changed = st.Ctim.Nano()
		}
		if t.brick {
			l.Entry = l.identified(within(fd, name), st)
		}
		return do(l)
	})
}

// names calls do with what a listing has, in the brick's order.
func (t *tree) names(ctx context.Context, dir string, wait func(int) error, do func(fd int, name string, id uint64) error) error {
	fd, err := t.open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // read only
	buf := make([]byte, 64<<10)
	for {
		n, count := 0, 0
		err := again(func() (err error) { n, err = unix.ReadDirent(fd, buf); return err })
		if err != nil {
			return away(err)
		}
		if n == 0 {
			return nil
		}
		for b := buf[:n]; len(b) > direntHeader; {
			id, length := binary.NativeEndian.Uint64(b), int(binary.NativeEndian.Uint16(b[16:]))
			name, _, _ := strings.Cut(string(b[direntHeader:length]), "\x00")
			b = b[length:]
			if name == "." || name == ".." || t.skip != nil && t.skip(dir, name) {
				continue
			}
			count++
			if err := do(fd, name, id); err != nil {
				return err
			}
		}
		if err := errors.Join(ctx.Err(), wait(count)); err != nil {
			return err
		}
	}
}

// within is a path by which calls that take no descriptors reach a name in a directory, "." for itself.
func within(fd int, name string) string { return fmt.Sprintf("/proc/self/fd/%d/%s", fd, name) }

func again(do func() error) error {
	for {
		if err := do(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// entryOf makes an Entry of what stat returned.
func entryOf(st unix.Stat_t, err error) (Entry, error) {
	if err == nil {
		return Entry{State: Present, Mode: st.Mode, UID: st.Uid, GID: st.Gid, Size: st.Size, Rdev: st.Rdev, ID: st.Ino}, nil
	}
	return failed(err)
}

// failed makes an Entry of an error that means something about one name; what
// means the brick stays an error.
func failed(err error) (Entry, error) {
	var errno unix.Errno
	switch {
	case gone(err):
		return Entry{}, nil
	case errors.Is(away(err), ErrAway), !errors.As(err, &errno):
		return Entry{}, away(err)
	default:
		return Entry{State: Unreadable, Errno: errno}, nil
	}
}

// Deepen asks for each entry in turn.
func (t *tree) Deepen(dir string, names []string, entries []*Entry) error {
	fd, err := t.open(dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // read only
	for i, e := range entries {
		if e.State != Present {
			continue
		}
		if err := t.deepen(fd, names[i], e, false); err != nil {
			return err
		}
	}
	return nil
}

// deepen asks what waits to be healed only with afr: each of these attributes is one more question.
func (t *tree) deepen(fd int, name string, e *Entry, afr bool) error {
	path := within(fd, name)
	xattrs, all, err := xattrsOf(path, afr)
	if err == nil && e.Type() == unix.S_IFLNK {
		e.Target, err = readlink(fd, name)
	}
	if err != nil {
		*e, err = failed(err)
		return err
	}
	e.Deep, e.Xattrs = true, xattrs
	for _, x := range all {
		dirty := x.Name == "trusted.afr.dirty"
		if !strings.HasPrefix(x.Name, "trusted.afr.") || strings.Trim(x.Value, "\x00") == "" {
			continue
		}
		e.Dirty, e.Pending = e.Dirty || dirty, e.Pending || !dirty
	}
	return nil
}

func readlink(fd int, name string) (string, error) {
	buf, n := make([]byte, unix.PathMax), 0
	err := again(func() (err error) { n, err = unix.Readlinkat(fd, name, buf); return err })
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// xattrsOf returns the attributes that belong to the file, and those of GlusterFS that say what waits to be healed.
func xattrsOf(path string, pending bool) (own, afr []Xattr, err error) {
	names, err := xattrCall(func(b []byte) (int, error) { return unix.Llistxattr(path, b) })
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		known := pending && strings.HasPrefix(name, "trusted.afr.")
		if name == "" || !known && !ours(name) {
			continue
		}
		value, err := xattrCall(func(b []byte) (int, error) { return unix.Lgetxattr(path, name, b) })
		if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, nil, err
		}
		if known {
			afr = append(afr, Xattr{name, string(value)})
		} else {
			own = append(own, Xattr{name, string(value)})
		}
	}
	slices.SortFunc(own, func(a, b Xattr) int { return strings.Compare(a.Name, b.Name) })
	return own, afr, nil
}

// xattrCall gives a call a buffer that is large enough; the first nearly always is.
func xattrCall(do func([]byte) (int, error)) ([]byte, error) {
	for size := 1 << 10; ; size *= 8 {
		buf, n := make([]byte, min(size, 64<<10)), 0
		err := again(func() (err error) { n, err = do(buf); return err })
		if errors.Is(err, unix.ERANGE) && size < 64<<10 {
			continue
		}
		if err != nil {
			return nil, err
		}
		return buf[:n], nil
	}
}

var errFound = errors.New("found")

// Look asks the brick itself: no answer of before counts.
func (t *tree) Look(dir, name string, listing bool) (e Entry, err error) {
	if listing {
		err := t.names(context.Background(), dir, func(int) error { return nil }, func(_ int, n string, id uint64) error {
			if n != name {
				return nil
			}
			if listing = id == noGFID; listing {
				e.State = NoGFID
			}
			return errFound
		})
		if err != nil && !errors.Is(err, errFound) {
			return failed(err)
		}
		if listing {
			return e, nil
		}
	}
	fd, err := t.open(dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return failed(err)
	}
	defer unix.Close(fd) //nolint:errcheck // read only
	var st unix.Statx_t
	err = again(func() error {
		return unix.Statx(fd, name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_STATX_FORCE_SYNC, unix.STATX_BASIC_STATS, &st)
	})
	if err != nil {
		e, err = failed(err)
	} else {
		e = Entry{
			State: Present, Mode: uint32(st.Mode), UID: st.Uid, GID: st.Gid, Size: int64(st.Size), ID: st.Ino, //nolint:gosec // sizes are not negative
			Rdev: unix.Mkdev(st.Rdev_major, st.Rdev_minor),
		}
		err = t.deepen(fd, name, &e, true)
	}
	if err != nil {
		return e, err
	}
	// What waits to be healed of names is noted in their directory.
	var parent Entry
	if err := t.deepen(fd, ".", &parent, true); err != nil {
		return e, err
	}
	e.Pending, e.Dirty = e.Pending || parent.Pending, e.Dirty || parent.Dirty
	return e, nil
}

// part is how much of a file is read at once.
const part = 128 << 10

// Sum reads a file to the end that it had: asking for more is one more question.
func (t *tree) Sum(ctx context.Context, dir, name string, size int64, wait func(int) error) (string, int64, error) {
	path := name
	if dir != "" {
		path = dir + "/" + name
	}
	fd, err := t.open(path, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return "", 0, err
	}
	defer unix.Close(fd) //nolint:errcheck // read only
	h, buf, sum := sha256.New(), make([]byte, part), int64(0)
	for {
		n := 0
		err := again(func() (err error) { n, err = unix.Read(fd, buf); return err })
		if err != nil {
			return "", sum, away(err)
		}
		h.Write(buf[:n])
		sum += int64(n)
		if err := errors.Join(wait(n), ctx.Err()); err != nil {
			return "", sum, err
		}
		if n == 0 || sum >= size {
			return hex.EncodeToString(h.Sum(nil)), sum, nil
		}
	}
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
