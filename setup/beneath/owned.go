package beneath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// root is who alone may own what this program believes.
const root = 0

// others says in words who but root may change the names in a directory with
// these attributes, or nothing. With the sticky bit others may add names, but
// neither remove nor rename those of root.
func others(st unix.Stat_t, sticky bool) string {
	switch {
	case st.Uid != root:
		return "belongs to " + owner(st.Uid)
	case st.Mode&0o022 != 0 && (!sticky || st.Mode&unix.S_ISVTX == 0):
		return fmt.Sprintf("may be written by others (its mode is %04o)", st.Mode&0o7777)
	}
	return ""
}

func owner(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return "user " + u.Username
	}
	return "user " + id
}

// Exposed says in words who but root may replace what lies at a path or put
// something beside it, or nothing: every directory on the way to it must be
// root's, and only root may write to it. Further up, as in /tmp, the sticky bit
// does. What does not exist, yet or any more, exposes nothing.
func Exposed(path string) (string, error) {
	step, last := "/", filepath.Dir(path)
	d, err := Open(step)
	for _, part := range append([]string{""}, strings.Split(strings.Trim(last, "/"), "/")...) {
		if err != nil {
			break
		}
		if part != "" {
			step = filepath.Join(step, part)
			var below *Dir
			below, err = d.Sub(part)
			err = errors.Join(err, d.Close())
			d = below
		}
		if err != nil {
			break
		}
		st, serr := d.Stat(".")
		if serr != nil {
			return "", errors.Join(serr, d.Close())
		}
		if words := others(st, step != last); words != "" {
			return step + " " + words, d.Close()
		}
	}
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		if st, lerr := os.Lstat(step); lerr == nil && st.Mode()&fs.ModeSymlink != 0 {
			return step + " is a symbolic link, which may lead elsewhere tomorrow", nil
		}
		return "", nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return "", d.Close()
}

// Private reports whether a directory is root's and nobody else may even look
// into it.
func (d *Dir) Private() (bool, error) {
	st, err := d.Stat(".")
	return st.Uid == root && st.Mode&0o077 == 0, err
}

// Chmod sets its mode, whatever this process's umask is.
func (d *Dir) Chmod(mode fs.FileMode) error { return d.f.Chmod(mode) }

// MakePrivate gives a directory to root and shuts everybody else out.
func (d *Dir) MakePrivate() error {
	err := unix.Fchown(d.fd(), root, root)
	if err == nil {
		err = unix.Fchmod(d.fd(), 0o700)
	}
	return d.failed("shut others out of", "", err)
}

// Own opens the directory with a name, and makes it, for root alone, where it is
// missing. What somebody else put there is moved out of the way.
func (d *Dir) Own(name string) (*Dir, error) {
	for range 2 {
		if err := unix.Mkdirat(d.fd(), name, 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
			return nil, d.failed("make directory", name, err)
		}
		own, err := d.Sub(name)
		if err == nil {
			var st unix.Stat_t
			if st, err = own.Stat("."); err == nil && others(st, false) == "" {
				return own, nil
			}
			err = errors.Join(err, own.Close())
		}
		if err != nil && !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.ELOOP) {
			return nil, err
		}
		if err := d.Displace(name); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("make directory %s: somebody else keeps putting something there", d.path(name))
}

// Displace renames what is in the way of root's own names; nothing is deleted.
func (d *Dir) Displace(name string) error {
	for i := range 1000 {
		as := fmt.Sprintf("%s.not-ours-%d", name, i)
		err := unix.Renameat2(d.fd(), name, d.fd(), as, unix.RENAME_NOREPLACE)
		if !errors.Is(err, unix.EEXIST) {
			return d.failed("move out of the way", name, err)
		}
	}
	return d.failed("move out of the way", name, unix.EEXIST)
}
