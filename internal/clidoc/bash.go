package clidoc

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Bash returns the completion of a program for bash, which needs nothing but bash itself.
func Bash(app *kong.Application) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	function := "_" + strings.ReplaceAll(app.Name, "-", "_")
	commands := commandsOf(app)
	line("# bash completion of %s, written by go test -update from its command line; edits are lost.", app.Name)
	line("# shellcheck shell=bash")
	line("%s() {", function)
	line("  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' words='' kind=''")
	line("  # --flag=value are three words here.")
	line("  case $cur$prev in")
	line("    =--*) cur='' ;;")
	line("    *=) ((COMP_CWORD < 2)) || prev=${COMP_WORDS[COMP_CWORD - 2]} ;;")
	line("  esac")
	if len(app.Children) > 0 {
		line("  ((COMP_CWORD < 2)) || command=${COMP_WORDS[1]}")
	}
	line("  case \"$command $prev\" in")
	for _, c := range commands {
		for _, f := range c.flags {
			if f.value == "" {
				continue
			}
			var names []string
			for _, n := range append(f.long, f.short) {
				if n != "" {
					names = append(names, quote(c.name+" "+n))
				}
			}
			line("    %s) %s ;;", strings.Join(names, " | "), source(f.choices, f.files))
		}
	}
	line("  esac")
	line("  if [[ ! $kind ]]; then")
	line("    case $command in")
	for _, c := range commands {
		name, set := c.name, ""
		if name == "" {
			name = "''"
		}
		if len(c.args) > 0 {
			set = source(c.args[0].choices, c.args[0].files)
		}
		if set == "" || strings.HasSuffix(set, "none") {
			set = "kind=words"
		}
		line("      %s)", name)
		line("        %s", set)
		line("        [[ $cur != -* ]] || { kind=words && words=%s; }", quote(flagWords(c)))
		line("        ;;")
	}
	if len(app.Children) > 0 {
		var names []string
		for _, c := range commands {
			names = append(names, c.name)
		}
		line("      '')")
		line("        kind=words words=%s", quote(strings.Join(names, " ")))
		line("        [[ $cur != -* ]] || words=%s", quote(flagWords(commandOf(app.Node))))
		line("        ;;")
	}
	line("    esac")
	line("  fi")
	line("  COMPREPLY=()")
	line("  case $kind in")
	line("    words) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;")
	line("    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;")
	line("    directories) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;")
	line("  esac")
	line("}")
	line("complete -F %s %s", function, app.Name)
	return b.String()
}

// source sets where the words of a value come from.
func source(choices []string, f files) string {
	switch {
	case len(choices) > 0:
		return "kind=words words=" + quote(strings.Join(choices, " "))
	case f == anyFiles:
		return "kind=files"
	case f == directories:
		return "kind=directories"
	}
	return "kind=none"
}

func flagWords(c command) string {
	var words []string
	for _, f := range c.flags {
		words = append(words, f.long...)
		if f.short != "" {
			words = append(words, f.short)
		}
	}
	return strings.Join(words, " ")
}

// quote quotes for bash and zsh.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
