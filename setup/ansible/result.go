package ansible

import (
	"fmt"
	"strings"

	"brickyard/setup/change"
	"brickyard/setup/report"
)

// Result is the object that the module prints. Its keys and their meaning do
// not change; new keys may be added.
type Result struct {
	Changed  bool     `json:"changed"` // this node's part of changes only
	Failed   bool     `json:"failed"`
	Msg      string   `json:"msg"`
	Reason   string   `json:"reason,omitempty"` // why it failed: the words of docs/output.md
	Warnings []string `json:"warnings"`
	Diff     []Diff   `json:"diff,omitempty"`

	Node      string            `json:"node"`
	File      string            `json:"file"`    // the cluster file on the node
	Changes   []report.Change   `json:"changes"` // of this node, in order
	Others    []report.Change   `json:"others"`  // what is left for other nodes
	Conflicts []report.Conflict `json:"conflicts"`
	Waits     []string          `json:"waits"`
	Settled   bool              `json:"settled"`           // nothing is left to do or to wait for, here or elsewhere
	Gluster   any               `json:"gluster,omitempty"` // pool, volumes and mounts as `gluster-setup status` sees them
	Seconds   float64           `json:"duration_seconds"`

	Invocation Invocation `json:"invocation"`
}

// Invocation is what the module was asked.
type Invocation struct {
	Args map[string]any `json:"module_args"`
}

// Diff is one entry of Ansible's diff: a file before and after, or a text
// that is shown as it is.
type Diff struct {
	BeforeHeader string  `json:"before_header,omitempty"`
	AfterHeader  string  `json:"after_header,omitempty"`
	Before       *string `json:"before,omitempty"`
	After        *string `json:"after,omitempty"`
	Prepared     string  `json:"prepared,omitempty"`
}

// Failure is the result of a module that could not begin, or did not end well.
func Failure(a Arguments, reason, message string) Result {
	r := empty(a)
	r.Failed, r.Reason, r.Msg = true, reason, message
	return r
}

func empty(a Arguments) Result {
	return Result{
		Warnings: []string{}, Changes: []report.Change{}, Others: []report.Change{}, Conflicts: []report.Conflict{}, Waits: []string{},
		Node: a.Node, File: a.Config, Invocation: Invocation{Args: a.Given},
	}
}

// Outcome makes the result of what was planned (check mode) or made. The
// document has all of it except whole files, which are in changes.
func Outcome(a Arguments, doc report.Document, changes []change.Change, left []change.Change) Result {
	r := empty(a)
	r.Node, r.File, r.Seconds = doc.Node, doc.File, doc.Seconds
	r.Warnings, r.Conflicts, r.Waits = append(r.Warnings, doc.Warnings...), append(r.Conflicts, doc.Conflicts...), append(r.Waits, doc.Waits...)
	for _, c := range doc.Changes {
		if c.By == "" {
			r.Changes = append(r.Changes, c)
		} else {
			r.Others = append(r.Others, c)
		}
	}
	r.Others = append(r.Others, report.Planned(left)...)
	for _, c := range r.Changes {
		r.Changed = r.Changed || c.Status != change.Failed
	}
	if a.Diff {
		r.Diff = diffs(changes)
	}
	if doc.Error != nil {
		r.Failed, r.Reason, r.Msg = true, doc.Error.Reason, doc.Error.Message
		return r
	}
	r.Settled = len(r.Others) == 0 && len(r.Waits) == 0 && (len(r.Changes) == 0 || !a.Check)
	r.Msg = summary(r, a.Check)
	return r
}

func summary(r Result, check bool) string {
	words := fmt.Sprintf("%d changes made", len(r.Changes))
	switch {
	case len(r.Changes) == 0:
		words = "nothing to do"
	case check:
		words = fmt.Sprintf("%d changes to make", len(r.Changes))
	}
	if len(r.Others) > 0 {
		words += fmt.Sprintf(", %d left to other nodes", len(r.Others))
	}
	return words
}

// diffs has one entry for each file and one for everything that is done by
// commands. Changes of other nodes are theirs to show.
func diffs(changes []change.Change) []Diff {
	var files []Diff
	var commands strings.Builder
	for _, c := range changes {
		switch {
		case c.By != "":
		case c.Diff != "" || c.Before != c.After:
			files = append(files, Diff{BeforeHeader: c.Object, AfterHeader: c.Object + " (gluster-setup)", Before: &c.Before, After: &c.After})
		case len(c.Commands) == 0:
			fmt.Fprintf(&commands, "+ %s\n", c)
		default:
			for _, line := range c.Commands {
				fmt.Fprintf(&commands, "+ %s\n", line)
			}
		}
	}
	if commands.Len() > 0 {
		files = append(files, Diff{Prepared: commands.String()})
	}
	return files
}
