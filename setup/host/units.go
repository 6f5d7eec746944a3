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
	for _, u := range h.State.Units() {
		active, enabled, err := h.Systemd.State(ctx, u.Name)
		if err != nil {
			return p, err
		}
		if masked(&p, u.Name, enabled) {
			continue
		}
		if mustEnable(enabled) {
			p.Changes = append(p.Changes, change.Change{
				Part: change.Host, Object: u.Name, Action: "enable", Why: u.Why,
				Commands: []string{"systemctl enable " + u.Name},
				Do:       func(ctx context.Context) error { return h.Systemd.Enable(ctx, u.Name) },
			})
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
	return p, nil
}

// renew plans the restart of a unit that runs with another program or other settings than it should: what is newer than its start.
func (h *Host) renew(ctx context.Context, u desired.Unit, changes map[string]string) (change.Plan, error) {
	var p change.Plan
	since, err := h.Systemd.Since(ctx, u.Name)
	if err != nil {
		return p, err
	}
	why := ""
	for _, file := range []string{u.Program, desired.UnitPath(u.Name)} {
		st, err := os.Stat(filepath.Join(h.Root, file))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return p, err
		}
		if err == nil && st.ModTime().After(since) {
			why = file + " changed since it started"
		}
	}
	if why == "" {
		why = changes[u.Program] + changes[desired.UnitPath(u.Name)]
	}
	if why == "" {
		return p, nil
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Host, Object: u.Name, Action: "restart", Why: why, Aside: u.Aside,
		Commands: []string{"systemctl restart " + u.Name},
		Do:       func(ctx context.Context) error { return h.Systemd.Restart(ctx, u.Name) },
	})
	return p, nil
}

func (h *Host) startUnit(u desired.Unit) change.Change {
	return change.Change{
		Part: change.Host, Object: u.Name, Action: "start", Why: u.Why, Aside: u.Aside,
		Commands: []string{"systemctl start " + u.Name},
		Do:       func(ctx context.Context) error { return h.Systemd.Start(ctx, u.Name) },
	}
}
