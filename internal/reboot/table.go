package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// row is what a step did to those who used the volumes meanwhile.
type row struct {
	Step    string  `json:"step"`
	Seconds float64 `json:"seconds"` // from power on, or from the kill, until all was healed; 0: nothing to heal
	Lost    int     `json:"lost"`    // files that had to be there
	// Longest operation of all writers, and longest listing, in seconds.
	Write  float64 `json:"longest_write"`
	List   float64 `json:"longest_listing"`
	Writes int     `json:"writes"`
	Lists  int     `json:"listings"`
	Errors int     `json:"write_errors"`
	Again  int     `json:"repeated"` // listings that broke off and were full when repeated at once
	Missed int     `json:"missed"`   // listings that failed or lacked a file
	Lies   int     `json:"lies"`     // files read with other contents than their own
	Early  int     `json:"early"`    // the same as lies, before a half-filled brick without a source was offline
	Note   string  `json:"note,omitempty"`
}

// halfFilled is a brick whose source died, and since when it is not shown any more.
type halfFilled struct {
	volume string
	hidden float64 // seconds since 1970
}

// count adds the events of a client that ended within a span of time. What was
// read from a half-filled brick before it was hidden is counted apart.
func (r *row) count(events []event, from, to float64, half halfFilled) (texts []string) {
	for _, e := range events {
		if e.Time < from || e.Time > to {
			continue
		}
		switch e.Kind {
		case "writes":
			r.Writes, r.Write = r.Writes+e.Count, max(r.Write, e.Longest)
		case "listings":
			r.Lists, r.List = r.Lists+e.Count, max(r.List, e.Longest)
		case "failed":
			r.Errors++
		case "repeated":
			r.Again++
		case "missed":
			r.Missed++
		case "lie":
			if e.Volume == half.volume && e.Time-e.Longest < half.hidden {
				r.Early++
			} else {
				r.Lies++
			}
		}
		if e.Text != "" {
			texts = append(texts, fmt.Sprintf("%s, volume %s: %s: %s (after %.2f s, %.2f s into the step)", e.Host, e.Volume, e.Kind, e.Text, e.Longest, e.Time-from))
		}
	}
	return texts
}

// readEvents reads the record of a client. A last line that is being written is left out.
func readEvents(path string) ([]event, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	var out []event
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			break
		}
		out = append(out, e)
	}
	return out, lines.Err()
}

// markdown is the table for people.
func markdown(rows []row) string {
	var b strings.Builder
	b.WriteString("| step | s until healed | files lost | longest write, s | longest listing, s | listings, repeated, missed | wrong contents read |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		seconds := "–"
		if r.Seconds > 0 {
			seconds = fmt.Sprintf("%.1f", r.Seconds)
		}
		step := r.Step
		if r.Note != "" {
			step += " (" + r.Note + ")"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %.2f | %.2f | %d, %d, %d | %d |\n", step, seconds, r.Lost, r.Write, r.List, r.Lists, r.Again, r.Missed, r.Lies)
	}
	return b.String()
}
