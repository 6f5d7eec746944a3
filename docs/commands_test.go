package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// programs that runbooks may call beside ours, all of them on any Debian or in GlusterFS's packages, but for
// those of the last line: whoever alerts has them.
var programs = strings.Fields(`
	apt cat cp cut date df dmesg du find findmnt fuser getfattr glusterd grep head journalctl kill ls mkdir mount mv openssl pgrep ping ps rm rmdir sed sleep
	sort ss stat systemctl tail timeout umount uniq xfs_growfs
	curl promtool`)

// block is a fenced block of a document.
type block struct {
	page string
	line int // of its first line of text
	info string
	text string
}

func (b block) at() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// blocks returns the fenced blocks of a page, those in lists included, without their indentation.
func blocks(t *testing.T, page, text string) []block {
	t.Helper()
	fence := regexp.MustCompile("^( *)```(.*)$")
	var out []block
	var open *block
	indent := ""
	for i, l := range strings.Split(text, "\n") {
		m := fence.FindStringSubmatch(l)
		switch {
		case open == nil && m != nil:
			open, indent = &block{page: page, line: i + 2, info: m[2]}, m[1]
			if m[2] == "" {
				t.Errorf("%s:%d: a block without a language", page, i+1)
			}
		case open != nil && m != nil && m[2] == "":
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(l, indent) + "\n"
		}
	}
	if open != nil {
		t.Errorf("%s: the block has no end", open.at())
	}
	return out
}

// shell is true for blocks that a person types in.
func (b block) shell() bool { return b.info == "sh" || strings.HasPrefix(b.info, "sh ") }

// calls returns the simple commands of a block as words; what a shell would expand is left as it is written.
func (b block) calls() ([][]string, error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(b.text), b.at())
	if err != nil {
		return nil, err
	}
	var out [][]string
	var printed strings.Builder
	printer := syntax.NewPrinter()
	syntax.Walk(file, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 {
			var words []string
			for _, a := range c.Args {
				printed.Reset()
				if perr := printer.Print(&printed, a); perr != nil {
					err = perr
				}
				words = append(words, printed.String())
			}
			out = append(out, words)
		}
		return true
	})
	return out, err
}

// setup builds gluster-setup and returns a function that tells the flags of one of its commands, as its own --help does.
func setup(t *testing.T) func(command string) ([]string, error) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "gluster-setup")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, "../setup")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // with -trimpath as hack/build and the lab tests build it, so that it is compiled once
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build gluster-setup: %v\n%s", err, out)
	}
	flag := regexp.MustCompile(`(?m)^ +(?:(-[a-z]), )?(--[a-z-]+)`)
	known := map[string][]string{}
	return func(command string) ([]string, error) {
		if flags, ok := known[command]; ok {
			return flags, nil
		}
		out, err := exec.CommandContext(t.Context(), binary, command, "--help").CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("gluster-setup has no command %s", command)
		}
		var flags []string
		for _, m := range flag.FindAllStringSubmatch(string(out), -1) {
			flags = append(flags, m[2])
			if m[1] != "" {
				flags = append(flags, m[1])
			}
		}
		known[command] = flags
		return flags, nil
	}
}

// gluster holds the usage lines of GlusterFS's command line, as "gluster volume help" and the like printed them on a node.
func gluster(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/gluster-help.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// ofGluster checks a command of gluster: some usage line begins with its first two words and has all its other plain words.
func ofGluster(usage, words []string) error {
	plain := regexp.MustCompile(`^[a-z][a-z-]*$`)
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return strings.HasPrefix(w, "--") })
	if len(words) < 3 {
		return fmt.Errorf("gluster needs two more words: %q", words)
	}
	for _, line := range usage {
		known := regexp.MustCompile(`[a-z][a-z-]*`).FindAllString(line, -1)
		if len(known) < 2 || known[0] != words[1] || known[1] != words[2] {
			continue
		}
		missing := slices.ContainsFunc(words[3:], func(w string) bool {
			return w != "server" && plain.MatchString(w) && !slices.Contains(known, w)
		})
		// The value and the name of an option are no words of the usage.
		if !missing || words[2] == "set" || words[2] == "get" {
			return nil
		}
	}
	return fmt.Errorf("gluster has no such command: %s", strings.Join(words, " "))
}

func TestCommandsOfRunbooksParseAndCallWhatExists(t *testing.T) {
	t.Parallel()
	flagsOf, usage := setup(t), gluster(t)
	checks := 0
	for p, text := range runbooks(t) {
		for _, b := range blocks(t, p, text) {
			switch b.info {
			case "sh", "text", "yaml":
			case "sh check server", "sh check client", "sh check":
				checks++
			default:
				t.Errorf("%s: a block of the language %q; use sh, sh check, sh check server, sh check client, yaml or text", b.at(), b.info)
			}
			if !b.shell() {
				continue
			}
			calls, err := b.calls()
			if err != nil {
				t.Errorf("%s: the shell does not understand it: %v", b.at(), err)
				continue
			}
			for _, words := range calls {
				if err := known(flagsOf, usage, words); err != nil {
					t.Errorf("%s: %s: %v", b.at(), strings.Join(words, " "), err)
				}
			}
		}
	}
	if checks == 0 {
		t.Error("no check commands at all")
	}
}

func known(flagsOf func(string) ([]string, error), usage, words []string) error {
	switch words[0] {
	case "gluster":
		return ofGluster(usage, words)
	case "gluster-setup":
		if len(words) < 2 {
			return nil
		}
		flags, err := flagsOf(words[1])
		if err != nil {
			return err
		}
		for _, w := range words[2:] {
			if name, _, _ := strings.Cut(w, "="); strings.HasPrefix(w, "-") && !slices.Contains(flags, name) {
				return fmt.Errorf("%s has no flag %s", words[1], name)
			}
		}
		return nil
	case "timeout": // SECONDS COMMAND...
		if len(words) < 3 {
			return fmt.Errorf("timeout needs a time and a command")
		}
		return known(flagsOf, usage, words[2:])
	}
	if !slices.Contains(programs, words[0]) {
		return fmt.Errorf("%s is none of the programs that a node has", words[0])
	}
	return nil
}

// hack/runbooks runs check blocks line by line, and they must only look.
func TestCheckCommandsAreLinesOfTheirOwnAndOnlyLook(t *testing.T) {
	t.Parallel()
	looks := map[string][]string{
		"gluster-setup": {"status", "plan", "ok-to-stop --look"},
		"gluster":       {"volume info", "volume list", "volume status", "volume get", "volume heal server info", "peer status", "pool list"},
		"systemctl":     {"status", "list-timers", "show", "is-active", "--failed", "cat"},
	}
	forbidden := []string{"kill", "mv", "rm", "rmdir", "cp", "mkdir", "touch", "truncate", "umount", "apt", "ssh", "xfs_growfs", "xfs_repair"}
	for p, text := range runbooks(t) {
		for _, b := range blocks(t, p, text) {
			if !strings.HasPrefix(b.info, "sh check") {
				continue
			}
			for line := range strings.Lines(b.text) {
				one := block{page: p, line: b.line, info: "sh", text: line}
				calls, err := one.calls()
				if err != nil || len(calls) == 0 {
					t.Errorf("%s: %q is no command of one line: %v", b.at(), line, err)
				}
				for _, words := range calls {
					rest := strings.Join(words[1:], " ")
					if ways, ok := looks[words[0]]; ok && !slices.ContainsFunc(ways, func(w string) bool { return strings.HasPrefix(rest, w) }) {
						t.Errorf("%s: %s %s does not only look", b.at(), words[0], rest)
					}
					if slices.Contains(forbidden, words[0]) || strings.ContainsAny(rest, "<>") {
						t.Errorf("%s: %q does not only look", b.at(), line)
					}
				}
			}
		}
	}
}

// A command of gluster that takes the lock of a volume makes every other one fail meanwhile: whoever types it must know.
func TestCommandsThatTakeAClusterLockSaySo(t *testing.T) {
	t.Parallel()
	free := []string{"volume info", "volume list", "volume help", "volume get", "peer status", "pool list"}
	for p, text := range runbooks(t) {
		for _, b := range blocks(t, p, text) {
			if !b.shell() {
				continue
			}
			calls, err := b.calls()
			if err != nil {
				continue // said by another test
			}
			for _, words := range calls {
				rest := strings.Join(words[1:], " ")
				if words[0] != "gluster" || slices.ContainsFunc(free, func(f string) bool { return strings.HasPrefix(rest, f) }) ||
					regexp.MustCompile(`^volume heal \S+ info`).MatchString(rest) {
					continue
				}
				if !regexp.MustCompile(`gluster ` + regexp.QuoteMeta(rest) + `.*# .*lock`).MatchString(b.text) {
					t.Errorf("%s: gluster %s takes a lock of the cluster; say so behind it: # takes the volume's lock", b.at(), rest)
				}
			}
		}
	}
}
