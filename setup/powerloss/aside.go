package powerloss

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// asideName is the directory beside a brick for what was taken out of it.
const asideName = ".gluster-setup-aside"

// kept is how long what was taken out of a brick is kept.
const kept = 30 * 24 * time.Hour

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

// Move takes a name, and everything below it, out of a brick whose process does
// not run. rel is from the root of the volume.
func (a Aside) Move(rel string) error {
	from := filepath.Join(a.Brick, rel)
	if err := a.forget(from); err != nil {
		return fmt.Errorf("take %s out of the brick: %w", from, err)
	}
	to := filepath.Join(a.Dir, rel)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("take %s out of the brick: %w", from, err)
	}
	return nil
}

// forget removes GlusterFS's own links to files below a path, by which they
// would still be files of the volume.
func (a Aside) forget(path string) error {
	return filepath.WalkDir(path, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		id, err := GFID(p)
		if err != nil || id == "" {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		if st.Mode&unix.S_IFMT != unix.S_IFDIR && st.Nlink > 2 {
			return nil // it has another name in the volume
		}
		if err := os.Remove(filepath.Join(a.Brick, ".glusterfs", id[:2], id[2:4], id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// Copy keeps a copy of a file as the brick has it.
func (a Aside) Copy(rel string) (err error) {
	from, err := os.OpenFile(filepath.Join(a.Brick, rel), os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // read only
	to := filepath.Join(a.Dir, rel)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from) // clones where the file system can
	return errors.Join(err, out.Close())
}

// GFID is the identity of a file of a brick, "" of a name that GlusterFS did
// not finish making.
func GFID(path string) (string, error) {
	id := make([]byte, 16)
	n, err := unix.Lgetxattr(path, "trusted.gfid", id)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return "", nil
	}
	if err != nil || n != len(id) {
		return "", errors.Join(fmt.Errorf("read trusted.gfid of %s", path), err)
	}
	h := hex.EncodeToString(id)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"), nil
}

// takeOutUnfinished takes the names without a gfid out of a brick whose
// process does not run: a create that the power cut interrupted left them, no
// client was ever told of them, and they keep their directory from being healed
// and removed, for good. What has contents is left: GlusterFS makes nothing
// like it.
func takeOutUnfinished(brick string, aside Aside) (taken []string, err error) {
	taken = []string{}
	err = filepath.WalkDir(brick, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(brick, p)
		if err != nil || rel == "." {
			return err
		}
		if rel == ".glusterfs" {
			return fs.SkipDir
		}
		id, err := GFID(p)
		if err != nil || id != "" || !empty(p, d) {
			return err
		}
		if err := aside.Move(rel); err != nil {
			return err
		}
		taken = append(taken, "/"+rel)
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("look for half made names: %w", err)
	}
	return taken, err
}

func empty(path string, d fs.DirEntry) bool {
	if d.IsDir() {
		names, err := os.ReadDir(path)
		return err == nil && len(names) == 0
	}
	st, err := d.Info()
	return err == nil && (!d.Type().IsRegular() || st.Size() == 0)
}

// Prune removes what was taken out of a brick a month ago or earlier, and
// returns the directories that it removed. Bricks that were moved aside as a
// whole stay.
func Prune(brick string, now time.Time) ([]string, error) {
	dir := filepath.Join(filepath.Dir(brick), asideName)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var removed []string
	for _, e := range entries {
		stamp, _, ours := strings.Cut(e.Name(), "-")
		at, err := time.Parse(asideTime, stamp)
		if !ours || err != nil || now.Sub(at) < kept {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if err := os.RemoveAll(path); err != nil {
			return removed, err
		}
		removed = append(removed, path)
	}
	return removed, nil
}
