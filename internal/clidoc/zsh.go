package clidoc

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Zsh returns the completion of a program for zsh.
func Zsh(app *kong.Application) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("#compdef %s", app.Name)
	line("# Written by go test -update from the command line of %s; edits are lost.", app.Name)
	if len(app.Children) == 0 {
		zshArguments(&b, "", commandOf(app.Node))
		return b.String()
	}
	commands := commandsOf(app)
	line("local -a commands")
	line("commands=(")
	for _, c := range commands {
		line("  %s", quote(c.name+":"+c.help))
	}
	line(")")
	line("if ((CURRENT == 2)); then")
	line("  _describe command commands")
	zshArguments(&b, "  ", commandOf(app.Node))
	line("  return")
	line("fi")
	line("local command=$words[2]")
	line("shift words")
	line("((CURRENT--))")
	line("case $command in")
	for _, c := range commands {
		line("  %s)", c.name)
		zshArguments(&b, "    ", c)
		line("    ;;")
	}
	line("esac")
	return b.String()
}

func zshArguments(b *strings.Builder, indent string, c command) {
	fmt.Fprintf(b, "%s_arguments -S", indent)
	spec := func(s string) { fmt.Fprintf(b, " \\\n%s  %s", indent, quote(s)) }
	for _, f := range c.flags {
		before := ""
		if f.repeat {
			before = "*"
		} else if all := append(f.long, f.short); len(strings.TrimSpace(strings.Join(all, ""))) > len(f.long[0]) {
			before = "(" + strings.TrimSpace(strings.Join(all, " ")) + ")"
		}
		after := "[" + zshText(f.help) + "]"
		equals := ""
		if f.value != "" {
			equals = "="
			after += ":" + zshText(f.value) + ":" + zshAction(f.choices, f.files)
		}
		for _, l := range f.long {
			spec(before + l + equals + after)
		}
		if f.short != "" {
			spec(before + f.short + after)
		}
	}
	for i, a := range c.args {
		place := fmt.Sprint(i + 1)
		if a.repeat {
			place = "*"
		}
		spec(place + ":" + zshText(a.name) + ":" + zshAction(a.choices, a.files))
	}
	b.WriteString("\n")
}

func zshAction(choices []string, f files) string {
	switch {
	case len(choices) > 0:
		return "(" + strings.Join(choices, " ") + ")"
	case f == anyFiles:
		return "_files"
	case f == directories:
		return "_files -/"
	}
	return " "
}

// zshText escapes what _arguments would read as its own.
func zshText(s string) string {
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(s)
}
