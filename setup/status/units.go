package status

import (
	"cmp"

	"brickyard/setup/unitfile"
)

// mountUnits says where another file than /etc/fstab decides what the next boot mounts.
func (g *Gatherer) mountUnits(s *Status) {
	for _, unit := range g.State.MountUnits() {
		problems, err := unitfile.Problems(cmp.Or(g.Root, "/"), unit)
		if err != nil {
			s.problem("unit %s: %v", unit, err)
		}
		for _, p := range problems {
			s.problem("%s: %s", p.Problem, p.Remedy)
		}
	}
}
