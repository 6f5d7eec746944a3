package host

import (
	"context"

	"brickyard/setup/change"
	"brickyard/setup/desired"
)

// units plans those of our own units that must be enabled, and run.
func (h *Host) units(ctx context.Context) (change.Plan, error) {
	var p change.Plan
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
		if u.Start && active != "active" {
			p.Changes = append(p.Changes, h.startUnit(u))
		}
	}
	return p, nil
}

func (h *Host) startUnit(u desired.Unit) change.Change {
	return change.Change{
		Part: change.Host, Object: u.Name, Action: "start", Why: u.Why,
		Commands: []string{"systemctl start " + u.Name},
		Do:       func(ctx context.Context) error { return h.Systemd.Start(ctx, u.Name) },
	}
}
