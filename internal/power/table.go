package main

import (
	"fmt"
	"strings"
)

// row is one power cut, or several at once.
type row struct {
	Mode       string  `json:"mode"`
	Off        string  `json:"off"`    // machines
	Moment     float64 `json:"moment"` // seconds after the first change
	Recipe     bool    `json:"recipe"`
	Operations int     `json:"operations"` // that were acknowledged
	Failed     int     `json:"failed"`
	Names      int     `json:"names"` // when all was compared
	Files      int     `json:"files"`
	Differ     int     `json:"differ"`  // names that are not as acknowledged somewhere, or not the same everywhere
	Between    int     `json:"between"` // of them, not the same everywhere
	Lost       int     `json:"lost"`    // the same everywhere, not as acknowledged, and allowed to be so
	Reads      int     `json:"reads"`
	Stale      int     `json:"stale"`
	Errors     int     `json:"read_errors"`
	Mounted    float64 `json:"mounted_seconds"` // from power on
	Healthy    float64 `json:"healthy_seconds"` // from power on
	Stall      float64 `json:"longest_stall_seconds"`
	Note       string  `json:"note,omitempty"`
}

// markdown is the table for people.
func markdown(rows []row) string {
	var b strings.Builder
	b.WriteString("| mode | power cut of, after s | operations | names compared | differ afterwards | lost everywhere | stale reads, of | s until mounted | s until healthy | longest stall of the writer, s |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		seconds := func(s float64) string {
			if s == 0 {
				return "–"
			}
			return fmt.Sprintf("%.0f", s)
		}
		off := r.Off
		if r.Note != "" {
			off += " (" + r.Note + ")"
		}
		fmt.Fprintf(&b, "| %s | %s, %.1f | %d | %d | %d | %d | %d, %d | %s | %s | %.1f |\n", r.Mode, off, r.Moment, r.Operations, r.Names, r.Differ, r.Lost, r.Stale, r.Reads, seconds(r.Mounted), seconds(r.Healthy), r.Stall)
	}
	return b.String()
}
