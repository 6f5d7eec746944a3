package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/change"
)

// rootGFID is the extended attribute of a brick's root that is set when its
// brick process first runs.
const rootGFID = "trusted.gfid"

// internalDir is where a brick process keeps its own records.
const internalDir = ".glusterfs"

// stamps reads the stamps on this node's brick directories.
func (p *Pool) stamps(see *Observed) error {
	for _, v := range p.Want.Volumes {
		for _, b := range v.Spec.Bricks {
			if b.Host != p.Node {
				continue
			}
			id, err := stampOf(b.Path)
			if err != nil {
				return err
			}
			if id == "" {
				continue
			}
			unused, err := unused(b.Path)
			if err != nil {
				return err
			}
			see.Stamps[b.Path] = Stamp{ID: id, Unused: unused}
		}
	}
	return nil
}

// stampOf returns the UUID of the volume that a directory is stamped for, or
// "" where there is no stamp or no directory.
func stampOf(path string) (string, error) {
	id, err := gluster.BrickVolumeID(path)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ENOTSUP) {
		return "", nil
	}
	return id, err
}

// unused reports whether a brick directory holds nothing at all: no files, and
// no trace of a brick process.
func unused(path string) (bool, error) {
	_, err := unix.Lgetxattr(path, rootGFID, nil)
	switch {
	case err == nil:
		return false, nil
	case !errors.Is(err, unix.ENODATA):
		return false, fmt.Errorf("read %s of %s: %w", rootGFID, path, err)
	}
	names, err := some(path)
	if err != nil {
		return false, err
	}
	if len(names) == 0 {
		return true, nil
	}
	if !slices.Equal(names, []string{internalDir}) {
		return false, nil
	}
	names, err = some(filepath.Join(path, internalDir))
	return len(names) == 0, err
}

// some returns up to two names in a directory.
func some(path string) (names []string, err error) {
	d, err := os.Open(path) //nolint:gosec // beneath a directory that only root enters
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := d.Close(); err == nil {
			err = cerr
		}
	}()
	names, err = d.Readdirnames(2)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return names, err
}

// freshness is how long a node leaves the stamp of another node's attempt alone:
// that is most likely still going on.
const freshness = time.Second

var errFresh = errors.New("another node is at it")

// unstamp removes a leftover stamp. The volume may be being created at this
// very moment, by another node or by a command that a killed apply left behind:
// then the stamp is no leftover. A command that takes the volume's lock and
// changes nothing finds out; once it got the lock, whoever made this stamp has
// ended, and a new attempt would make another one, which needs this one gone.
func (p *Pool) unstamp(ctx context.Context, l Leftover) error {
	if l.Follower {
		var st unix.Stat_t
		if err := unix.Lstat(l.Path, &st); err != nil {
			return fmt.Errorf("stat %s: %w", l.Path, err)
		}
		if time.Since(time.Unix(st.Ctim.Unix())) < freshness {
			return &change.RetryError{Waiting: "volume " + l.Volume + " to be created", Err: errFresh}
		}
	}
	err := p.CLI.Run(ctx, gluster.Command{"volume", "status", l.Volume})
	switch {
	case err == nil:
		return nil // it exists by now: the next look sees it
	case errors.Is(err, gluster.ErrTransaction):
		return &change.RetryError{Waiting: "volume " + l.Volume + " to be created, or its creation to fail", Err: err}
	case !errors.Is(err, gluster.ErrNoSuchVolume) && !strings.Contains(err.Error(), "is not started"):
		return err
	}
	volumes, err := p.Local.Volumes(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(volumes, func(v gluster.Volume) bool { return strings.EqualFold(v.ID, l.ID) }) {
		return nil
	}
	id, err := stampOf(l.Path)
	if err != nil || id != l.ID {
		return err
	}
	free, err := unused(l.Path)
	if err != nil {
		return err
	}
	if !free {
		return fmt.Errorf("%s is in use by now", l.Path)
	}
	return change.Command(ctx, "setfattr -x "+gluster.XattrVolumeID+" "+l.Path, func() error { return unix.Lremovexattr(l.Path, gluster.XattrVolumeID) })
}
