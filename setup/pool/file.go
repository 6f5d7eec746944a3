package pool

import (
	"slices"

	"brickyard/setup/change"
)

// olderFile refuses to change the pool after a cluster file that other nodes have replaced meanwhile, as a leader would that
// was away: it would take back what the others agree on.
func (d *decider) olderFile() {
	c := d.see.File.Refusal()
	if c == nil || !slices.ContainsFunc(d.steps, func(s Step) bool { return s.By == "" }) {
		return
	}
	d.plan.Conflicts = append(d.plan.Conflicts, change.Conflict(*c))
}
