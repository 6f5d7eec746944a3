package recovery

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"brickyard/setup/beneath"
)

// at does something to the place of a brick, by the directory around it.
func at(brick string, do func(around *beneath.Dir, name string) error) error {
	around, name, err := beneath.Beside(brick)
	if err != nil {
		return err
	}
	return errors.Join(do(around, name), around.Close())
}

// clearAt is at for what leaves nothing to do where nothing is.
func clearAt(brick string, do func(around *beneath.Dir, name string) error) error {
	if err := at(brick, do); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) {
		return err
	}
	return nil
}

// removeEmpty removes the directory of a brick if it is empty.
func removeEmpty(brick string) error {
	return clearAt(brick, func(around *beneath.Dir, name string) error {
		err := around.RemoveDir(name)
		if errors.Is(err, unix.ENOTEMPTY) {
			return nil
		}
		return err
	})
}

// removeAll removes the directory of a brick.
func removeAll(brick string) error {
	return clearAt(brick, func(around *beneath.Dir, name string) error { return around.RemoveAll(name) })
}

// freePlace moves away what somebody else put where an empty brick is to be: it
// would be the root of the volume, and theirs.
func freePlace(brick string) error {
	return clearAt(brick, func(around *beneath.Dir, name string) error {
		st, err := around.Stat(name)
		if err != nil || st.Uid == 0 && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return err
		}
		return around.Displace(name)
	})
}

// makeBrick makes the directory that GlusterFS wants to find, the root of the
// volume with this mode, whatever this process's umask is.
func makeBrick(brick string, mode fs.FileMode) error {
	return at(brick, func(around *beneath.Dir, name string) error {
		root, err := around.Mkdirs(name, 0o755)
		if err != nil {
			return err
		}
		internal, err := root.Mkdirs(internalDir, 0o600)
		if err == nil {
			err = errors.Join(internal.Chmod(0o600), internal.Close())
		}
		return errors.Join(err, root.Chmod(mode), root.Close())
	})
}
