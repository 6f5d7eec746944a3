package clidoc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Complete returns what a real shell (bash, zsh or fish) offers for the last of words, with the completion of the file.
// The words are those that bash makes of a line: "--flag=value" is three of them.
func Complete(ctx context.Context, shell, file string, words ...string) ([]string, error) {
	var cmd *exec.Cmd
	switch shell {
	case "bash":
		cmd = exec.CommandContext(ctx, "bash", append([]string{"--norc", "-c", bashDriver, "bash", file}, words...)...)
	case "zsh":
		dir, err := os.MkdirTemp("", "clidoc-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, "_"+words[0]), text, 0o600); err != nil { //nolint:gosec // the test names the program
			return nil, err
		}
		cmd = exec.CommandContext(ctx, "zsh", "-f", "-c", zshDriver, "zsh", dir, joined(words))
	case "fish":
		cmd = exec.CommandContext(ctx, "fish", "--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, file, joined(words))
		cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+os.TempDir(), "HOME="+os.TempDir())
	default:
		return nil, fmt.Errorf("no driver for the shell %s", shell) //nolint:err113 // for the developer
	}
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%s: %w: %s", shell, err, exit.Stderr)
	} else if err != nil {
		return nil, fmt.Errorf("%w (hack/install shells)", err)
	}
	var offers []string
	for l := range strings.Lines(string(out)) {
		// fish says what a word means behind a tab; zsh adds the = that a value follows.
		offer, _, _ := strings.Cut(strings.TrimSpace(l), "\t")
		if offer = strings.TrimSuffix(offer, "="); offer != "" {
			offers = append(offers, offer)
		}
	}
	slices.Sort(offers)
	return slices.Compact(offers), nil
}

// joined makes a line of words, "=" without blanks around it.
func joined(words []string) string { return strings.ReplaceAll(strings.Join(words, " "), " = ", "=") }

const bashDriver = `
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
[[ $(complete -p "$1") =~ -F\ ([^ ]+) ]] || exit 1
"${BASH_REMATCH[1]}" 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
`

// zsh completes only where a person types: in a terminal of its own, whose matches a function notes.
const zshDriver = `
zmodload zsh/zpty
: >$1/offers
zpty terminal zsh -f -i
zpty -w terminal "PS1= dir=$1; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D
compadd() {
  if [[ \" \$* \" != *\" -\"[OAD]\" \"* ]]; then
    local -a offers=()
    builtin compadd -O offers \"\$@\"
    print -rl -- \$offers >>$1/offers
  fi
  builtin compadd \"\$@\"
}
note() { _main_complete; : >$1/done; }
zle -C note list-choices note
bindkey '^O' note
: >$1/ready"
integer i
for ((i = 0; i < 600; i++)); do [[ -e $1/ready ]] && break; sleep 0.1; done
zpty -w -n terminal "$2"$'\x0f'
for ((i = 0; i < 600; i++)); do [[ -e $1/done ]] && break; sleep 0.1; done
zpty -d terminal
[[ -e $1/done ]] || { print -u2 "zsh did not complete"; exit 1; }
cat $1/offers
`
