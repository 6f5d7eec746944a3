package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
)

// errStayed keeps apply from remounting again and again.
var errStayed = errors.New("mount reports success, but the mount table shows the former options: mount it anew when its users can do without it")

// flags plans that a mount loses setuid programs and devices, or gets them back. The kernel does that to a mount in use, and
// neither GlusterFS nor who has files open there notices. The options it has now are named, too, or it would lose
// them; bind has them changed on this mount only and -i without mount.glusterfs, which ignores remount and says that all is well.
func (c *Client) flags(m desired.ClientMount, mnt *mountinfo.Info) change.Plan {
	var p change.Plan
	have := strings.Split(mnt.Options, ",")
	wrong := m.WrongFlags(have)
	if len(wrong) == 0 {
		return p
	}
	options := slices.Concat([]string{"remount", "bind"}, slices.DeleteFunc(have, func(o string) bool {
		return o == "nosuid" && slices.Contains(wrong, "suid") || o == "nodev" && slices.Contains(wrong, "dev")
	}), wrong)
	argv := []string{"mount", "-i", "-o", strings.Join(options, ","), m.Path}
	why := "root of another client can put programs with the setuid bit and devices into the volume"
	if !strings.HasPrefix(wrong[0], "no") {
		why = "the cluster file allows " + strings.Join(wrong, " and ") + " there"
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Client, Object: m.Path, Code: "client-remount", Action: "remount", Why: why, Commands: []string{strings.Join(argv, " ")}, RestsOn: []string{"volume " + m.Volume},
		Do: func(ctx context.Context) error {
			if _, err := c.Exec(ctx, nil, argv...); err != nil {
				return err
			}
			now, err := machine.MountAt(m.Path)
			if err == nil && now != nil && len(m.WrongFlags(strings.Split(now.Options, ","))) > 0 {
				return fmt.Errorf("remount %s: %w", m.Path, errStayed)
			}
			return err
		},
	})
	return p
}

// mode plans the mode of the volume's root directory where the cluster file names one. It is set through a mount, so that
// replication takes it to every brick, and one that is away gets it when it is healed.
func (c *Client) mode(ctx context.Context, m desired.ClientMount, mnt *mountinfo.Info) (change.Plan, error) {
	var p change.Plan
	v, _ := c.State.Pool.Volume(m.Volume)
	if !v.Chmod || machine.HasOption(mnt, "ro") {
		return p, nil
	}
	ctx, cancel := context.WithTimeout(ctx, mountTimeout)
	defer cancel()
	out, err := c.Exec(ctx, nil, "stat", "-c", "%a", m.Path)
	if err != nil {
		return p, err
	}
	have, err := strconv.ParseUint(strings.TrimSpace(string(out)), 8, 32)
	if err != nil {
		return p, fmt.Errorf("the mode of %s: %w", m.Path, err)
	}
	want := unixMode(v.Mode)
	if have == uint64(want) {
		return p, nil
	}
	// With fewer digits chmod keeps the setgid bit of a directory.
	argv := []string{"chmod", fmt.Sprintf("%05o", want), m.Path}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Client, Object: m.Path, Code: "volume-root-mode", Action: "set the mode of", Why: fmt.Sprintf("the root of volume %s has %04o, the cluster file says %04o", m.Volume, have, want),
		Commands: []string{strings.Join(argv, " ")}, RestsOn: []string{"volume " + m.Volume},
		Do: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, mountTimeout)
			defer cancel()
			_, err := c.Exec(ctx, nil, argv...)
			return err
		},
	})
	return p, nil
}

// unixMode has the bits of a mode as chmod takes them.
func unixMode(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for flag, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: unix.S_ISUID, fs.ModeSetgid: unix.S_ISGID, fs.ModeSticky: unix.S_ISVTX} {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return bits
}
