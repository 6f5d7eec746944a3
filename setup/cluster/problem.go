package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a cluster file.
type Problem struct {
	// File is the path as the user gave it.
	File string
	// Line and Column count from 1, columns in characters.
	Line, Column int
	// Field is the path of the key or value, such as volumes.server.replica.
	// It is empty for problems with the file as a whole.
	Field string
	// Message says what is wrong, Hint what to do about it.
	Message, Hint string
}

// String returns the problem as FILE:LINE:COL: MESSAGE and, on a second line,
// the hint.
func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	if p.Hint != "" {
		s += "\n  hint: " + p.Hint
	}
	return s
}

// Errors are all problems of a cluster file in the order of their positions.
type Errors []Problem

// Error returns one problem after the other.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// reporter collects the problems of one file.
type reporter struct {
	file     string
	problems Errors
}

// at records a problem with the value of n, unless decoding n has already
// failed: a value that was not understood is reported once.
func (r *reporter) at(n *node, message, hint string) {
	if n.bad {
		return
	}
	r.add(n.line, n.column, n.path, message, hint)
}

// atKey records a problem with the key of n, or with n itself where it has no
// key.
func (r *reporter) atKey(n *node, message, hint string) {
	if n.bad {
		return
	}
	if n.keyLine == 0 {
		r.at(n, message, hint)
		return
	}
	r.add(n.keyLine, n.keyColumn, n.path, message, hint)
}

func (r *reporter) add(line, column int, field, message, hint string) {
	r.problems = append(r.problems, Problem{
		File: r.file, Line: line, Column: column, Field: field, Message: shorten(message), Hint: shorten(hint),
	})
}

// shorten keeps a message readable that quotes a very long value.
func shorten(s string) string {
	const longest = 400
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest]) + "..."
	}
	return s
}

// err returns the problems in order, or nil.
func (r *reporter) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return r.problems
}
