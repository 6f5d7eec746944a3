package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"golang.org/x/sys/unix"

	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/textfile"
)

// Codes of changes that take back what the cluster file does not have any more.
const (
	leftMount = "left-mount" // a mount of ours
	leftUnit  = "left-unit"  // a unit or drop-in of ours
	leftLine  = "left-line"  // a line of ours in /etc/fstab
	leftFile  = "left-file"  // another file of ours
)

const whyLeft = "the cluster file does not ask for it any more"

// left is what apply made on this node and the cluster file does not have any more. Each thing carries its mark itself and is
// the last to go of all that hangs on it, so that a run that is killed anywhere leaves the next one something to find.
type left struct {
	mounts []textfile.Fstab  // lines of our block in /etc/fstab
	units  []string          // by name, in the order in which they are taken away
	wait   bool              // the unit that client mounts required
	dropIn bool              // of glusterd's unit
	texts  map[string]string // of the files of all of them, by path
}

// lines are those that stay in /etc/fstab until what they mount is unmounted.
func (l left) lines() []string {
	var out []string
	for _, e := range l.mounts {
		out = append(out, e.String())
	}
	return out
}

// lookLeft finds it by the marks. A line that somebody else has taken over is not in it.
func (h *Host) lookLeft() (left, error) {
	l := left{texts: map[string]string{}}
	text, err := readText(filepath.Join(h.Root, fstabPath))
	if err != nil {
		return l, err
	}
	l.mounts = slices.DeleteFunc(textfile.LeftFstab(text, h.Rendered.FstabBlock), func(e textfile.Fstab) bool { return textfile.HasMount(text, e.File) })
	have := func(file string) bool {
		return !slices.ContainsFunc(h.Rendered.Files, func(f desired.File) bool { return f.Path == file }) && l.read(h.Root, file, &err)
	}
	for _, name := range desired.OwnUnits() {
		// The exporter's units have the exporter's name, and may be somebody else's.
		if file := desired.UnitPath(name); have(file) && (!strings.HasPrefix(name, desired.ExporterName+".") || desired.Marked(l.texts[file])) {
			l.units = append(l.units, name)
		}
	}
	l.wait, l.dropIn = have(desired.WaitTemplate()), have(desired.DropIn())
	return l, err
}

// read reads a unit that is a file of its own, and reports whether it is one. A link to another one is somebody else's, as of a unit that is masked.
func (l left) read(root, file string, failed *error) bool {
	st, err := os.Lstat(filepath.Join(root, file))
	if err == nil && st.Mode().IsRegular() {
		var text string
		if text, err = readText(filepath.Join(root, file)); err == nil {
			l.texts[file] = text
			return true
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		*failed = errors.Join(*failed, err)
	}
	return false
}

// takeDropIns plans that glusterd's unit forgets the units of ours that go: stopped before, they would stop glusterd with them.
func (h *Host) takeDropIns(l left) []change.Change {
	if !l.dropIn {
		return nil
	}
	return []change.Change{h.remove(leftUnit, desired.DropIn(), l.texts[desired.DropIn()])}
}

// takeBack plans that all the rest goes: units first, the exporter's probes among them, then mounts, then their lines.
func (h *Host) takeBack(ctx context.Context, l left, files change.Plan) (change.Plan, error) {
	p, err := h.takeUnits(ctx, l.units)
	if err != nil {
		return p, err
	}
	for _, name := range l.units {
		p.Changes = append(p.Changes, h.remove(leftUnit, desired.UnitPath(name), l.texts[desired.UnitPath(name)]))
	}
	q, err := h.takeMounts(ctx, l)
	if err != nil {
		return p, err
	}
	p.Add(q)
	if len(l.mounts) > 0 && len(files.Conflicts) == 0 {
		c, err := h.takeLines(files)
		if err != nil {
			return p, err
		}
		p.Changes = append(p.Changes, c...)
	}
	if l.wait {
		p.Changes = append(p.Changes, h.remove(leftUnit, desired.WaitTemplate(), l.texts[desired.WaitTemplate()]))
	}
	// The other reload comes before.
	if slices.ContainsFunc(p.Changes, func(c change.Change) bool { return h.isUnit(c.Object) }) && h.Systemd.Running() {
		p.Changes = append(p.Changes, h.reloadNow("fstab or units change"))
	}
	return p, nil
}

// takeUnits plans that units do not run and do not start at boot.
func (h *Host) takeUnits(ctx context.Context, units []string) (change.Plan, error) {
	var p change.Plan
	if !h.Systemd.Running() {
		return p, nil
	}
	for _, name := range units {
		active, enabled, err := h.Systemd.State(ctx, name)
		if err != nil {
			return p, err
		}
		if active != "" && active != "inactive" {
			p.Changes = append(p.Changes, h.stopUnit(name))
		}
		if enabled == "enabled" || enabled == "enabled-runtime" {
			p.Changes = append(p.Changes, change.Change{
				Part: change.Host, Object: name, Code: leftUnit, Action: "disable", Why: whyLeft,
				Commands: []string{"systemctl disable " + name},
				Do:       func(ctx context.Context) error { return h.Systemd.Disable(ctx, name) },
			})
		}
	}
	return p, nil
}

func (h *Host) stopUnit(name string) change.Change {
	return change.Change{
		Part: change.Host, Object: name, Code: leftUnit, Action: "stop", Why: whyLeft,
		Commands: []string{"systemctl stop " + name},
		Do:       func(ctx context.Context) error { return h.Systemd.Stop(ctx, name) },
	}
}

// takeLines plans the edit of /etc/fstab that comes after the one in files.
func (h *Host) takeLines(files change.Plan) ([]change.Change, error) {
	old, err := readText(filepath.Join(h.Root, fstabPath))
	if err != nil {
		return nil, err
	}
	for _, c := range files.Changes {
		if c.Object == fstabPath {
			old = c.After
		}
	}
	text, problems := textfile.EditFstab(old, h.Rendered.FstabBlock)
	if len(problems) > 0 || text == old {
		return nil, nil // a conflict of files has the problems
	}
	c := (&Files{Root: h.Root, Stale: h.markStale}).write(fstabPath, old, text, 0o644, true, "the cluster file does not have these mounts any more")
	c.Code = leftLine
	return []change.Change{c}, nil
}

// remove plans that a file of ours goes, and the directory of its own that a drop-in has.
func (h *Host) remove(code, name, text string) change.Change {
	file := filepath.Join(h.Root, name)
	return change.Change{
		Part: change.Host, Object: name, Code: code, Action: "remove", Why: whyLeft, Commands: []string{"rm " + name},
		Diff: udiff.Unified(name, "/dev/null", text, ""), Before: text,
		Do: func(context.Context) error {
			if h.isUnit(name) {
				if err := h.markStale(); err != nil {
					return err
				}
			}
			if now, err := readText(file); err != nil {
				return err
			} else if now != text {
				return &change.RetryError{Waiting: name + " to stay as it is", Err: errEdited}
			}
			if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if path.Ext(path.Dir(name)) != ".d" {
				return nil
			}
			if err := os.Remove(filepath.Dir(file)); err != nil && !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST) {
				return fmt.Errorf("remove the directory of a drop-in: %w", err)
			}
			return nil
		},
	}
}
