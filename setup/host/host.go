// Package host observes and changes this machine for gluster-setup: packages,
// files, brick file systems, mounts and glusterd.
package host

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/moby/sys/mountinfo"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/onefile"
	"brickyard/setup/volfilter"
)

// Systemd is what the host part needs of the service manager.
type Systemd interface {
	// Running reports whether systemd manages this machine at all.
	Running() bool
	// Reload makes systemd read fstab and the units again.
	Reload(ctx context.Context) error
	// State returns a unit's ActiveState and UnitFileState; both are empty for
	// a unit that does not exist.
	State(ctx context.Context, unit string) (active, enabled string, err error)
	// Enable makes the unit start at boot; State knows it after a Reload.
	Enable(ctx context.Context, unit string) error
	// Start starts the unit and waits until it runs.
	Start(ctx context.Context, unit string) error
	// Restart stops and starts the unit and waits until it runs.
	Restart(ctx context.Context, unit string) error
	// Stop stops the unit, waits until it has ended, and forgets how.
	Stop(ctx context.Context, unit string) error
	// Disable makes the unit not start at boot.
	Disable(ctx context.Context, unit string) error
	// Since returns when the unit became active.
	Since(ctx context.Context, unit string) (time.Time, error)
}

// Host plans the host part on this machine.
type Host struct {
	State    *desired.State
	Rendered *desired.Rendered
	Exec     machine.Exec
	Systemd  Systemd
	Self     string // the running program
	Source   string // the cluster file in use
	StateDir string // survives reboots: marks of formats under way
	RunDir   string // vanishes at reboot: marks that systemd must reload and glusterd restart
	Root     string // "/"; tests look for files and programs elsewhere

	// Bricks counts the brick processes of this machine.
	Bricks func() (int, error)
	// Users are the processes that use a mount.
	Users func(*mountinfo.Info) ([]machine.User, error)
	// Own lists the addresses of this machine's interfaces, and Resolve asks for those of a name; nil where neither is asked.
	Own     func() ([]netip.Addr, error)
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
	// Elsewhere looks for a glusterd that is not in its usual place; nil where nobody does.
	Elsewhere func() (gluster.Elsewhere, error)
	// Applied knows which cluster file the nodes applied last; nil where nobody tells.
	Applied *onefile.Looker
	// UserAttributes reports whether a tmpfs keeps user attributes.
	UserAttributes func() (bool, error)

	found    map[string][]netip.Addr // what Resolve has found,
	foundFor string                  // and with which /etc/hosts
}

// Default directories of Host.
const (
	StateDir = "/var/lib/brickyard"
	RunDir   = "/run/brickyard"
)

// Files in which commands leave word for status and the exporter.
const (
	RecoveryRecord = StateDir + "/recovery.json" // recover and guard
	CheckRecord    = StateDir + "/check.json"    // check
)

// New returns the host part of the real machine.
func New(s *desired.State, r *desired.Rendered, source string) (*Host, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return &Host{
		State: s, Rendered: r, Exec: machine.Run, Systemd: DBus{}, Self: self, Source: source, StateDir: StateDir, RunDir: RunDir, Root: "/",
		Bricks: bricks, Users: func(m *mountinfo.Info) ([]machine.User, error) { return machine.Users("/proc", m) }, UserAttributes: volfilter.Keeps, Own: machine.Addresses,
		Elsewhere: FindElsewhere,
		Resolve: func(ctx context.Context, name string) ([]netip.Addr, error) {
			return machine.Resolve(ctx, machine.Run, name)
		},
	}, nil
}

// Part returns change.Host.
func (h *Host) Part() change.Part { return change.Host }

// Plan looks at the machine. The order of the changes is the order in which
// they must be made: names, then brick file systems from the device up, then
// glusterd, which must never run without its bricks' file systems.
func (h *Host) Plan(ctx context.Context) (change.Plan, error) {
	var p change.Plan
	var own []netip.Addr
	if h.Own != nil {
		var err error
		if own, err = h.Own(); err != nil {
			return p, err
		}
	}
	left, err := h.lookLeft()
	if err != nil {
		return p, err
	}
	files := &Files{Left: left.lines(), Root: h.Root, State: h.State, Rendered: h.Rendered, Source: h.Source, Self: h.Self, Own: own, Stale: h.markStale}
	fp, err := files.Plan(ctx)
	if err != nil {
		return p, err
	}
	names, err := h.names(ctx, fp, own)
	if err != nil {
		return p, err
	}
	p.Add(names)
	p.Add(h.packages(diskPrograms(h.State)))
	devices := map[string]device{}
	for _, m := range h.State.BrickMounts {
		if m.Fstype == "tmpfs" {
			continue
		}
		q, d, err := h.device(ctx, m)
		if err != nil {
			return p, err
		}
		p.Add(q)
		devices[m.Path] = d
	}
	fp.Changes = append(fp.Changes, h.takeDropIns(left)...)
	p.Add(fp)
	p.Add(h.reload(fp))
	for _, m := range h.State.BrickMounts {
		q, err := h.brickMount(m, devices[m.Path])
		if err != nil {
			return p, err
		}
		p.Add(q)
	}
	for _, d := range h.State.Directories {
		q, err := h.directory(d)
		if err != nil {
			return p, err
		}
		p.Add(q)
	}
	p.Add(h.packages(glusterPrograms(h.State)))
	if h.State.Server {
		q, err := h.elsewhere()
		if err != nil {
			return p, err
		}
		p.Add(q)
	}
	q, err := h.volfilter()
	if err != nil {
		return p, err
	}
	p.Add(q)
	if h.State.Server {
		q, err := h.glusterd(ctx)
		if err != nil {
			return p, err
		}
		p.Add(q)
	}
	q, err = h.units(ctx, fp)
	if err != nil {
		return p, err
	}
	p.Add(q)
	q, err = h.takeBack(ctx, left, fp)
	if err != nil {
		return p, err
	}
	p.Add(q)
	q, err = h.unready()
	if err != nil {
		return p, err
	}
	p.Add(q)
	if h.State.Server {
		q, err := h.ready()
		if err != nil {
			return p, err
		}
		p.Add(q)
	}
	q, err = h.applied(ctx)
	if err != nil {
		return p, err
	}
	p.Add(q)
	return p, nil
}
