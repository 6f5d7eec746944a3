package status

import (
	"cmp"

	"brickyard/setup/unitfile"
)

// mountUnits says where another file than /etc/fstab decides what the next boot mounts.
func (g *Gatherer) mountUnits(s *Status) {
	mounts, required := g.State.MountUnits()
	problems, err := unitfile.Problems(cmp.Or(g.Root, "/"), mounts, required)
	if err != nil {
		s.problem("look for units of others: %v", err)
	}
	for _, p := range problems {
		s.problem("%s: %s", p.Problem, p.Remedy)
	}
}
