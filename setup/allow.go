package main

import (
	"slices"

	"brickyard/setup/onefile"
)

// allowFlags are the flags of commands that refuse what is risky at this moment only, and can be told to do it.
type allowFlags struct {
	Allow []string `placeholder:"CODE:OBJECT" sep:"none" help:"Do what is refused otherwise, as the conflict says: older-file:NODE applies a cluster file that other nodes have replaced. Repeatable."`
}

// allow notes what a person allowed this run to do.
func (n *node) allow(list []string) {
	n.applied.Allowed = slices.Contains(list, onefile.CodeOlder+":"+n.state.Node)
}
