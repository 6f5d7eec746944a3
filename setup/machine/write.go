package machine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

var (
	errNotRegular = errors.New("it is no regular file: move it away first")
	errDangling   = errors.New("it is a symbolic link to something that does not exist: mend or remove the link first")
)

// WriteFile replaces a file's content as a whole: a reader, and the next boot
// after a power cut, see the old text or the new one. Mode, owner, ACL and
// security label of a file that exists are kept; mode counts for new files. A
// symbolic link stays and its target is written. A file that is a mount point
// of its own, as /etc/hosts in containers, cannot be replaced: it is
// overwritten in place. What is no regular file (a unit masked by a link to
// /dev/null, say) is left alone and is an error.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	if err := writeFile(path, data, mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeFile(path string, data []byte, mode fs.FileMode) error {
	target, err := filepath.EvalSymlinks(path)
	switch {
	case err == nil:
		path = target
	case !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		if _, err := os.Lstat(path); err == nil {
			return errDangling
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // directories of /etc are world readable
		return err
	}
	old, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return replace(path, data, mode, false)
	case err != nil:
		return err
	case !old.Mode().IsRegular():
		return errNotRegular
	}
	err = replace(path, data, old.Mode().Perm(), true)
	// EROFS: the file may be a writable mount in a directory that is not.
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EROFS) {
		return overwrite(path, data, old.Size())
	}
	return err
}

func replace(path string, data []byte, mode fs.FileMode, keep bool) (err error) {
	dir := filepath.Dir(path)
	t, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(mode))
	if err != nil {
		return err
	}
	defer func() {
		if cerr := t.Cleanup(); err == nil {
			err = cerr
		}
	}()
	if _, err := t.Write(data); err != nil {
		return err
	}
	if keep {
		if err := keepAttributes(path, t.Name()); err != nil {
			return err
		}
	}
	if err := t.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return SyncDir(dir)
}

// SyncDir makes the names in a directory survive a power cut.
func SyncDir(dir string) (err error) {
	d, err := os.Open(dir) //nolint:gosec // what the plan writes, in directories of root's
	if err != nil {
		return err
	}
	defer func() {
		if cerr := d.Close(); err == nil {
			err = cerr
		}
	}()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) { // some file systems cannot
		return err
	}
	return nil
}

// keepAttributes gives the new file the owner and the extended attributes
// (security label, ACL) of the old one. Those that vouch for the old content
// stay behind.
func keepAttributes(from, to string) error {
	var st unix.Stat_t
	if err := unix.Stat(from, &st); err != nil {
		return fmt.Errorf("stat %s: %w", from, err)
	}
	if err := os.Chown(to, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	names := make([]byte, 64<<10) // XATTR_LIST_MAX
	n, err := unix.Listxattr(from, names)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list attributes of %s: %w", from, err)
	}
	value := make([]byte, 64<<10) // XATTR_SIZE_MAX
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names[:n]), "\x00"), "\x00") {
		if name == "" || slices.Contains([]string{"security.ima", "security.evm"}, name) {
			continue
		}
		v, err := unix.Getxattr(from, name, value)
		if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read attribute %s of %s: %w", name, from, err)
		}
		if err := unix.Setxattr(to, name, value[:v], 0); err != nil {
			return fmt.Errorf("keep attribute %s of %s: %w", name, from, err)
		}
	}
	return nil
}

// overwrite writes the new text over the old in one call, padded with empty
// lines to the old length, and then cuts these off: at no moment is the file
// empty, and at none does the end of the old text stand behind the new.
func overwrite(path string, data []byte, size int64) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // what the plan writes, in directories of root's
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	text := slices.Concat(data, bytes.Repeat([]byte("\n"), max(0, int(size)-len(data))))
	if _, err := f.WriteAt(text, 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(len(data))); err != nil {
		return err
	}
	return f.Sync()
}
