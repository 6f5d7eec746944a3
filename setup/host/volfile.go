package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/machine"
)

const (
	volfilePath  = gluster.Volfile
	familyOption = "transport.address-family"
	ourComment   = "# gluster-setup: the nodes of the cluster file have IPv6 addresses"
	ourOption    = "    option transport.address-family inet6"
)

var errNoVolume = errors.New("it holds no \"end-volume\": it is not glusterd's volume file, restore it from the package")

// editVolfile returns the text of glusterd's own volume file for the address
// family of the nodes. GlusterFS 9 to 11 talk IPv4 unless this file says inet6
// (glusterd passes the option on to bricks and self-heal daemon), and then IPv6
// only. A value that somebody else set is returned as other.
func editVolfile(text string, ipv6 bool) (edited, other string, err error) {
	lines := strings.SplitAfter(text, "\n")
	var out []string
	ours, end := false, -1
	for _, l := range lines {
		words := strings.Fields(l)
		switch {
		case strings.TrimSpace(l) == ourComment:
			ours = true
			if !ipv6 {
				continue
			}
		case len(words) > 2 && words[0] == "option" && words[1] == familyOption:
			if ours && !ipv6 {
				ours = false
				continue
			}
			switch v := strings.Trim(words[2], `"`); {
			case ipv6 && v == "inet6", !ipv6 && v != "inet6":
				return text, "", nil
			case v == "":
				return text, words[2], nil
			default:
				return text, v, nil
			}
		case len(words) > 0 && words[0] == "end-volume":
			end = len(out)
		}
		out = append(out, l)
	}
	if end < 0 {
		return text, "", errNoVolume
	}
	if ipv6 {
		if !ours {
			out[end] = ourComment + "\n" + ourOption + "\n" + out[end]
		} else {
			out[end] = ourOption + "\n" + out[end]
		}
	}
	return strings.Join(out, ""), "", nil
}

// volfile plans the edit of glusterd's volume file. Before the package is
// installed there is none: then the edit is made to the one it brings.
func (h *Host) volfile() (change.Plan, error) {
	var p change.Plan
	path := filepath.Join(h.Root, volfilePath)
	b, err := os.ReadFile(path) //nolint:gosec // glusterd's own configuration
	if errors.Is(err, fs.ErrNotExist) {
		if h.State.IPv6 {
			p.Changes = append(p.Changes, h.editVolfile(path, ""))
		}
		return p, nil
	}
	if err != nil {
		return p, err
	}
	text, other, err := editVolfile(string(b), h.State.IPv6)
	if err != nil {
		return p, fmt.Errorf("%s: %w", volfilePath, err)
	}
	family := "IPv4"
	if h.State.IPv6 {
		family = "IPv6"
	}
	if other != "" {
		p.Conflicts = append(p.Conflicts, change.Conflict{
			Code: "address-family", Object: volfilePath, Problem: fmt.Sprintf("it sets %s %s, but the nodes of the cluster file have %s addresses: glusterd would not find them", familyOption, other, family),
			Remedy: "remove that line if nothing needs it, or give the nodes addresses of the other family",
		})
		return p, nil
	}
	if text != string(b) {
		p.Changes = append(p.Changes, h.editVolfile(path, udiff.Unified(volfilePath, volfilePath+" (gluster-setup)", string(b), text)))
	}
	return p, nil
}

func (h *Host) editVolfile(path, diff string) change.Change {
	c := change.Change{
		Part: change.Host, Object: volfilePath, Code: "glusterd-volfile", Action: "edit", Diff: diff, Why: "glusterd talks one address family, and the nodes have IPv6 addresses",
		Do: func(context.Context) error {
			b, err := os.ReadFile(path) //nolint:gosec // glusterd's own configuration
			if err != nil {
				return err
			}
			text, other, err := editVolfile(string(b), h.State.IPv6)
			if err != nil || other != "" {
				return errors.Join(fmt.Errorf("%s: %w", volfilePath, errChanged), err)
			}
			if err := h.leaveWord(h.restartMark()); err != nil {
				return err
			}
			return machine.WriteFile(path, []byte(text), 0o644)
		},
	}
	if !h.State.IPv6 {
		c.Why = "glusterd talks one address family, an earlier cluster file had IPv6 addresses, and this one has IPv4"
	}
	if diff == "" {
		c.Commands = []string{"add \"" + strings.TrimSpace(ourOption) + "\" to " + volfilePath + " (the package brings the file)"}
	}
	return c
}

func (h *Host) restartMark() string { return filepath.Join(h.RunDir, "restart-glusterd") }

// restart plans a restart of a glusterd that runs with the address family of
// before. On some systems that stops this node's bricks (KillMode=control-group),
// so with bricks running it is left to a person.
func (h *Host) restart(ctx context.Context, edits change.Plan) (change.Plan, error) {
	var p change.Plan
	needed := len(edits.Changes) > 0
	if st, err := os.Stat(h.restartMark()); err == nil && !needed {
		since, err := h.Systemd.Since(ctx, glusterdUnit)
		if err != nil {
			return p, err
		}
		needed = since.Before(st.ModTime())
	}
	if !needed {
		return p, nil
	}
	bricks, err := h.Bricks()
	if err != nil {
		return p, err
	}
	if bricks > 0 {
		p.Conflicts = append(p.Conflicts, change.Conflict{
			Code: "glusterd-restart", Object: glusterdUnit,
			Problem: fmt.Sprintf("it must be restarted to change its address family (%s in %s), and %d bricks run on this node, which a restart may stop", familyOption, volfilePath, bricks),
			Remedy:  "stop the volumes or choose a moment, edit the file, run \"systemctl restart glusterd\" on this node, and run apply again",
		})
		return p, nil
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Host, Object: glusterdUnit, Code: "glusterd-restart", Action: "restart", Why: "it reads its address family only when it starts; no brick runs on this node",
		Commands: []string{"systemctl restart glusterd.service"},
		Do: func(ctx context.Context) error {
			if err := h.Systemd.Restart(ctx, glusterdUnit); err != nil {
				return err
			}
			return removeTemp(h.restartMark())
		},
	})
	return p, nil
}

// bricks counts the brick processes of this machine.
func bricks() (int, error) {
	all, err := gluster.BrickProcesses("/proc")
	return len(all), err
}

// leaveWord leaves a mark for a later run in a directory that a reboot empties.
func (h *Host) leaveWord(mark string) error {
	if err := os.MkdirAll(h.RunDir, 0o755); err != nil { //nolint:gosec // holds nothing secret
		return err
	}
	if err := os.WriteFile(mark, []byte(time.Now().Format(time.RFC3339Nano)+"\n"), 0o600); err != nil {
		return fmt.Errorf("leave word for a later run: %w", err)
	}
	return nil
}
