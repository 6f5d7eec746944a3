// Package host observes and changes this machine for gluster-setup: packages,
// files, brick file systems, mounts and glusterd.
package host

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
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
	// Enable makes the unit start at boot.
	Enable(ctx context.Context, unit string) error
	// Start starts the unit and waits until it runs.
	Start(ctx context.Context, unit string) error
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
	RunDir   string // vanishes at reboot: mark that systemd must reload
}

// Default directories of Host.
const (
	StateDir = "/var/lib/brickyard"
	RunDir   = "/run/brickyard"
)

// New returns the host part of the real machine.
func New(s *desired.State, r *desired.Rendered, source string) (*Host, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return &Host{State: s, Rendered: r, Exec: machine.Run, Systemd: DBus{}, Self: self, Source: source, StateDir: StateDir, RunDir: RunDir}, nil
}

// Part returns change.Host.
func (h *Host) Part() change.Part { return change.Host }

// Plan looks at the machine. The order of the changes is the order in which
// they must be made: names, then brick file systems from the device up, then
// glusterd, which must never run without its bricks' file systems.
func (h *Host) Plan(ctx context.Context) (change.Plan, error) {
	var p change.Plan
	files := &Files{Root: "/", State: h.State, Rendered: h.Rendered, Source: h.Source, Self: h.Self, Stale: h.markStale}
	fp, err := files.Plan(ctx)
	if err != nil {
		return p, err
	}
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
		q, err := h.glusterd(ctx)
		if err != nil {
			return p, err
		}
		p.Add(q)
	}
	return p, nil
}

// brickMount plans one brick file system: mounted, and the declared one.
func (h *Host) brickMount(m desired.BrickMount, d device) (change.Plan, error) {
	var p change.Plan
	mnt, err := machine.MountAt(m.Path)
	if err != nil {
		return p, err
	}
	if mnt == nil {
		if c, err := machine.HiddenFiles(m.Path); err != nil || c != nil {
			if c != nil {
				p.Conflicts = append(p.Conflicts, *c)
			}
			return p, err
		}
		p.Changes = append(p.Changes, h.mount(m.Path, "the brick file system of volume "+m.Volume+" is not mounted"))
		return p, nil
	}
	if problem := d.mismatch(m, mnt); problem != "" {
		p.Conflicts = append(p.Conflicts, change.Conflict{
			Code: "brick-mount", Object: "mount " + m.Path, Problem: problem,
			Remedy: "unmount it if it is not needed, or correct volumes." + m.Volume + ".bricks in the cluster file",
		})
		return p, nil
	}
	switch {
	case m.Fstype == "tmpfs":
		return h.resizeTmpfs(m, mnt)
	case m.Sync && !machine.HasOption(mnt, "sync"):
		p.Changes = append(p.Changes, h.remount(m.Path, "sync", "durability is sync: what is acknowledged must be on the disk"))
	case !m.Sync && machine.HasOption(mnt, "sync"):
		p.Changes = append(p.Changes, h.remount(m.Path, "async", "durability is async"))
	}
	return p, nil
}

func (h *Host) resizeTmpfs(m desired.BrickMount, mnt *mountinfo.Info) (change.Plan, error) {
	var p change.Plan
	var st unix.Statfs_t
	if err := unix.Statfs(m.Path, &st); err != nil {
		return p, fmt.Errorf("statfs %s: %w", m.Path, err)
	}
	page := int64(os.Getpagesize())
	have, want := int64(st.Blocks)*st.Bsize, (m.Size+page-1)/page*page //nolint:gosec // block counts of a tmpfs fit
	used := int64(st.Blocks-st.Bfree) * st.Bsize                       //nolint:gosec // as above
	switch {
	case have == want:
	case used > want:
		p.Conflicts = append(p.Conflicts, change.Conflict{
			Code: "tmpfs-size", Object: "mount " + mnt.Mountpoint,
			Problem: fmt.Sprintf("it holds %d bytes, more than the %d bytes that the cluster file allows", used, want),
			Remedy:  "free space on the volume, or raise volumes." + m.Volume + ".bricks.tmpfs.size",
		})
	default:
		p.Changes = append(p.Changes, h.remount(m.Path, strings.TrimPrefix(m.Options[len(m.Options)-1], "defaults,"),
			fmt.Sprintf("the tmpfs has %d bytes, the cluster file says %d", have, want)))
	}
	return p, nil
}

func (h *Host) mount(path, why string) change.Change {
	return change.Change{
		Part: change.Host, Object: path, Action: "mount", Why: why,
		Commands: []string{"mkdir -p " + path, "mount " + path},
		Do: func(ctx context.Context) error {
			if err := os.MkdirAll(path, 0o755); err != nil { //nolint:gosec // mount points are world readable
				return err
			}
			_, err := h.Exec(ctx, nil, "mount", path)
			return err
		},
	}
}

func (h *Host) remount(path, option, why string) change.Change {
	return change.Change{
		Part: change.Host, Object: path, Action: "remount", Why: why,
		Commands: []string{"mount -o remount," + option + " " + path},
		Do: func(ctx context.Context) error {
			_, err := h.Exec(ctx, nil, "mount", "-o", "remount,"+option, path)
			return err
		},
	}
}

// directory plans a brick directory on a file system that is already there.
// GlusterFS refuses bricks on the root file system, so that is a conflict here.
func (h *Host) directory(d desired.Directory) (change.Plan, error) {
	var p change.Plan
	dev, exists, err := machine.DeviceOf(d.Path)
	if err != nil {
		return p, err
	}
	root, _, err := machine.DeviceOf("/")
	if err != nil {
		return p, err
	}
	if dev == root {
		p.Conflicts = append(p.Conflicts, change.Conflict{
			Code: "brick-on-root", Object: "directory " + d.Path,
			Problem: "it is on the root file system, where GlusterFS refuses bricks: a full volume would fill the machine's own disk",
			Remedy:  "mount a file system there first, or use disk with an image file in volumes." + d.Volume + ".bricks",
		})
		return p, nil
	}
	if !exists {
		p.Changes = append(p.Changes, change.Change{
			Part: change.Host, Object: d.Path, Action: "create", Why: "the brick directory of volume " + d.Volume + " is missing",
			Commands: []string{"mkdir -p " + d.Path},
			Do:       func(context.Context) error { return os.MkdirAll(d.Path, 0o755) }, //nolint:gosec // readable as other mount points
		})
	}
	return p, nil
}
