package status

import "brickyard/setup/check"

// checked reports what the last comparison of bricks on this node found: until
// it is repeated, a replica that differed is not healthy.
func (g *Gatherer) checked(s *Status) {
	record, err := check.ReadRecord(g.Checked)
	if err != nil {
		s.problem("the results of check on this node: %v", err)
		return
	}
	for _, r := range record.Sets {
		if r.Different > 0 {
			s.problem("volume %s, replica set %d: %d entries differed between the bricks when check looked, %s: see \"gluster-setup check %s\" and docs/check.md",
				r.Volume, r.Set, r.Different, r.Started.Local().Format("2006-01-02 15:04"), r.Volume)
		}
	}
}
