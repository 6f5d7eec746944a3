// Package beneath reaches files by way of the descriptors of the directories
// around them, and never through a symbolic link.
//
// The names on a brick are made by the volume's users. Who may write to a
// directory may put a link, or another directory, into the place of what root
// looked at a moment ago, and a path would then lead root to wherever that
// user likes. A descriptor keeps meaning the directory that was opened.
package beneath

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Dir is an open directory. The names that its methods take are those of files
// directly in it, "." for itself; rel means a path below it, of any length.
type Dir struct{ f *os.File }

const directory = unix.O_RDONLY | unix.O_DIRECTORY

// Open opens a directory by its absolute path. A symbolic link anywhere in it
// is an error.
func Open(path string) (*Dir, error) {
	fd, err := OpenPath(path, directory)
	if err != nil {
		return nil, err
	}
	return &Dir{os.NewFile(uintptr(fd), path)}, nil //nolint:gosec // a descriptor fits
}

// Beside opens the directory around an absolute path, and returns the name in it.
func Beside(path string) (around *Dir, name string, err error) {
	around, err = Open(filepath.Dir(path))
	return around, filepath.Base(path), err
}

// OpenPath is Open with flags of openat(2), and returns the descriptor.
func OpenPath(path string, flags int) (int, error) {
	if !filepath.IsAbs(path) {
		return -1, fmt.Errorf("open %s: %w", path, unix.EINVAL)
	}
	root, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(root) //nolint:errcheck // nothing was written through it
	fd, err := OpenAt(root, strings.TrimPrefix(filepath.Clean(path), "/"), flags, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", path, err)
	}
	return fd, nil
}

// longestPath is how long a path may be that the kernel takes in one call, with
// some room (PATH_MAX is 4096 with the byte at its end).
const longestPath = 4000

// OpenAt opens what lies at rel below a directory, "" for the directory itself.
// No link is followed, and ".." is refused. Flags and mode are those of
// openat(2); O_NOFOLLOW and O_CLOEXEC are added.
func OpenAt(root int, rel string, flags int, mode uint32) (int, error) {
	if rel == "" || rel == "." {
		return retried(func() (int, error) { return unix.Openat(root, ".", flags|unix.O_CLOEXEC, mode) })
	}
	if len(rel) <= longestPath {
		how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC | unix.O_NOFOLLOW), Mode: uint64(mode), Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS} //nolint:gosec // flags are not negative
		fd, err := retried(func() (int, error) { return unix.Openat2(root, rel, &how) })
		// Kernels before 5.6 do not have it, and old containers forbid what they do not know.
		if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM) {
			return fd, err
		}
	}
	return step(root, rel, flags, mode)
}

// step does what OpenAt does name by name.
func step(root int, rel string, flags int, mode uint32) (int, error) {
	parts := strings.Split(rel, "/")
	at := root
	for i, name := range parts {
		if name == "" || name == "." || name == ".." {
			closeUnless(at, root)
			return -1, unix.EXDEV
		}
		f, m := unix.O_PATH|unix.O_DIRECTORY, uint32(0)
		if i == len(parts)-1 {
			f, m = flags, mode
		}
		above := at
		fd, err := retried(func() (int, error) { return unix.Openat(above, name, f|unix.O_NOFOLLOW|unix.O_CLOEXEC, m) })
		closeUnless(above, root)
		if err != nil {
			return -1, err
		}
		at = fd
	}
	return at, nil
}

func closeUnless(fd, root int) {
	if fd != root {
		_ = unix.Close(fd) //nolint:errcheck // nothing was written through it
	}
}

// retried repeats what a signal, or a rename at the same moment, interrupted.
func retried(do func() (int, error)) (int, error) {
	for {
		n, err := do()
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return n, err
		}
	}
}

func (d *Dir) fd() int { return int(d.f.Fd()) } //nolint:gosec // a descriptor fits

// Close closes it.
func (d *Dir) Close() error { return d.f.Close() }

// Path is the name by which it was opened, for messages.
func (d *Dir) Path() string { return d.f.Name() }

func (d *Dir) path(name string) string { return filepath.Join(d.f.Name(), name) }

func (d *Dir) failed(what, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", what, short(d.path(name)), err)
}

// short leaves out the middle of a path that is too long for a message.
func short(path string) string {
	const most = 200
	if len(path) <= most {
		return path
	}
	return path[:most/2] + "..." + path[len(path)-most/2:]
}

// Sub opens a directory below it.
func (d *Dir) Sub(rel string) (*Dir, error) {
	fd, err := OpenAt(d.fd(), rel, directory, 0)
	if err != nil {
		return nil, d.failed("open", rel, err)
	}
	return &Dir{os.NewFile(uintptr(fd), d.path(rel))}, nil //nolint:gosec // a descriptor fits
}

// At opens the directory around rel, and returns the name of rel in it.
func (d *Dir) At(rel string) (around *Dir, name string, err error) {
	rel = strings.TrimSuffix(rel, "/.")
	if rel == "" || rel == "." {
		around, err = d.Sub("")
		return around, ".", err
	}
	i := strings.LastIndexByte(rel, '/')
	around, err = d.Sub(rel[:max(i, 0)])
	return around, rel[i+1:], err
}

// Names returns up to n names in it, the next ones with each call, and io.EOF
// after the last; all of them where n is not positive.
func (d *Dir) Names(n int) ([]string, error) {
	names, err := d.f.Readdirnames(n)
	if err != nil {
		return names, err
	}
	return names, nil
}

// Stat tells what a name is; a link is not followed.
func (d *Dir) Stat(name string) (st unix.Stat_t, err error) {
	_, err = retried(func() (int, error) { return 0, unix.Fstatat(d.fd(), name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	return st, d.failed("stat", name, err)
}

// OpenFile opens a regular file; anything else is an error, and nothing is waited for.
func (d *Dir) OpenFile(name string, flags int, mode uint32) (*os.File, error) {
	fd, err := retried(func() (int, error) {
		return unix.Openat(d.fd(), name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, mode)
	})
	if err != nil {
		return nil, d.failed("open", name, err)
	}
	f := os.NewFile(uintptr(fd), d.path(name)) //nolint:gosec // a descriptor fits
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errors.Join(d.failed("open", name, errors.Join(err, errNotRegular)), f.Close())
	}
	return f, nil
}

var errNotRegular = errors.New("it is no regular file")

// Readlink returns where a symbolic link leads, and does not go there.
func (d *Dir) Readlink(name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := retried(func() (int, error) { return unix.Readlinkat(d.fd(), name, buf) })
	return string(buf[:max(n, 0)]), d.failed("read the link", name, err)
}

// within is a path by which calls that take no descriptors reach a name: the
// kernel goes to the directory itself, and these calls do not follow the name.
func (d *Dir) within(name string) string { return fmt.Sprintf("/proc/self/fd/%d/%s", d.fd(), name) }

// Getxattr reads an extended attribute as lgetxattr(2) does.
func (d *Dir) Getxattr(name, attribute string, value []byte) (int, error) {
	n, err := retried(func() (int, error) { return unix.Lgetxattr(d.within(name), attribute, value) })
	return n, d.failed("read "+attribute+" of", name, err)
}

// Setxattr sets an extended attribute.
func (d *Dir) Setxattr(name, attribute string, value []byte) error {
	_, err := retried(func() (int, error) { return 0, unix.Lsetxattr(d.within(name), attribute, value, 0) })
	return d.failed("set "+attribute+" of", name, err)
}

// GFID is GlusterFS's identity of a file of a brick, "" of a name that it did
// not finish making.
func (d *Dir) GFID(name string) (string, error) {
	id := make([]byte, 16)
	n, err := d.Getxattr(name, "trusted.gfid", id)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if n != len(id) {
		return "", d.failed("read trusted.gfid of", name, unix.EINVAL)
	}
	h := hex.EncodeToString(id)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"), nil
}

// Rename moves a name to another directory of the file system. What has the new
// name already is replaced as rename(2) does.
func (d *Dir) Rename(name string, to *Dir, as string) error {
	return d.failed("rename", name, unix.Renameat(d.fd(), name, to.fd(), as))
}

// Remove removes a name that is no directory.
func (d *Dir) Remove(name string) error {
	return d.failed("remove", name, unix.Unlinkat(d.fd(), name, 0))
}

// RemoveDir removes an empty directory.
func (d *Dir) RemoveDir(name string) error {
	return d.failed("remove", name, unix.Unlinkat(d.fd(), name, unix.AT_REMOVEDIR))
}

// RemoveAll removes a name and everything below it; there is nothing to do
// where it is gone.
func (d *Dir) RemoveAll(name string) error {
	root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", d.fd()))
	if err != nil {
		return d.failed("remove", name, err)
	}
	return d.failed("remove", name, errors.Join(root.RemoveAll(name), root.Close()))
}

// Mkdirs makes the directories of rel that are missing, and opens the last.
func (d *Dir) Mkdirs(rel string, mode uint32) (*Dir, error) {
	at, err := d.Sub("")
	for part := range strings.SplitSeq(rel, "/") {
		if err != nil {
			return nil, err
		}
		if part == "" || part == "." {
			continue
		}
		if err := unix.Mkdirat(at.fd(), part, mode); err != nil && !errors.Is(err, unix.EEXIST) {
			return nil, errors.Join(at.failed("make directory", part, err), at.Close())
		}
		var next *Dir
		next, err = at.Sub(part)
		err = errors.Join(err, at.Close())
		at = next
	}
	return at, err
}

// Sync makes the names in it survive a power cut.
func (d *Dir) Sync() error {
	if err := d.f.Sync(); err != nil && !errors.Is(err, unix.EINVAL) { // some file systems cannot
		return err
	}
	return nil
}

// SyncFS writes everything of its file system to the disk.
func (d *Dir) SyncFS() error {
	return d.failed("flush the file system of", "", unix.Syncfs(d.fd()))
}

// Statfs tells about its file system.
func (d *Dir) Statfs() (st unix.Statfs_t, err error) {
	_, err = retried(func() (int, error) { return 0, unix.Fstatfs(d.fd(), &st) })
	return st, d.failed("statfs", "", err)
}
