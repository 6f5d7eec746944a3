package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"brickyard/setup/beneath"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
)

// What lies beside a brick decides what becomes of it, and whoever can get at
// the brick's directory gets past GlusterFS: bricks and their surroundings are
// root's alone.

// exposed is a conflict when anybody but root may replace what lies at path.
func exposed(object, path, field string) (*change.Conflict, error) {
	if c, err := machine.Linked(filepath.Dir(path)); c != nil || err != nil {
		return c, err
	}
	who, err := beneath.Exposed(path)
	if who == "" || err != nil {
		return nil, err
	}
	at, _, _ := strings.Cut(who, " ")
	return &change.Conflict{
		Code: "brick-exposed", Object: object, Problem: who + ", who could put something else into the place of the brick and of what is noted beside it",
		Remedy: "give it to root alone (chown root:root " + at + " && chmod go-w " + at + "), or choose another place in " + field,
	}, nil
}

// foreign says in words why a program that lies beside the running one must not
// be installed, or nothing: it must be a file of root's, or of whoever owns the
// running program, which root trusts already; in a directory like /tmp anybody
// could have put it there.
func foreign(program, self string) (string, error) {
	dir, name, err := beneath.Beside(program)
	if err != nil {
		return "", err
	}
	defer dir.Close() //nolint:errcheck // read only
	st, err := dir.Stat(name)
	if err != nil {
		return "", err
	}
	var own unix.Stat_t
	if err := unix.Stat(self, &own); err != nil {
		return "", fmt.Errorf("stat %s: %w", self, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return "it is no regular file", nil
	case st.Uid != 0 && st.Uid != own.Uid:
		return fmt.Sprintf("it belongs to user %d, not to root", st.Uid), nil
	case st.Mode&0o002 != 0:
		return fmt.Sprintf("everybody may write to it (its mode is %04o)", st.Mode&0o7777), nil
	}
	return "", nil
}

// settings plans what a mounted brick file system lacks: options, and that its
// root directory is for root alone. Neither disturbs a brick that serves: its
// process is root's.
func (h *Host) settings(m desired.BrickMount, mnt *mountinfo.Info, options []string, whys []string) (change.Plan, error) {
	var p change.Plan
	hardening := false
	for _, o := range []string{"nosuid", "nodev"} {
		if !machine.HasOption(mnt, o) {
			options, hardening = append(options, o), true
		}
	}
	if hardening {
		whys = append(whys, "what a client of the volume writes must be neither a program with root's rights nor a device to a user of this machine")
	}
	if len(options) > 0 {
		p.Changes = append(p.Changes, h.remount(m.Path, strings.Join(options, ","), strings.Join(whys, "; ")))
	}
	dir, err := beneath.Open(m.Path)
	if err != nil {
		return p, err
	}
	private, err := dir.Private()
	if err = errors.Join(err, dir.Close()); err != nil || private {
		return p, err
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Host, Object: m.Path, Code: "brick-private", Action: "shut others out of", Why: "whoever can write beside a brick can have it emptied, and whoever can read there reads every file of the volume",
		Commands: []string{"chown root:root " + m.Path, "chmod 0700 " + m.Path},
		Do:       func(context.Context) error { return MakePrivate(m.Path) },
	})
	return p, nil
}

// MakePrivate shuts everybody but root out of the root directory of a brick's file system.
func MakePrivate(path string) error {
	dir, err := beneath.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.MakePrivate(), dir.Close())
}

// ShutOut does at once for what is mounted what apply does, and returns the
// mount points that it closed: those that a former version left open. What is
// not the declared file system is left alone.
func (h *Host) ShutOut(ctx context.Context) (closed []string, err error) {
	var errs []error
	for _, m := range h.State.BrickMounts {
		if problem, err := h.Mounted(ctx, m); err != nil || problem != "" {
			continue // recovery says so
		}
		dir, err := beneath.Open(m.Path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		private, err := dir.Private()
		if err == nil && !private {
			err = dir.MakePrivate()
			closed = append(closed, m.Path)
		}
		errs = append(errs, err, dir.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return closed, fmt.Errorf("shut others out of brick file systems: %w", err)
	}
	return closed, nil
}
