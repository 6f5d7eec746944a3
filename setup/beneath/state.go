package beneath

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// What this program notes about a brick lies in a file beside it, on the
// brick's own file system. By such a file bricks are emptied or believed, so
// only root's word counts.

// ErrNotRoots is wrapped when a state file may be somebody else's: what it says
// counts for nothing.
var ErrNotRoots = errors.New("it is not believed")

// largestState is the most that is read of a state file.
const largestState = 64 << 10

// ReadState returns what root noted in a file, and an error that wraps
// fs.ErrNotExist where nothing was. A file that somebody else made, may write or
// has another name for, a link, and any file in a directory where others may
// replace it, is an error that wraps ErrNotRoots.
func ReadState(path string) ([]byte, error) {
	d, err := Open(filepath.Dir(path))
	if err != nil {
		return nil, notRoots(path, err)
	}
	defer d.Close() //nolint:errcheck // read only
	name := filepath.Base(path)
	f, err := d.OpenFile(name, unix.O_RDONLY, 0)
	if err != nil {
		return nil, notRoots(path, err)
	}
	defer f.Close() //nolint:errcheck // read only
	var around, st unix.Stat_t
	if err := errors.Join(unix.Fstat(d.fd(), &around), unix.Fstat(int(f.Fd()), &st)); err != nil { //nolint:gosec // a descriptor fits
		return nil, err
	}
	if words := others(around, true); words != "" {
		return nil, fmt.Errorf("%s: %w: %s %s", path, ErrNotRoots, d.Path(), words)
	}
	switch words := others(st, false); {
	case words != "":
		return nil, fmt.Errorf("%s: %w: it %s", path, ErrNotRoots, words)
	case st.Nlink != 1:
		return nil, fmt.Errorf("%s: %w: the file has another name, too", path, ErrNotRoots)
	case st.Size > largestState:
		return nil, fmt.Errorf("%s: %w: it has %d bytes", path, ErrNotRoots, st.Size)
	}
	return io.ReadAll(io.LimitReader(f, largestState))
}

// notRoots makes ErrNotRoots of the errors of what is no file.
func notRoots(path string, err error) error {
	if errors.Is(err, unix.ELOOP) || errors.Is(err, errNotRegular) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.EISDIR) {
		return fmt.Errorf("%s: %w: it is no regular file", path, ErrNotRoots)
	}
	if errors.Is(err, unix.ENOTDIR) {
		return fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	return err
}

// WriteState replaces a state file as a whole: whoever reads it, and the next
// boot after a power cut, finds the old text or the new one. What anybody else
// put in its place, or in that of the file that is written first, is never
// written to.
func WriteState(path string, text []byte) (err error) {
	d, err := Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	name := filepath.Base(path)
	temp := name + ".new"
	if err := d.clear(temp); err != nil {
		return err
	}
	f, err := d.OpenFile(temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, d.clear(temp))
	}
	err = d.Rename(temp, d, name)
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		if err = d.Displace(name); err == nil {
			err = d.Rename(temp, d, name)
		}
	}
	if err != nil {
		return errors.Join(err, d.clear(temp))
	}
	return d.Sync()
}

// clear sees to it that a name is free.
func (d *Dir) clear(name string) error {
	err := d.Remove(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, unix.EISDIR), errors.Is(err, unix.EPERM):
		return d.Displace(name)
	}
	return err
}

// RemoveState removes a state file for good, and whatever else is in its place;
// there is nothing to do where nothing is.
func RemoveState(path string) (err error) {
	d, err := Open(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.clear(filepath.Base(path)); err != nil {
		return err
	}
	return d.Sync()
}

// Noted reports whether root's state file is there. One that is not root's is
// none, and the error says so.
func Noted(path string) (bool, error) {
	_, err := ReadState(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
