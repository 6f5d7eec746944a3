// Package report prints plans, what apply does as it does it, and results:
// text for persons, one JSON document for programs.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"brickyard/setup/change"
)

// Document is what plan, apply and render print with --output json, and what
// every command prints that could not even begin. Its keys and their meaning do
// not change; new keys may be added.
type Document struct {
	Command   string     `json:"command"` // plan, apply, render; with an error also the others
	Node      string     `json:"node"`
	File      string     `json:"file"`    // the cluster file
	Changed   bool       `json:"changed"` // something was changed, or would be (plan)
	Changes   []Change   `json:"changes"` // in order; never null
	Conflicts []Conflict `json:"conflicts"`
	Waits     []string   `json:"waits"`    // what the node waits for, in words
	Warnings  []string   `json:"warnings"` // what apply leaves alone and a person should know
	Error     *Error     `json:"error"`    // null when all went well
	ExitCode  int        `json:"exit_code"`
	Seconds   float64    `json:"duration_seconds"`
}

// Change is one change in a Document.
type Change struct {
	Part     change.Part   `json:"part"`   // host, pool or client
	Object   string        `json:"object"` // what is changed
	Code     string        `json:"code"`   // stable
	Action   string        `json:"action"`
	Why      string        `json:"why"`
	Diff     string        `json:"diff,omitempty"`
	Commands []string      `json:"commands,omitempty"`
	By       string        `json:"by,omitempty"`    // the node that makes it, when it is another
	Needs    []string      `json:"needs,omitempty"` // what must come true first
	Status   change.Status `json:"status"`          // pending, done or failed
	Seconds  float64       `json:"duration_seconds"`
	Error    string        `json:"error,omitempty"`
}

// Conflict is a refusal in a Document.
type Conflict struct {
	Code    string `json:"code"`
	Object  string `json:"object"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

// Error is why a command did not end well.
type Error struct {
	Reason  string `json:"reason"` // conflict, refused, timeout, interrupted, invalid (the cluster file), usage (the command line), error
	Message string `json:"message"`
}

// Results makes the changes of a Document from what was made.
func Results(rs []change.Result) []Change {
	out := make([]Change, 0, len(rs))
	for _, r := range rs {
		c := one(r.Change)
		c.Status, c.Seconds = r.Status, seconds(r.Duration)
		if r.Err != nil {
			c.Error = r.Err.Error()
		}
		out = append(out, c)
	}
	return out
}

// Planned makes the changes of a Document from a plan.
func Planned(cs []change.Change) []Change {
	out := make([]Change, 0, len(cs))
	for _, c := range cs {
		out = append(out, one(c))
	}
	return out
}

// ConflictsOf makes the conflicts of a Document.
func ConflictsOf(cs []change.Conflict) []Conflict {
	out := make([]Conflict, 0, len(cs))
	for _, c := range cs {
		out = append(out, Conflict(c))
	}
	return out
}

func one(c change.Change) Change {
	return Change{
		Part: c.Part, Object: c.Object, Code: c.Code, Action: c.Action, Why: c.Why, Diff: c.Diff, Commands: c.Commands,
		By: c.By, Needs: c.Needs, Status: change.Pending,
	}
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Second)
}

// JSON writes a document as indented JSON with a final newline, or nothing.
func JSON(w io.Writer, doc any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false) // diffs and commands are read by persons too
	if err := e.Encode(doc); err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}
