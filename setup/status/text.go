package status

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText prints the status for a person: what is wrong first.
func (s *Status) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", s.Node)
	if s.Healthy {
		b.WriteString("all is well\n")
	} else {
		fmt.Fprintf(&b, "%d problem(s)\n", len(s.Problems))
	}
	for _, p := range s.Problems {
		fmt.Fprintf(&b, "  ! %s\n", p)
	}
	for _, p := range s.Warnings {
		fmt.Fprintf(&b, "  warning: %s\n", p)
	}
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells ...string) {
		fmt.Fprintln(t, "  "+strings.Join(cells, "\t")) //nolint:errcheck // a strings.Builder takes everything
	}
	if len(s.Peers) > 0 {
		row("\n  PEER", "ADDRESS", "STATE")
		for _, p := range s.Peers {
			state := p.State
			if !p.Connected && p.UUID != "" {
				state += " (disconnected)"
			}
			row(p.Name, p.Address, state)
		}
	}
	for _, v := range s.Volumes {
		row(fmt.Sprintf("\n  VOLUME %s", v.Name), v.Type, v.Status)
		row("SET", "BRICK", "ONLINE", "TO HEAL", "FREE")
		for _, br := range v.Bricks {
			row(fmt.Sprint(br.Set), br.label(), br.state(), br.pending(), br.free())
		}
	}
	if len(s.Mounts) > 0 {
		row("\n  MOUNT", "VOLUME", "STATE")
		for _, m := range s.Mounts {
			state := "mounted"
			switch {
			case !m.Mounted:
				state = "not mounted"
			case !m.Answers:
				state = "does not answer"
			}
			row(m.Path, m.Volume, state)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (b Brick) label() string {
	l := b.Node + ":" + b.Path
	if b.Arbiter {
		l += " (arbiter)"
	}
	return l
}

func (b Brick) pending() string {
	if b.PendingHeals == nil {
		return "?"
	}
	return fmt.Sprint(*b.PendingHeals)
}

func (b Brick) free() string {
	if b.SizeBytes == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d MiB", b.FreeBytes>>20, b.SizeBytes>>20)
}

func (b Brick) state() string {
	switch {
	case b.Recovery != "":
		return string(b.Recovery)
	case b.Unknown:
		return "unknown"
	case b.Online:
		return "yes"
	default:
		return "NO"
	}
}
