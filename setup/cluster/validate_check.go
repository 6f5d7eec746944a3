package cluster

import "fmt"

// check checks when and how bricks are compared.
func (v validator) check(k Check, n *node) {
	if f := n.get("schedule"); f != nil && !f.bad && !scheduleRE.MatchString(k.Schedule) {
		v.r.at(f, fmt.Sprintf("check.schedule %q is no time", k.Schedule), "write daily, weekly, monthly, a time such as 03:00, or days and a time such as Sun 03:00")
	}
	if f := n.get("names_per_second"); f != nil && !f.bad && (*k.Rate < 0 || *k.Rate > maxCheckRate) {
		v.r.at(f, fmt.Sprintf("check.names_per_second %d is out of range", *k.Rate), fmt.Sprintf("write a number from 0, which sets no limit, to %d", maxCheckRate))
	}
}
