// Package client waits for volumes to serve and mounts them on this machine.
package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/mounted"
)

// Client plans the client mounts of this machine.
type Client struct {
	State *desired.State
	Exec  machine.Exec
	Probe *Probe
	// AtBoot reports whether the unit that a mount requires is waiting at this
	// moment: the mount is then under way. nil where there are no units.
	AtBoot func(ctx context.Context, unit string) bool
}

// Part returns change.Client.
func (c *Client) Part() change.Part { return change.Client }

// Plan looks at the mount table, and at the volumes of the mounts that are missing.
func (c *Client) Plan(ctx context.Context) (change.Plan, error) {
	var p change.Plan
	for _, m := range c.State.ClientMounts {
		q, err := c.mount(ctx, m)
		if err != nil {
			return p, err
		}
		p.Add(q)
	}
	left, err := Left(c.State)
	p.Warnings = append(p.Warnings, left...)
	return p, err
}

// Left says which mounts of the pool's volumes the cluster file does not have any more.
func Left(s *desired.State) ([]string, error) {
	all, err := machine.Mounts()
	if err != nil {
		return nil, err
	}
	var have []desired.Mounted
	for _, m := range all {
		if m.FSType == "fuse.glusterfs" && !gluster.OfGsyncd(m.Mountpoint) {
			have = append(have, desired.Mounted{Source: m.Source, Path: m.Mountpoint})
		}
	}
	if len(have) == 0 {
		return nil, nil
	}
	fstab, err := os.ReadFile("/etc/fstab")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return s.LeftMounts(have, string(fstab)), nil
}

func (c *Client) mount(ctx context.Context, m desired.ClientMount) (change.Plan, error) {
	var p change.Plan
	mnt, err := machine.MountAt(m.Path)
	if err != nil {
		return p, err
	}
	if mnt == nil {
		conflict, err := machine.HiddenFiles(m.Path)
		if err != nil {
			return p, err
		}
		if conflict != nil {
			p.Conflicts = append(p.Conflicts, *conflict)
			return p, nil
		}
		ch := c.doMount(m, "volume "+m.Volume+" is not mounted", "mount", nil)
		ch.Needs = c.Probe.Missing(ctx, m.Volume)
		if c.Probe.Encrypts != "" {
			p.Conflicts = append(p.Conflicts, change.Conflict{
				Code: "management-tls", Object: "mount " + m.Path, Problem: c.Probe.Encrypts + " encrypts its management connections, which gluster-setup does not manage yet",
				Remedy: "mount it by hand, with " + gluster.SecureAccess + " and certificates on this machine too, or switch that encryption off on all nodes: docs/security.md, \"Encrypted management connections\"",
			})
			return p, nil
		}
		if unit := fmt.Sprintf(desired.WaitUnit, m.Volume); len(ch.Needs) == 0 && c.AtBoot != nil && c.AtBoot(ctx, unit) {
			p.Warnings = append(p.Warnings, fmt.Sprintf("mount %s is under way since boot and waits until this node's brick is healed (systemctl status %s): left to it; mount %s mounts it now", m.Path, unit, m.Path))
			return p, nil
		}
		p.Changes = append(p.Changes, ch)
		return p, nil
	}
	if problem, remedy := c.Other(ctx, m, mnt); problem != "" {
		p.Conflicts = append(p.Conflicts, change.Conflict{Code: "client-mount", Object: "mount " + m.Path, Problem: problem, Remedy: remedy})
		return p, nil
	}
	isDead, err := mountIsDead(ctx, c.Exec, m.Path)
	if err != nil {
		return p, err
	}
	if isDead {
		ch := c.doMount(m, "the mount's process is gone: every access fails with \"Transport endpoint is not connected\"", "mount again", []string{"umount", "-l", m.Path})
		ch.Needs = c.Probe.Missing(ctx, m.Volume)
		p.Changes = append(p.Changes, ch)
		return p, nil
	}
	if machine.Answers(ctx, c.Exec, m.Path) == nil {
		p.Add(c.flags(m, mnt))
		q, err := c.mode(ctx, m, mnt)
		if err != nil {
			return p, err
		}
		p.Add(q)
	}
	running, err := gluster.MountProcesses("/proc")
	if err != nil {
		return p, err
	}
	if w := m.OldContents(running); w != "" {
		p.Warnings = append(p.Warnings, w)
	}
	return p, nil
}

// Other says how what is mounted differs from the volume that should be, and what to do.
func (c *Client) Other(ctx context.Context, m desired.ClientMount, mnt *mountinfo.Info) (problem, remedy string) {
	seen := mounted.Look(ctx, c.Exec, mnt)
	pool := mounted.Pool{Servers: c.State.Pool.Servers, Server: c.State.Server, Resolve: mounted.Resolve(ctx, c.Exec)}
	if len(seen.Graph.VolumeIDs) > 0 { // else the servers need not be asked
		pool.ID = c.Probe.ID(ctx, m.Volume)
	}
	return mounted.Other(m, seen, pool)
}

// mountTimeout bounds one try of the mount program, which itself waits for the
// volume's bricks.
const mountTimeout = 90 * time.Second

func (c *Client) doMount(m desired.ClientMount, why, action string, first []string) change.Change {
	commands := []string{"mount " + m.Path}
	if first != nil {
		commands = []string{strings.Join(first, " "), commands[0]}
	}
	return change.Change{
		Part: change.Client, Object: m.Path, Code: "client-mount", Action: action, Why: why, Commands: commands, RestsOn: []string{"volume " + m.Volume},
		Do: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, mountTimeout)
			defer cancel()
			if first != nil {
				if _, err := c.Exec(ctx, nil, first...); err != nil {
					return err
				}
			}
			if err := os.MkdirAll(m.Path, 0o755); err != nil { //nolint:gosec // mount points are world readable
				return err
			}
			c.Probe.Settle(ctx, m.Volume)
			if _, err := c.Exec(ctx, nil, "mount", m.Path); err != nil {
				// The mount program of a run that was killed goes on without it and may
				// have been faster; the next look judges what is there now.
				if mnt, lerr := machine.MountAt(m.Path); lerr == nil && mnt != nil && first == nil {
					return nil
				}
				return fmt.Errorf("%w (see /var/log/glusterfs/%s.log)", err, strings.ReplaceAll(strings.Trim(m.Path, "/"), "/", "-"))
			}
			return nil
		},
	}
}

// mountIsDead reports whether a FUSE mount has lost its process. A mount that only
// hangs, or whose bricks are all away, is not dead: its process may come back to
// work, and its users' files with it.
func mountIsDead(ctx context.Context, run machine.Exec, path string) (bool, error) {
	err := machine.Answers(ctx, run, path)
	if err == nil || !strings.Contains(err.Error(), "Transport endpoint is not connected") {
		return false, nil
	}
	processes, err := gluster.MountProcesses("/proc")
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(processes, func(p gluster.MountProcess) bool { return p.Path == path }), nil
}
