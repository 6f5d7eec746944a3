package clidoc

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Fish returns the completion of a program for fish.
func Fish(app *kong.Application) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by go test -update from the command line of %s; edits are lost.\n", app.Name)
	complete := func(condition, rest string) {
		if condition != "" {
			condition = " -n " + fishQuote(condition)
		}
		fmt.Fprintf(&b, "complete -c %s%s %s\n", app.Name, condition, rest)
	}
	complete("", "-f")
	commands := commandsOf(app)
	if len(app.Children) > 0 {
		fishFlags(complete, "__fish_use_subcommand", commandOf(app.Node))
		for _, c := range commands {
			complete("__fish_use_subcommand", "-a "+c.name+" -d "+fishQuote(c.help))
		}
	}
	for _, c := range commands {
		condition := ""
		if c.name != "" {
			condition = "__fish_seen_subcommand_from " + c.name
		}
		fishFlags(complete, condition, c)
		for _, a := range c.args {
			if values := fishValues(a.choices, a.files); values != "" {
				complete(condition, values+" -d "+fishQuote(a.name))
			}
		}
	}
	return b.String()
}

func fishFlags(complete func(condition, rest string), condition string, c command) {
	for _, f := range c.flags {
		for i, l := range f.long {
			rest := "-l " + strings.TrimPrefix(l, "--")
			if f.short != "" && i == 0 {
				rest += " -s " + strings.TrimPrefix(f.short, "-")
			}
			if f.value != "" {
				rest = strings.TrimSpace(rest + " -x " + fishValues(f.choices, f.files))
			}
			complete(condition, rest+" -d "+fishQuote(f.help))
		}
	}
}

func fishValues(choices []string, f files) string {
	switch {
	case len(choices) > 0:
		return "-a " + fishQuote(strings.Join(choices, " "))
	case f == anyFiles:
		return "-a '(__fish_complete_path (commandline -ct))'"
	case f == directories:
		return "-a '(__fish_complete_directories (commandline -ct))'"
	}
	return ""
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
