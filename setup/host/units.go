package host

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"brickyard/setup/change"
	"brickyard/setup/desired"
)

// units plans those of our own units that must be enabled, and run. files are the changes of files that come first.
func (h *Host) units(ctx context.Context, files change.Plan) (change.Plan, error) {
	var p change.Plan
	changes := map[string]string{}
	for _, c := range files.Changes {
		changes[c.Object] = c.Object + " changes"
	}
	if !h.Systemd.Running() {
		return p, nil
	}
	last := -1 // the place of the latest change that enables a unit
	for _, u := range h.State.Units() {
		active, enabled, err := h.Systemd.State(ctx, u.Name)
		if err != nil {
			return p, err
		}
		if masked(&p, u.Name, enabled) {
			continue
		}
		if mustEnable(enabled) {
			last = len(p.Changes)
			p.Changes = append(p.Changes, h.enable(u.Name, u.Why, false))
		}
		switch {
		case u.Start && active != "active":
			p.Changes = append(p.Changes, h.startUnit(u))
		case u.Program != "":
			q, err := h.renew(ctx, u, changes)
			if err != nil {
				return p, err
			}
			p.Add(q)
		}
	}
	if last >= 0 {
		p.Changes[last] = h.enable(p.Changes[last].Object, p.Changes[last].Why, true)
	}
	return p, nil
}

// enable makes a unit start at boot. systemd reads all of its units again for each reload, which takes a small machine
// seconds: of several units only the last one has it reload.
func (h *Host) enable(unit, why string, reload bool) change.Change {
	c := change.Change{Part: change.Host, Object: unit, Code: "unit-enable", Action: "enable", Why: why}
	if !reload {
		c.Commands = []string{"systemctl enable --no-reload " + unit}
		c.Do = func(ctx context.Context) error { return h.Systemd.Enable(ctx, unit) }
		return c
	}
	c.Commands = []string{"systemctl enable " + unit}
	c.Do = func(ctx context.Context) error {
		if err := h.Systemd.Enable(ctx, unit); err != nil {
			return err
		}
		return h.Systemd.Reload(ctx)
	}
	return c
}

// renew plans the restart of a unit that runs with another program or other settings than it should: what is newer than its start.
func (h *Host) renew(ctx context.Context, u desired.Unit, changes map[string]string) (change.Plan, error) {
	var p change.Plan
	since, err := h.Systemd.Since(ctx, u.Name)
	if err != nil {
		return p, err
	}
	why, files := "", []string{u.Program, desired.UnitPath(u.Name)}
	if u.Socket != "" {
		files = append(files, desired.UnitPath(u.Socket))
	}
	for _, file := range files {
		st, err := os.Stat(filepath.Join(h.Root, file))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return p, err
		}
		if err == nil && st.ModTime().After(since) {
			why = file + " changed since it started"
		}
	}
	for _, file := range files {
		if why == "" {
			why = changes[file]
		}
	}
	if why == "" {
		return p, nil
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Host, Object: u.Name, Code: "unit-restart", Action: "restart", Why: why, Aside: u.Aside,
		Commands: []string{"systemctl restart " + u.Name},
		Do:       func(ctx context.Context) error { return h.Systemd.Restart(ctx, u.Name) },
	})
	return p, nil
}

func (h *Host) startUnit(u desired.Unit) change.Change {
	return change.Change{
		Part: change.Host, Object: u.Name, Code: "unit-start", Action: "start", Why: u.Why, Aside: u.Aside,
		Commands: []string{"systemctl start " + u.Name},
		Do:       func(ctx context.Context) error { return h.Systemd.Start(ctx, u.Name) },
	}
}
