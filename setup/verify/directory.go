package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	baseDir = ".gluster-setup-verify"
	tooOld  = time.Hour        // what is older was left by a dead run
	leaving = 10 * time.Second // for cleaning up
	tries   = 10               // of what another node's cleaning may undo
)

// prepare makes this run's directory, and removes what former runs of this
// node left. Of two runs on one node the later one goes on.
func (s *session) prepare(ctx context.Context) error {
	if err := s.makeDirs(ctx); err != nil {
		return err
	}
	own, err := s.vol.stat(ctx, s.inbox)
	if err != nil {
		return err
	}
	if err := s.trust(ctx, own); err != nil {
		return err
	}
	names, err := s.vol.list(ctx, s.group)
	if err != nil {
		return err
	}
	for _, text := range names {
		n, ok := parseName(text)
		if !ok || n.node != s.cfg.Node || n.token == s.token {
			continue
		}
		if err := s.removeTree(ctx, path.Join(s.group, text)); err != nil {
			return err
		}
		s.note("removed %s, left by a former run on this node", path.Join(s.group, text))
	}
	return s.findOld(ctx, own.ModTime())
}

// makeDirs may lose a race against another node that removes an empty
// directory at the end of its run. A client that remembers that a name is not
// there finds a directory both there and missing until it is told.
func (s *session) makeDirs(ctx context.Context) error {
	var err error
	for begin := time.Now(); time.Since(begin) < s.cfg.Patience; {
		s.dirs = nil
		for _, dir := range []string{baseDir, s.group, s.inbox} {
			if err = s.vol.mkdir(ctx, dir); errors.Is(err, fs.ErrExist) {
				err = s.mustBeDir(ctx, dir)
			}
			if err != nil {
				break
			}
			s.dirs = append(s.dirs, dir)
		}
		if err == nil || !missing(err) {
			return err
		}
		if err := sleepFor(ctx, s.cfg.Interval); err != nil {
			return err
		}
	}
	return err
}

func (s *session) mustBeDir(ctx context.Context, dir string) error {
	info, err := s.vol.stat(ctx, dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s on the volume is not a directory: remove it", dir)
	}
	return nil
}

// trust refuses directories that another user prepared: who owns them could
// lead this program, which may run as root, elsewhere.
func (s *session) trust(ctx context.Context, own fs.FileInfo) error {
	for _, dir := range []string{baseDir, s.group} {
		info, err := s.vol.stat(ctx, dir)
		if err != nil {
			return err
		}
		theirs, ok1 := info.Sys().(*syscall.Stat_t)
		ours, ok2 := own.Sys().(*syscall.Stat_t)
		if ok1 && ok2 && theirs.Uid != ours.Uid {
			return fmt.Errorf("%s on the volume belongs to user %d, new files to user %d: run verify as the same user everywhere, or remove the directory",
				dir, theirs.Uid, ours.Uid)
		}
	}
	return nil
}

// findOld notes what is older than an hour, in the directories of all mounts
// of the volume. Ages are differences between times that the volume keeps, of
// files made now and then, so this node's clock is not in them; that of a
// node that is an hour wrong is. What belongs to a peer that is met in this run
// is therefore never removed, whatever its age.
func (s *session) findOld(ctx context.Context, now time.Time) error {
	groups, err := s.vol.list(ctx, baseDir)
	if err != nil {
		return err
	}
	for _, group := range groups {
		dir := path.Join(baseDir, group)
		names, err := s.vol.list(ctx, dir)
		if missing(err) || errors.Is(err, unix.ENOTDIR) {
			continue
		}
		if err != nil {
			return err
		}
		for _, text := range names {
			if n, ok := parseName(text); !ok || n.kind != kindRun && n.kind != kindFile {
				continue
			}
			info, err := s.vol.stat(ctx, path.Join(dir, text))
			if err == nil && now.Sub(info.ModTime()) > tooOld {
				s.old = append(s.old, path.Join(dir, text))
			}
		}
	}
	return nil
}

// leave removes what this run made, also when ctx is cancelled, tells the
// peers if it ends early, and removes old leftovers.
func (s *session) leave(ctx context.Context, early bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
	defer cancel()
	var errs []error
	if early {
		for run := range s.runs {
			_, err := s.post(ctx, run.token, run.node, s.own(kindQuit, 0))
			errs = append(errs, err)
		}
	}
	if s.made != "" {
		if err := s.vol.remove(ctx, s.made); !missing(err) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, s.removeOld(ctx))
	// Only what this run found to be directories: nobody else's file.
	for _, dir := range slices.Backward(s.dirs) {
		if dir == s.inbox {
			errs = append(errs, s.removeTree(ctx, dir))
		} else {
			errs = append(errs, s.removeIfEmpty(ctx, dir))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}

func (s *session) removeOld(ctx context.Context) error {
	for _, old := range s.old {
		n, _ := parseName(path.Base(old))
		met := false
		for _, p := range s.peers {
			met = met || p.token == n.token
		}
		if met {
			continue
		}
		if err := s.removeTree(ctx, old); err != nil {
			return err
		}
		s.note("removed %s, left more than an hour ago", old)
		if group := path.Dir(old); group != s.group {
			if err := s.removeIfEmpty(ctx, group); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) removeIfEmpty(ctx context.Context, dir string) error {
	if err := s.vol.remove(ctx, dir); err != nil && !missing(err) && !notEmpty(err) {
		return err
	}
	return nil
}

// removeTree removes a file, or a run's directory with its messages. Others
// may put in one more while it is being emptied.
func (s *session) removeTree(ctx context.Context, file string) error {
	var err error
	for range tries {
		if err = s.vol.remove(ctx, file); err == nil || missing(err) {
			return nil
		}
		if !notEmpty(err) {
			return err
		}
		names, listErr := s.vol.list(ctx, file)
		if listErr != nil && !missing(listErr) {
			return listErr
		}
		for _, text := range names {
			if _, ok := parseName(text); !ok {
				return fmt.Errorf("%s holds %s, which is not verify's: remove it yourself", file, text)
			}
			if err := s.vol.remove(ctx, path.Join(file, text)); err != nil && !missing(err) {
				return err
			}
		}
	}
	return err
}

func notEmpty(err error) bool {
	return errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST)
}
