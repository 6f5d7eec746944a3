package host

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/desired"
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
		edits, err := h.volfile()
		if err != nil {
			return p, err
		}
		if len(edits.Changes) > 0 {
			edits.Warnings = append(edits.Warnings, "glusterd reads "+volfilePath+" only when it starts: restart it after this apply")
		}
		p.Add(edits)
		p.Warnings = append(p.Warnings, "this machine does not run systemd: glusterd, brick file systems and client mounts must be started at boot by other means")
		return p, nil
	}
	active, enabled, err := h.Systemd.State(ctx, glusterdUnit)
	if err != nil {
		return p, err
	}
	if masked(&p, glusterdUnit, enabled) {
		return p, nil
	}
	edits, err := h.volfile()
	if err != nil {
		return p, err
	}
	p.Add(edits)
	if mustEnable(enabled) {
		p.Changes = append(p.Changes, h.enable(glusterdUnit, "glusterd must start at boot", true))
	}
	if active == "active" {
		q, err := h.restart(ctx, edits)
		if err != nil {
			return p, err
		}
		p.Add(q)
	} else {
		why := "glusterd does not run"
		if active != "" && active != "inactive" {
			why = "glusterd is " + active
		}
		p.Changes = append(p.Changes, change.Change{
			Part: change.Host, Object: glusterdUnit, Code: "glusterd-start", Action: "start", Why: why,
			Commands: []string{"systemctl start glusterd.service"},
			Do:       func(ctx context.Context) error { return h.Systemd.Start(ctx, glusterdUnit) },
		})
	}
	return p, nil
}

func answers(socket string) bool {
	// No deadline: connecting to a socket of this machine never waits, and a busy machine is no glusterd that does not run.
	c, err := net.Dial("unix", socket)
	if err != nil {
		return errors.Is(err, unix.EAGAIN) // more wait for it to accept them than may
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
	p.Changes = append(p.Changes, h.reloadNow(why))
	return p
}

// reloadNow is the change that has systemd read fstab and units again.
func (h *Host) reloadNow(why string) change.Change {
	return change.Change{
		Part: change.Host, Object: "systemd", Code: "systemd-reload", Action: "reload", Why: why,
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
	}
}

func (h *Host) isUnit(path string) bool {
	if path == fstabPath || strings.HasPrefix(path, desired.UnitPath("")+"/") {
		return true
	}
	return slices.ContainsFunc(h.Rendered.Files, func(f desired.File) bool { return f.Unit && f.Path == path })
}

func (h *Host) staleMark() string { return filepath.Join(h.RunDir, "reload-systemd") }

// markStale leaves word that systemd has not read what is about to change.
func (h *Host) markStale() error { return h.leaveWord(h.staleMark()) }

// mustEnable reports whether a unit with this UnitFileState does not start at
// boot. What is static, generated or linked in starts by other means.
func mustEnable(enabled string) bool {
	return slices.Contains([]string{"", "disabled", "enabled-runtime"}, enabled)
}

// masked adds a conflict for a unit that somebody masked.
func masked(p *change.Plan, unit, enabled string) bool {
	if enabled != "masked" && enabled != "masked-runtime" {
		return false
	}
	p.Conflicts = append(p.Conflicts, change.Conflict{
		Code: "unit-masked", Object: unit, Problem: "somebody masked it, so that it cannot start",
		Remedy: "run \"systemctl unmask " + strings.TrimSuffix(unit, ".service") + "\" if that is no longer wanted, and run apply again",
	})
	return true
}
