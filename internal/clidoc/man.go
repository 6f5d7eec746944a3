package clidoc

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Page is what a manual page says beyond the command line.
type Page struct {
	Section  int
	Purpose  string // of the line under NAME, without a full stop
	Text     []string
	Exit     []Item
	Files    []Item
	Examples []Item // the command, and what it is for
	See      []string
}

// Item is a term and what it means.
type Item struct{ Term, Text string }

// Man returns the manual page of a program, in the man macros of roff.
func Man(app *kong.Application, p Page) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	commands := commandsOf(app)
	line(`.\" Written by go test -update from the command line of %s; edits are lost.`, app.Name)
	line(`.TH "%s" %d "" Brickyard "System administration"`, roff(strings.ToUpper(app.Name)), p.Section)
	line(".SH NAME\n%s \\- %s", roff(app.Name), roff(p.Purpose))
	line(".SH SYNOPSIS")
	for i, c := range commands {
		if i > 0 {
			line(".br")
		}
		line("%s", synopsis(app.Name, c))
	}
	line(".SH DESCRIPTION")
	for i, text := range p.Text {
		if i > 0 {
			line(".PP")
		}
		line("%s", roff(text))
	}
	if len(app.Children) > 0 {
		line(".SH COMMANDS")
	} else {
		line(".SH OPTIONS")
	}
	for _, c := range commands {
		if c.name != "" {
			line(".SS %s\n%s", roff(c.name), roff(c.help))
		}
		for _, a := range c.args {
			line(".TP\n\\fI%s\\fR\n%s", roff(a.name), roff(a.help+oneOf(a.choices, a.help)))
		}
		for _, f := range c.flags {
			line(".TP\n%s\n%s", term(f), roff(f.help+oneOf(f.choices, f.help)+defaults(f.def)))
		}
	}
	items(&b, "EXIT STATUS", p.Exit, "B")
	items(&b, "FILES", p.Files, "I")
	items(&b, "EXAMPLES", p.Examples, "B")
	if len(p.See) > 0 {
		line(".SH SEE ALSO")
		for i, see := range p.See {
			name, section, _ := strings.Cut(see, "(")
			comma := ","
			if i == len(p.See)-1 {
				comma = ""
			}
			line(".BR %s (%s%s", roff(name), section, comma)
		}
	}
	return b.String()
}

func synopsis(program string, c command) string {
	out := []string{`\fB` + roff(strings.TrimSpace(program+" "+c.name)) + `\fR`, `[\fIOPTION\fR]...`}
	for _, a := range c.args {
		name := `\fI` + roff(a.name) + `\fR`
		if a.repeat {
			name += "..."
		}
		if a.optional {
			name = "[" + name + "]"
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func term(f option) string {
	value := ""
	if f.value != "" {
		value = `=\fI` + roff(f.value) + `\fR`
	}
	var names []string
	if f.short != "" {
		names = append(names, `\fB`+roff(f.short)+`\fR`)
	}
	for _, l := range f.long {
		names = append(names, `\fB`+roff(l)+`\fR`+value)
	}
	return strings.Join(names, ", ")
}

func oneOf(choices []string, help string) string {
	for _, c := range choices {
		if !strings.Contains(help, c) {
			return " One of " + strings.Join(choices, ", ") + "."
		}
	}
	return ""
}

func defaults(def string) string {
	if def == "" {
		return ""
	}
	return " Default: " + def + "."
}

func items(b *strings.Builder, heading string, items []Item, font string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", heading)
	for _, i := range items {
		fmt.Fprintf(b, ".TP\n.%s \"%s\"\n%s\n", font, roff(i.Term), roff(i.Text))
	}
}

// roff escapes text: what it would read as a request, an escape, a hyphen or a quotation mark.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`, "'", `\(aq`, "…", "...").Replace(strings.Join(strings.Fields(s), " "))
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
