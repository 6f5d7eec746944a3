package host

import (
	"fmt"

	"brickyard/gluster"
	"brickyard/setup/change"
)

// RefuseElsewhere is the conflict about a glusterd whose store or socket is not in its usual place, where this program and
// the units would look for them in vain; ok is false where there is none.
func RefuseElsewhere(e gluster.Elsewhere) (c change.Conflict, ok bool) {
	c = change.Conflict{Code: "glusterd-elsewhere", Object: e.By}
	switch e.What {
	case "":
		return change.Conflict{}, false
	case "working-directory":
		c.Problem = fmt.Sprintf("glusterd keeps its store in %s, and gluster-setup supports %s only", e.Path, e.Usual)
		c.Remedy = fmt.Sprintf("have the usual path lead there (mv %[2]s %[2]s.before; ln -s %[1]s %[2]s); or stop glusterd, move what is in %[1]s to %[2]s, write \"option working-directory %[2]s\" into %[3]s, and start glusterd",
			e.Path, e.Usual, gluster.Volfile)
	default:
		c.Problem = fmt.Sprintf("glusterd answers on %s, and gluster-setup asks on %s only, as the gluster program does", e.Path, e.Usual)
		c.Remedy = fmt.Sprintf("remove the option %s from there, and restart glusterd", e.What)
	}
	return c, true
}

// FindElsewhere looks for such a glusterd on this machine.
func FindElsewhere() (gluster.Elsewhere, error) { return gluster.FindElsewhere("/", "/proc") }

// UsualPlace refuses to work beside such a glusterd: then its error is change.Conflicts.
func UsualPlace() error {
	e, err := FindElsewhere()
	if err != nil {
		return err
	}
	if c, ok := RefuseElsewhere(e); ok {
		return change.Conflicts{c}
	}
	return nil
}

// elsewhere refuses to go on where nobody would find what glusterd writes.
func (h *Host) elsewhere() (change.Plan, error) {
	var p change.Plan
	if h.Elsewhere == nil {
		return p, nil
	}
	e, err := h.Elsewhere()
	if err != nil {
		return p, err
	}
	if c, ok := RefuseElsewhere(e); ok {
		p.Conflicts = append(p.Conflicts, c)
	}
	return p, nil
}
