package clidoc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// Files returns the manual page and the completions of a program by their names.
func Files(app *kong.Application, p Page) map[string]string {
	return map[string]string{
		fmt.Sprintf("man/%s.%d", app.Name, p.Section): Man(app, p),
		"completions/" + app.Name + ".bash":           Bash(app),
		"completions/_" + app.Name:                    Zsh(app),
		"completions/" + app.Name + ".fish":           Fish(app),
	}
}

// Check compares the files below dir with the command line, or writes them, and then looks at them as users do: man must render the page without
// a warning, and page and shells must know every flag that --help of each command shows. help returns the text of --help; command is "" for the program's own.
func Check(t *testing.T, dir string, update bool, app *kong.Application, p Page, help func(command string) string) {
	t.Helper()
	for name, want := range Files(app, p) {
		path := filepath.Join(dir, name)
		if update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v: run the test with -update", err)
		}
		if diff := cmp.Diff(string(have), want); diff != "" {
			t.Errorf("%s differs from the command line; run the test with -update (-have +want):\n%s", path, diff)
		}
	}
	page := rendered(t, filepath.Join(dir, fmt.Sprintf("man/%s.%d", app.Name, p.Section)))
	for _, c := range commandsOf(app) {
		flags := flagsOf(help(c.name))
		if len(flags) == 0 {
			t.Fatalf("%s %s --help shows no flags", app.Name, c.name)
		}
		section := page
		if c.name != "" {
			_, section, _ = strings.Cut(page, "\n   "+c.name+"\n")
			section = regexp.MustCompile(`\n {0,3}\S`).Split(section, 2)[0]
		}
		for _, f := range flags {
			if !regexp.MustCompile(regexp.QuoteMeta(f) + `\b`).MatchString(section) {
				t.Errorf("the manual page of %s says nothing of %s %s:\n%s", app.Name, c.name, f, section)
			}
		}
		for shell, file := range map[string]string{"bash": app.Name + ".bash", "zsh": "_" + app.Name, "fish": app.Name + ".fish"} {
			words := []string{app.Name, c.name, "--"}
			if c.name == "" {
				words = []string{app.Name, "--"}
			}
			offers, err := Complete(t.Context(), shell, filepath.Join(dir, "completions", file), words...)
			if err != nil {
				t.Fatal(err)
			}
			offers = slices.DeleteFunc(offers, func(o string) bool { return !strings.HasPrefix(o, "--") })
			if diff := cmp.Diff(flags, offers); diff != "" {
				t.Errorf("what %s offers for %s and --help differ (-help +%s):\n%s", shell, strings.Join(words, " "), shell, diff)
			}
		}
	}
}

// rendered returns the page as man shows it.
func rendered(t *testing.T, path string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "man", "--warnings", "-E", "UTF-8", "-l", path)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=100", "MANROFFSEQ=", "MAN_KEEP_FORMATTING=", "MANPAGER=cat")
	var warnings strings.Builder
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("man -l %s: %v (hack/install shells)\n%s", path, err, warnings.String())
	}
	if warnings.Len() > 0 {
		t.Errorf("man -l %s warns:\n%s", path, warnings.String())
	}
	return string(out)
}

// flagsOf returns the long flags of a text of --help, sorted.
func flagsOf(help string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^ +(?:-\w, )?--(\[no-\])?([a-z][a-z0-9.-]*)`).FindAllStringSubmatch(help, -1) {
		out = append(out, "--"+m[2])
		if m[1] != "" {
			out = append(out, "--no-"+m[2])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
