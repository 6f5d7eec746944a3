package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"brickyard/gluster"
	"brickyard/setup/change"
)

const glusterdUnit = "glusterd.service"

// glusterd plans the daemon: enabled at boot and running now.
func (h *Host) glusterd(ctx context.Context) (change.Plan, error) {
	var p change.Plan
	if !h.Systemd.Running() {
		if !answers(gluster.DefaultSocket) {
			p.Conflicts = append(p.Conflicts, change.Conflict{
				Code: "no-systemd", Object: "glusterd", Problem: "it does not run, and this machine has no systemd that could start it",
				Remedy: "start glusterd with this machine's own service manager and run apply again",
			})
		}
		p.Warnings = append(p.Warnings, "this machine does not run systemd: glusterd, brick file systems and client mounts must be started at boot by other means")
		return p, nil
	}
	active, enabled, err := h.Systemd.State(ctx, glusterdUnit)
	if err != nil {
		return p, err
	}
	if enabled != "enabled" {
		p.Changes = append(p.Changes, change.Change{
			Part: change.Host, Object: glusterdUnit, Action: "enable", Why: "glusterd must start at boot",
			Commands: []string{"systemctl enable glusterd.service"},
			Do:       func(ctx context.Context) error { return h.Systemd.Enable(ctx, glusterdUnit) },
		})
	}
	if active != "active" {
		why := "glusterd does not run"
		if active != "" && active != "inactive" {
			why = "glusterd is " + active
		}
		p.Changes = append(p.Changes, change.Change{
			Part: change.Host, Object: glusterdUnit, Action: "start", Why: why,
			Commands: []string{"systemctl start glusterd.service"},
			Do:       func(ctx context.Context) error { return h.Systemd.Start(ctx, glusterdUnit) },
		})
	}
	return p, nil
}

func answers(socket string) bool {
	c, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// reload plans that systemd reads fstab and units again: when this plan
// changes one of them, or an earlier run changed one and died before it got here.
func (h *Host) reload(files change.Plan) change.Plan {
	var p change.Plan
	if !h.Systemd.Running() {
		return p
	}
	why := ""
	for _, c := range files.Changes {
		if h.isUnit(c.Object) {
			why = "fstab or units change"
		}
	}
	if _, err := os.Stat(h.staleMark()); err == nil {
		why = "fstab or units were changed by a run that ended too early"
	}
	if why == "" {
		return p
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Host, Object: "systemd", Action: "reload", Why: why,
		Commands: []string{"systemctl daemon-reload"},
		Do: func(ctx context.Context) error {
			if err := h.Systemd.Reload(ctx); err != nil {
				return err
			}
			if err := os.Remove(h.staleMark()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		},
	})
	return p
}

func (h *Host) isUnit(path string) bool {
	if path == fstabPath {
		return true
	}
	for _, f := range h.Rendered.Files {
		if f.Unit && f.Path == path {
			return true
		}
	}
	return false
}

func (h *Host) staleMark() string { return filepath.Join(h.RunDir, "reload-systemd") }

// markStale leaves word that systemd has not read what is about to change.
func (h *Host) markStale() error {
	if err := os.MkdirAll(h.RunDir, 0o755); err != nil { //nolint:gosec // holds nothing secret
		return err
	}
	if err := os.WriteFile(h.staleMark(), nil, 0o600); err != nil {
		return fmt.Errorf("leave word that systemd must reload: %w", err)
	}
	return nil
}
