// Package change holds the model of a change to the machine or the pool, and
// the one place (Runner) that carries changes out.
//
// Plans are lists of Change values: plan prints them, apply runs the same
// list. A Change that has to wait for something else says so in Needs.
package change

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Part is the part of the work a change belongs to.
type Part string

// The parts, in the order in which apply does them.
const (
	Host   Part = "host"   // this machine: packages, files, file systems, glusterd
	Pool   Part = "pool"   // the trusted pool and its volumes
	Client Part = "client" // client mounts on this machine
)

// Parts returns all parts in the order in which apply does them.
func Parts() []Part { return []Part{Host, Pool, Client} }

// Change is one step from what is to what should be.
type Change struct {
	Part     Part     // where it belongs
	Object   string   // what is changed: a path, "volume server", "peer cache2.example.com"
	Code     string   // stable, for programs: see docs/output.md
	Action   string   // what is done to it, as a verb: create, edit, mount, probe, set
	Why      string   // why it is not right as it is
	Diff     string   // unified diff, for files
	Before   string   // the whole file as it is, and
	After    string   // as it will be; both empty for what is no text file
	Commands []string // the exact commands, for everything that is done by a program
	By       string   // the node that makes the change when it is not this one
	ByHas    string   // what keeps that node from making it, in words: another cluster file
	Needs    []string // what must be true first and is not yet, in words ("glusterd on cache2 to answer")
	// RestsOn has the objects whose changes must be made before this one, besides those of its own object that stand before
	// it. Nil stands for all that stand before it, as on a machine, where one thing rests on the other.
	RestsOn []string

	// Aside says that nothing rests on the change, as on what only watches: if it fails, the others are made all the same.
	Aside bool

	// Do makes the change. Only Runner calls it.
	Do func(context.Context) error
}

// Ready reports whether this node can make the change now.
func (c Change) Ready() bool { return c.By == "" && len(c.Needs) == 0 }

// String names the change in a few words, for errors and logs.
func (c Change) String() string { return c.Action + " " + c.Object }

// Status is what became of a change.
type Status string

// What can become of a change.
const (
	Pending Status = "pending" // planned, not tried
	Done    Status = "done"
	Failed  Status = "failed"
	Partly  Status = "partly" // some servers of the pool made it, others failed
)

// Result is a change and what became of it.
type Result struct {
	Change
	Status   Status
	Duration time.Duration
	Err      error
}

// Plan is what one look at one part of the world found.
type Plan struct {
	Changes   []Change
	Conflicts []Conflict // what must be mended by a person before anything is changed
	Warnings  []string   // what a person should know, and apply leaves alone
	Waits     []string   // what has no change of its own but must come true, in words
}

// Add puts the findings of q behind those of p.
func (p *Plan) Add(q Plan) {
	p.Changes = append(p.Changes, q.Changes...)
	p.Conflicts = append(p.Conflicts, q.Conflicts...)
	p.Warnings = append(p.Warnings, q.Warnings...)
	p.Waits = append(p.Waits, q.Waits...)
}

// Settled reports whether nothing is left to do or to wait for.
func (p *Plan) Settled() bool {
	return len(p.Changes) == 0 && len(p.Conflicts) == 0 && len(p.Waits) == 0
}

// Pending returns the words for everything the plan waits for, without repeats.
func (p *Plan) Pending() []string {
	var words []string
	seen := map[string]bool{}
	add := func(s string) {
		if !seen[s] {
			seen[s] = true
			words = append(words, s)
		}
	}
	for _, w := range p.Waits {
		add(w)
	}
	for _, c := range p.Changes {
		for _, n := range c.Needs {
			add(n)
		}
		if c.By != "" {
			add(strings.Join(slices.DeleteFunc([]string{fmt.Sprintf("%s to %s", c.By, c), c.ByHas}, func(s string) bool { return s == "" }), "; "))
		}
	}
	return words
}

// Conflict is a state that apply refuses to change: somebody must decide.
type Conflict struct {
	Code    string // stable, for programs: hosts-entry, fstab-entry, volume-shape, ...
	Object  string // file and line, mount point, volume, peer
	Problem string // what is there and what the cluster file says
	Remedy  string // what a person can do about it
}

// Conflicts is the error of a plan that was refused.
type Conflicts []Conflict

func (cs Conflicts) Error() string {
	lines := make([]string, 0, len(cs))
	for _, c := range cs {
		lines = append(lines, fmt.Sprintf("%s: %s (%s)", c.Object, c.Problem, c.Remedy))
	}
	return "refused: " + strings.Join(lines, "; ")
}
