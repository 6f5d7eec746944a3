package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"brickyard/setup/report"
)

// fail says why a command ended before it printed anything: in words for a
// person, as a document for a program that asked for one. It returns the exit
// code.
func fail(streams IO, k *kong.Context, asked bool, why string, err error) int {
	code := exitCodeOf(err)
	if !asked {
		fmt.Fprintf(streams.Err, "gluster-setup: %v\n", err) //nolint:errcheck // the last words
		return code
	}
	doc := report.Document{
		Changes: []report.Change{}, Conflicts: []report.Conflict{}, Waits: []string{}, Warnings: []string{},
		Error: &report.Error{Reason: why, Message: err.Error()}, ExitCode: code,
	}
	if k != nil && k.Selected() != nil {
		doc.Command, doc.Node, doc.File = k.Selected().Name, flagText(k, "node"), flagText(k, "file")
	}
	if err := report.JSON(streams.Out, doc); err != nil {
		fmt.Fprintf(streams.Err, "gluster-setup: %v\n", err) //nolint:errcheck // the last words
	}
	return code
}

// usage says what is wrong with the command line, of which only parts may have
// been understood.
func usage(streams IO, args []string, err error) int {
	var k *kong.Context
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		k = parse.Context
	}
	return fail(streams, k, looksLikeJSON(args), "usage", fmt.Errorf("%w (see gluster-setup --help)", err))
}

// flagText returns the text of a flag of the command, "" where it has none.
func flagText(k *kong.Context, name string) string {
	for _, f := range k.Flags() {
		if s, ok := k.FlagValue(f).(string); ok && f.Name == name {
			return s
		}
	}
	return ""
}

// looksLikeJSON reports whether somebody who mistyped another argument asked
// for a document.
func looksLikeJSON(args []string) bool {
	line := " " + strings.Join(args, " ") + " "
	for _, form := range []string{"--output json", "--output=json", "-o json", "-o=json", "-ojson"} {
		if strings.Contains(line, " "+form+" ") {
			return true
		}
	}
	return false
}
