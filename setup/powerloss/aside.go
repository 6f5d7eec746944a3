package powerloss

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/setup/beneath"
)

// asideName is the directory beside a brick for what was taken out of it.
const asideName = ".gluster-setup-aside"

// Aside is a dated directory beside a brick, on the brick's own file system.
type Aside struct {
	Brick string
	Dir   string
}

// NewAside names a directory that is made when something is put there; why is
// part of its name.
func NewAside(brick, why string, now time.Time) Aside {
	return Aside{Brick: brick, Dir: filepath.Join(filepath.Dir(brick), asideName, now.UTC().Format(asideTime)+"-"+why)}
}

const asideTime = "20060102T150405Z"

// WholeAside names a directory for a brick that is moved aside as a whole.
func WholeAside(brick string, now time.Time) Aside {
	return Aside{Brick: brick, Dir: filepath.Join(filepath.Dir(brick), asideName, now.UTC().Format("20060102T150405.000Z"))}
}

// open makes the directory, and those of rel below it, and opens the last. They
// are for root alone.
func (a Aside) open(rel string) (*beneath.Dir, error) {
	beside, err := beneath.Open(filepath.Dir(filepath.Dir(a.Dir)))
	if err != nil {
		return nil, err
	}
	defer beside.Close() //nolint:errcheck // nothing was written through it
	all, err := beside.Own(filepath.Base(filepath.Dir(a.Dir)))
	if err != nil {
		return nil, err
	}
	defer all.Close() //nolint:errcheck // nothing was written through it
	return all.Mkdirs(path.Join(filepath.Base(a.Dir), rel), 0o700)
}

// Whole moves a directory, a brick or what else lies beside it, here as a whole.
func (a Aside) Whole(from string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("move %s aside: %w", from, err)
		}
	}()
	beside, err := beneath.Open(filepath.Dir(from))
	if err != nil {
		return err
	}
	defer beside.Close() //nolint:errcheck // nothing was written through it
	all, err := beside.Own(filepath.Base(filepath.Dir(a.Dir)))
	if err != nil {
		return err
	}
	defer all.Close() //nolint:errcheck // nothing was written through it
	return errors.Join(beside.Rename(filepath.Base(from), all, filepath.Base(a.Dir)), all.Sync(), beside.Sync())
}

// Move takes a name, and everything below it, out of a brick whose process does
// not run. rel is from the root of the volume.
func (a Aside) Move(rel string) error {
	brick, err := beneath.Open(a.Brick)
	if err != nil {
		return err
	}
	defer brick.Close() //nolint:errcheck // nothing was written through it
	from, name, err := brick.At(rel)
	if err != nil {
		return fmt.Errorf("take a name out of the brick: %w", err)
	}
	defer from.Close() //nolint:errcheck // nothing was written through it
	if err := forget(brick, from, name); err != nil {
		return fmt.Errorf("take a name out of the brick: %w", err)
	}
	to, err := a.open(path.Dir(rel))
	if err != nil {
		return err
	}
	defer to.Close() //nolint:errcheck // nothing was written through it
	if err := from.Rename(name, to, name); err != nil {
		return fmt.Errorf("take a name out of the brick: %w", err)
	}
	return nil
}

// forget removes GlusterFS's own links to a file, and to all below it, by which
// they would still be files of the volume.
func forget(brick, around *beneath.Dir, name string) error {
	return walk(around, name, func(dir *beneath.Dir, name string, st unix.Stat_t) (bool, error) {
		id, err := dir.GFID(name)
		if err != nil || id == "" {
			return true, err
		}
		if st.Mode&unix.S_IFMT != unix.S_IFDIR && st.Nlink > 2 {
			return true, nil // it has another name in the volume
		}
		handles, link, err := brick.At(path.Join(internalDir, id[:2], id[2:4], id))
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		err = handles.Remove(link)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return true, errors.Join(err, handles.Close())
	})
}

// internalDir is where a brick process keeps its own records.
const internalDir = ".glusterfs"

// walk calls do for a name and for everything below it; do says whether to go
// on below a directory, and an error of do ends the walk. Directories are opened
// again by their way from the first, so that a deep tree needs no more
// descriptors than a flat one.
func walk(around *beneath.Dir, name string, do func(dir *beneath.Dir, name string, st unix.Stat_t) (down bool, err error)) error {
	st, err := around.Stat(name)
	if err != nil {
		return err
	}
	down, err := do(around, name, st)
	if err != nil || !down || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return err
	}
	for todo := []string{name}; len(todo) > 0; {
		rel := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		below, err := directories(around, rel, do)
		if err != nil {
			return err
		}
		todo = append(todo, below...)
	}
	return nil
}

// directories calls do for the names of one directory, and returns those of
// directories below which to go on.
func directories(around *beneath.Dir, rel string, do func(*beneath.Dir, string, unix.Stat_t) (bool, error)) (below []string, err error) {
	dir, err := around.Sub(rel)
	if err != nil {
		return nil, err
	}
	defer dir.Close() //nolint:errcheck // read only
	names, err := dir.Names(-1)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		st, err := dir.Stat(name)
		if err != nil {
			return below, err
		}
		down, err := do(dir, name, st)
		if err != nil {
			return below, err
		}
		if down && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			below = append(below, path.Join(rel, name))
		}
	}
	return below, nil
}

// Copy keeps a copy of a file as the brick has it.
func (a Aside) Copy(rel string) (err error) {
	brick, err := beneath.Open(a.Brick)
	if err != nil {
		return err
	}
	defer brick.Close() //nolint:errcheck // read only
	dir, name, err := brick.At(rel)
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // read only
	from, err := dir.OpenFile(name, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // read only
	to, err := a.open(path.Dir(rel))
	if err != nil {
		return err
	}
	defer to.Close() //nolint:errcheck // its files are flushed with the brick
	out, err := to.OpenFile(name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from) // clones where the file system can
	return errors.Join(err, out.Close())
}

// takeOutUnfinished takes the names without a gfid out of a brick whose
// process does not run: a create that the power cut interrupted left them, no
// client was ever told of them, and they keep their directory from being healed
// and removed, for good. What has contents is left: GlusterFS makes nothing
// like it. A name that cannot be looked at is undecided, and the others are
// looked at all the same; the error is of the brick as a whole.
func takeOutUnfinished(brick string, aside Aside) (taken []string, undecided int, err error) {
	taken = []string{}
	root, err := beneath.Open(brick)
	if err != nil {
		return taken, 0, fmt.Errorf("look for half made names: %w", err)
	}
	defer root.Close() //nolint:errcheck // read only
	for todo := []string{""}; len(todo) > 0; {
		rel := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		dir, err := root.Sub(rel)
		if err == nil {
			var names []string
			names, err = dir.Names(-1)
			for _, name := range names {
				if rel == "" && name == internalDir {
					continue
				}
				p := path.Join(rel, name)
				what, down, err := unfinished(dir, name)
				if what {
					err = aside.Move(p)
				}
				switch {
				case errors.Is(err, fs.ErrNotExist):
				case err != nil:
					undecided++
				case what:
					taken = append(taken, "/"+p)
				case down:
					todo = append(todo, p)
				}
			}
			err = errors.Join(err, dir.Close())
		}
		if err != nil && rel == "" {
			return taken, undecided, fmt.Errorf("look for half made names: %w", err)
		}
		if err != nil {
			undecided++
		}
	}
	return taken, undecided, nil
}

// unfinished reports whether a name is one that GlusterFS did not finish
// making, and else whether it is a directory to look into.
func unfinished(dir *beneath.Dir, name string) (half, down bool, err error) {
	st, err := dir.Stat(name)
	if err != nil {
		return false, false, err
	}
	down = st.Mode&unix.S_IFMT == unix.S_IFDIR
	id, err := dir.GFID(name)
	if err != nil || id != "" {
		return false, down && err == nil, err
	}
	if !down {
		return st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size == 0, false, nil
	}
	below, err := dir.Sub(name)
	if err != nil {
		return false, false, err
	}
	names, err := below.Names(1)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err == nil && len(names) == 0, len(names) > 0, errors.Join(err, below.Close())
}
