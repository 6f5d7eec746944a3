package host

import (
	"context"
	"fmt"
	"strings"

	"brickyard/internal/programs"
	"brickyard/setup/change"
	"brickyard/setup/desired"
)

// A program the node needs, and the packages that bring it.
type program struct {
	name     string // looked for in the system's directories
	apt, dnf string
	why      string
}

// diskPrograms make the brick file systems; they are needed before these are mounted.
func diskPrograms(s *desired.State) []program {
	var ps []program
	seen := map[string]bool{}
	for _, m := range s.BrickMounts {
		if m.Fstype == "tmpfs" || seen[m.Fstype] {
			continue
		}
		seen[m.Fstype] = true
		p := program{name: "mkfs." + m.Fstype, apt: "xfsprogs", dnf: "xfsprogs", why: "it makes the brick file system " + m.Path}
		if m.Fstype == "ext4" {
			p.apt, p.dnf = "e2fsprogs", "e2fsprogs"
		}
		ps = append(ps, p)
	}
	return ps
}

// glusterPrograms are the daemons and the mount helper. They come after the
// brick file systems are mounted, because Debian starts glusterd at once.
func glusterPrograms(s *desired.State) []program {
	var ps []program
	if s.Server {
		ps = append(ps, program{name: "glusterd", apt: "glusterfs-server", dnf: "glusterfs-server", why: "this node serves bricks"})
	}
	if len(s.ClientMounts) > 0 {
		ps = append(ps, program{name: "mount.glusterfs", apt: "glusterfs-client", dnf: "glusterfs-fuse", why: "this node mounts volumes"})
	}
	return ps
}

// packages plans the installation of the programs that are missing. Programs
// are looked for, not package names: who compiled GlusterFS has it too.
func (h *Host) packages(programs []program) change.Plan {
	var p change.Plan
	for _, prog := range programs {
		if h.find(prog.name) != "" {
			continue
		}
		manager, name := "", ""
		switch {
		case h.find("apt-get") != "":
			manager, name = "apt-get", prog.apt
		case h.find("dnf") != "":
			manager, name = "dnf", prog.dnf
		}
		if !h.State.Packages || manager == "" {
			reason := "manage.packages is false in the cluster file"
			if h.State.Packages {
				reason = "neither apt-get nor dnf is here"
			}
			p.Conflicts = append(p.Conflicts, change.Conflict{
				Code: "package-missing", Object: "program " + prog.name,
				Problem: fmt.Sprintf("it is not installed (%s), and %s", prog.why, reason),
				Remedy:  fmt.Sprintf("install it yourself (package %s on Debian, %s on Fedora and its kin)", prog.apt, prog.dnf),
			})
			continue
		}
		install := []string{manager, "install", "-y", name}
		if manager == "apt-get" {
			install = []string{manager, "-o", "DPkg::Lock::Timeout=120", "-o", "DPkg::Options::=--force-confdef", "-o", "DPkg::Options::=--force-confold", "install", "-qy", "--no-install-recommends", name}
		}
		p.Changes = append(p.Changes, change.Change{
			Part: change.Host, Object: "package " + name, Code: "package-install", Action: "install",
			Why:      fmt.Sprintf("%s is missing: %s", prog.name, prog.why),
			Commands: []string{strings.Join(install, " ")},
			Do: func(ctx context.Context) error {
				if manager == "apt-get" {
					return h.aptInstall(ctx, install)
				}
				_, err := h.Exec(ctx, nil, install...)
				return err
			},
		})
	}
	return p
}

// aptInstall installs, and mends the two things that commonly stand in the way
// on a new machine: no package lists, and a dpkg that somebody interrupted.
func (h *Host) aptInstall(ctx context.Context, install []string) error {
	env := []string{"DEBIAN_FRONTEND=noninteractive"}
	_, err := h.Exec(ctx, env, install...)
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "dpkg --configure -a") {
		if _, err := h.Exec(ctx, env, "dpkg", "--force-confdef", "--force-confold", "--configure", "-a"); err != nil {
			return err
		}
	}
	if _, uerr := h.Exec(ctx, env, "apt-get", "-o", "DPkg::Lock::Timeout=120", "update", "-q"); uerr != nil {
		return fmt.Errorf("%w (and the package lists could not be fetched: %w)", err, uerr)
	}
	_, err = h.Exec(ctx, env, install...)
	return err
}

// find looks for a program in the system's directories, whatever PATH says.
func (h *Host) find(name string) string { return programs.Find(h.Root, name) }
