package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// WriteFile replaces a file's content as a whole: a reader, and the next boot
// after a power cut, see the old text or the new one. Mode, owner, ACL and
// security label of a file that exists are kept; mode counts for new files. A
// symbolic link stays and its target is written. A file that is a mount point
// of its own, as /etc/hosts in containers, cannot be replaced: it is
// overwritten in place.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
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
	}
	err = replace(path, data, old.Mode().Perm(), true)
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EXDEV) {
		return overwrite(path, data)
	}
	return err
}

func replace(path string, data []byte, mode fs.FileMode, keep bool) (err error) {
	t, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(mode))
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
	return t.CloseAtomicallyReplace()
}

// keepAttributes gives the new file the owner and the extended attributes
// (security label, ACL) of the old one.
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
		if name == "" {
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

// overwrite writes the new text over the old in one call and then cuts the
// rest off, so that at no moment the file is empty.
func overwrite(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	if _, err := f.WriteAt(data, 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(len(data))); err != nil {
		return err
	}
	return f.Sync()
}
