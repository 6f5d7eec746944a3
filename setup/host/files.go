package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/textfile"
	"brickyard/setup/unitfile"
)

// Files plans the files that gluster-setup writes: /etc/hosts, /etc/fstab, the
// cluster file's copy and the units. Below another Root it is all of render.
type Files struct {
	Root     string // "/" or the directory of render --root
	State    *desired.State
	Rendered *desired.Rendered
	Source   string       // the cluster file in use
	Self     string       // the running program, installed at State.Binary when that is another file; "" leaves it out
	Own      []netip.Addr // addresses of this machine; nil below another Root
	Left     []string     // lines of our block in /etc/fstab that stay until what they mount is unmounted
	// Stale is called before a file that systemd reads is changed, so that a run
	// that dies before it reloads systemd does not leave that to nobody.
	Stale func() error
}

// HostsPath is where apply writes the nodes.
const HostsPath = "/etc/hosts"

const fstabPath = "/etc/fstab"

// Part says that files belong to the host part.
func (f *Files) Part() change.Part { return change.Host }

// Plan compares the files with what they should hold.
func (f *Files) Plan(context.Context) (change.Plan, error) {
	var p change.Plan
	for _, step := range []func() (change.Plan, error){f.hosts, f.self, f.exporter, f.owned, f.fstab, f.mountUnits} {
		q, err := step()
		if err != nil {
			return p, err
		}
		p.Add(q)
	}
	return p, nil
}

func (f *Files) path(p string) string { return filepath.Join(f.Root, p) }

func (f *Files) hosts() (change.Plan, error) {
	var p change.Plan
	if !f.State.ManageHosts {
		return p, nil
	}
	old, err := readText(f.path(HostsPath))
	if err != nil {
		return p, err
	}
	text, problems := textfile.EditHosts(old, f.Rendered.HostsBlock, f.State.Node, func(a netip.Addr) bool { return machine.IsLocal(a, f.Own) })
	for _, pr := range problems {
		p.Conflicts = append(p.Conflicts, f.conflict("hosts-entry", HostsPath, pr))
	}
	if p.Warnings, err = rewriters(f.Root, old); err != nil {
		return p, err
	}
	if len(problems) == 0 && text != old {
		p.Changes = append(p.Changes, f.write(HostsPath, old, text, 0o644, false, "the nodes of the cluster must be known by name without asking a name server"))
	}
	return p, nil
}

func (f *Files) fstab() (change.Plan, error) {
	var p change.Plan
	old, err := readText(f.path(fstabPath))
	if err != nil {
		return p, err
	}
	text, problems := textfile.EditFstab(old, f.Rendered.FstabBlock)
	if len(f.Left) > 0 && len(problems) == 0 {
		text, problems = textfile.EditFstab(old, append(slices.Clone(f.Rendered.FstabBlock), f.Left...))
		if sameLines(textfile.Block(old), textfile.Block(text)) {
			text = old
		}
	}
	for _, pr := range problems {
		p.Conflicts = append(p.Conflicts, f.conflict("fstab-entry", fstabPath, pr))
	}
	if len(problems) == 0 && text != old {
		p.Changes = append(p.Changes, f.write(fstabPath, old, text, 0o644, true, "brick file systems and client mounts must come back at boot"))
	}
	return p, nil
}

// sameLines reports whether two blocks have the same lines in any order.
func sameLines(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// mountUnits looks for files that systemd takes instead of the units that it makes of our lines in /etc/fstab.
func (f *Files) mountUnits() (change.Plan, error) {
	var p change.Plan
	mounts, required := f.State.MountUnits()
	problems, err := unitfile.Problems(f.Root, mounts, required)
	for _, pr := range problems {
		p.Conflicts = append(p.Conflicts, change.Conflict{Code: "mount-unit", Object: pr.Path, Problem: pr.Problem, Remedy: pr.Remedy})
	}
	return p, err
}

// owned plans the files that are ours from the first to the last byte.
func (f *Files) owned() (change.Plan, error) {
	var p change.Plan
	for _, file := range f.Rendered.Files {
		old, err := readText(f.path(file.Path))
		if err != nil {
			return p, err
		}
		if old == file.Content {
			continue
		}
		why := "systemd must start things in the right order at boot"
		if !file.Unit {
			why = "the units read the cluster file from here at boot"
		}
		c := f.write(file.Path, old, file.Content, file.Mode, file.Unit, why)
		if !file.Unit && old == "" && f.Source != file.Path {
			// A copy of what the user just wrote tells nobody anything new.
			c.Action, c.Diff, c.Commands = "copy the cluster file to", "", []string{"install -m 0644 " + f.Source + " " + file.Path}
		}
		p.Changes = append(p.Changes, c)
	}
	return p, nil
}

// self plans the installation of the running program where the units find it.
func (f *Files) self() (change.Plan, error) {
	var p change.Plan
	if f.Self == "" || f.Self == f.State.Binary {
		return p, nil
	}
	return p, f.install(&p, f.Self, f.State.Binary, "the units call this program at boot")
}

// exporter plans the installation of gluster_exporter, which is delivered beside the running program.
func (f *Files) exporter() (change.Plan, error) {
	var p change.Plan
	if f.Self == "" || f.State.Exporter == nil {
		return p, nil
	}
	target, source := f.State.Exporter.Binary, filepath.Join(filepath.Dir(f.Self), desired.ExporterName)
	_, err := os.Stat(source)
	if source == target || errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(f.path(target)); errors.Is(err, fs.ErrNotExist) {
			p.Conflicts = append(p.Conflicts, change.Conflict{
				Code: "exporter-missing", Object: target, Problem: "the cluster file asks for the exporter, and its program is neither here nor beside " + f.Self,
				Remedy: "copy " + desired.ExporterName + " to " + target + " (the package gluster-exporter puts it into /usr/sbin), or remove exporter from " + f.Source,
			})
		} else if err != nil {
			return p, err
		}
		return p, nil
	}
	problem, err := foreign(source, f.Self)
	if err != nil {
		return p, err
	}
	if problem != "" {
		p.Conflicts = append(p.Conflicts, change.Conflict{
			Code: "exporter-not-roots", Object: source, Problem: problem + ", and root would run it from " + target + " on",
			Remedy: "put " + desired.ExporterName + " and gluster-setup into a directory of root's, or remove exporter from " + f.Source,
		})
		return p, nil
	}
	return p, f.install(&p, source, target, "the cluster file asks for the exporter")
}

// install plans that a program is where the units find it.
func (f *Files) install(p *change.Plan, source, target, why string) error {
	ours, err := os.ReadFile(source) //nolint:gosec // what the plan writes, in directories of root's
	if err != nil {
		return fmt.Errorf("read the program to install: %w", err)
	}
	path := f.path(target)
	theirs, err := os.ReadFile(path) //nolint:gosec // what the plan writes, in directories of root's
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if bytes.Equal(ours, theirs) {
		return nil
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Host, Object: target, Code: "program-install", Action: "install", Why: why,
		Commands: []string{"install -m 0755 " + source + " " + target},
		Do:       func(context.Context) error { return machine.WriteFile(path, ours, 0o755) },
	})
	return nil
}

func (f *Files) write(name, old, text string, mode fs.FileMode, unit bool, why string) change.Change {
	action := "edit"
	if old == "" {
		action = "create"
	}
	return change.Change{
		Part: change.Host, Object: name, Code: "file-write", Action: action, Why: why,
		Diff: udiff.Unified(name, name+" (gluster-setup)", old, text), Before: old, After: text,
		Do: func(context.Context) error {
			if unit && f.Stale != nil {
				if err := f.Stale(); err != nil {
					return err
				}
			}
			// What somebody else wrote since the plan was made must not be lost.
			if now, err := readText(f.path(name)); err != nil {
				return err
			} else if now != old {
				return &change.RetryError{Waiting: name + " to stay as it is", Err: errEdited}
			}
			return machine.WriteFile(f.path(name), []byte(text), mode)
		},
	}
}

var errEdited = errors.New("somebody else changed it meanwhile")

func (f *Files) conflict(code, name string, p textfile.Problem) change.Conflict {
	return change.Conflict{Code: code, Object: fmt.Sprintf("%s:%d", name, p.Line), Problem: p.Problem, Remedy: p.Remedy}
}

// readText reads a text file; one that does not exist is empty.
func readText(path string) (string, error) {
	b, err := os.ReadFile(path) //nolint:gosec // what the plan writes, in directories of root's
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return "", fmt.Errorf("%s: holds NUL bytes at offset %d: not a text file, restore it first", path, strings.IndexByte(string(b), 0))
	}
	return string(b), nil
}
