package main

import (
	"fmt"
	"strings"
)

// row is one alert of one fault.
type row struct {
	Fault, Alert, Severity string
	On                     labels  // where it fires
	Wait                   float64 // seconds that the rule waits, as it was loaded
	Fired, Over            float64 // seconds from the fault, and from its repair, until Alertmanager knew
	Others                 []string
}

// where is for people: the host without its domain, then the rest.
func (l labels) where() string {
	var parts []string
	for _, k := range []string{"instance", "peer", "volume", "mountpoint"} {
		if l[k] != "" {
			parts = append(parts, strings.TrimSuffix(l[k], domain))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// markdown is the table for people. From shortened rules follows how long the rules as they are take: they wait longer, and
// the rest, from the fault to the condition of the rule and from the rule to Alertmanager, is the same.
func markdown(rows []row, speed int) string {
	table := [][]string{{"fault", "alert", "severity", "the rule waits, s", "fired after, s", "with the rule as it is, s", "ended after, s", "other alerts"}, {}}
	for range table[0] {
		table[1] = append(table[1], "")
	}
	for _, r := range rows {
		wait := fmt.Sprintf("%.0f", r.Wait)
		if speed > 1 && r.Wait > 0 {
			wait += fmt.Sprintf(" of %.0f", r.Wait*float64(speed))
		}
		table = append(table, []string{
			r.Fault, "`" + r.Alert + "`" + r.On.where(), r.Severity, wait, fmt.Sprintf("%.0f", r.Fired),
			fmt.Sprintf("%.0f", r.Fired+r.Wait*float64(speed-1)), fmt.Sprintf("%.0f", r.Over), strings.Join(r.Others, ", "),
		})
	}
	var b strings.Builder
	for n, cells := range table {
		for i, c := range cells {
			switch {
			case speed == 1 && i == 5:
			case n == 1:
				b.WriteString("|---")
			case c == "":
				b.WriteString("| ")
			default:
				b.WriteString("| " + c + " ")
			}
		}
		b.WriteString("|\n")
	}
	return b.String()
}
