// Package clidoc writes the manual page and the shell completions of a program from kong's model of its command line.
package clidoc

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// command is what one command takes; a program without commands is one without a name.
type command struct {
	name, help string
	flags      []option
	args       []argument
}

// option is a flag.
type option struct {
	short   string   // "-o", or ""
	long    []string // "--output"; two where it can be negated
	value   string   // placeholder of its value, "" where it takes none
	def     string   // value that it has when it is left out, "" where that says nothing
	choices []string // the only values
	files   files
	repeat  bool
	help    string
}

// argument is a positional argument.
type argument struct {
	name     string
	help     string
	choices  []string
	files    files
	repeat   bool
	optional bool
}

// files are the paths that a value may be.
type files int

const (
	noFiles files = iota
	anyFiles
	directories
)

// commandsOf returns the commands that --help shows, in its order.
func commandsOf(app *kong.Application) []command {
	if len(app.Children) == 0 {
		return []command{commandOf(app.Node)}
	}
	var out []command
	for _, n := range app.Children {
		if !n.Hidden {
			out = append(out, commandOf(n))
		}
	}
	return out
}

func commandOf(n *kong.Node) command {
	c := command{help: n.Help}
	if n.Type == kong.CommandNode {
		c.name = n.Name
	}
	for _, f := range slices.Concat(n.AllFlags(true)...) {
		c.flags = append(c.flags, optionOf(f))
	}
	for _, p := range n.Positional {
		c.args = append(c.args, argument{
			name: strings.ToUpper(p.Name), help: p.Help, choices: choices(p), files: filesOf(p), repeat: p.IsCumulative(), optional: !p.Required,
		})
	}
	return c
}

func optionOf(f *kong.Flag) option {
	o := option{long: []string{"--" + f.Name}, choices: choices(f.Value), files: filesOf(f.Value), repeat: f.IsCumulative(), help: f.Help}
	if f.Short != 0 {
		o.short = "-" + string(f.Short)
	}
	if f.Tag.Negatable != "" {
		o.long = append(o.long, "--no-"+f.Name)
	}
	if f.IsBool() {
		return o
	}
	o.value = f.PlaceHolder
	if o.value == "" {
		o.value = strings.ToUpper(f.Name[strings.LastIndexAny(f.Name, ".-")+1:])
	}
	if f.HasDefault && !strings.Contains(f.Help, f.Default) {
		o.def = f.Default
	}
	return o
}

func choices(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}

func filesOf(v *kong.Value) files {
	switch v.Tag.Type {
	case "path", "existingfile":
		return anyFiles
	case "existingdir":
		return directories
	}
	return noFiles
}
