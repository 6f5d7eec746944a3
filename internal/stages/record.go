package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// section says which table of the page a run belongs to.
type section struct {
	All, Cold, Busy bool
	Named           bool // only some stages
}

func (s section) name() string {
	words := []string{"make test"}
	if s.All {
		words[0] = "make test-all"
	}
	if s.Cold {
		words = append(words, "cold")
	} else {
		words = append(words, "warm")
	}
	if s.Busy {
		words = append(words, "busy")
	}
	return strings.Join(words, ", ")
}

// record puts the table of a run into its place in a page, between two comments.
func record(page string, s section, outcomes []outcome, wall float64) error {
	if s.Named {
		return fmt.Errorf("%s has times of whole runs: name no stages with --times", page)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	commit, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output()
	if err != nil {
		return fmt.Errorf("git describe: %w", err)
	}
	out, err := replaced(string(text), s.name(), times(outcomes, wall, time.Now(), strings.TrimSpace(string(commit))))
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(out), 0o644) //nolint:gosec // a page of this checkout
}

// replaced returns page with what is between the comments of a name replaced.
func replaced(page, name, text string) (string, error) {
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	before, rest, ok := strings.Cut(page, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("no lines %q and %q to put the table between", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + text + end + after, nil
}

// times is the table of a run: its stages, then each test that took long.
func times(outcomes []outcome, wall float64, at time.Time, commit string) string {
	var b strings.Builder
	processor, tests := 0.0, 0
	for _, o := range outcomes {
		processor += o.Processor
		tests += o.Tests
	}
	fmt.Fprintf(&b, "\n%s, %s: %.0f s, %.0f s of processor, %d Go tests.\n\n", at.UTC().Format(time.DateOnly), commit, wall, processor, tests)
	b.WriteString("| stage | seconds | processor seconds | Go tests |\n|---|---|---|---|\n")
	for _, o := range outcomes {
		fmt.Fprintf(&b, "| %s | %.0f | %.0f | %s |\n", o.Name, o.Wall, o.Processor, number(o.Tests))
	}
	b.WriteString("\n| test above 5 s | package | seconds | processor seconds |\n|---|---|---|---|\n")
	for _, o := range outcomes {
		for _, t := range o.Slow {
			fmt.Fprintf(&b, "| %s | %s | %.0f | %s |\n", t.Name, strings.TrimPrefix(t.Package, "./"), t.Wall, number(int(t.Processor+0.5)))
		}
	}
	return b.String() + "\n"
}

func number(n int) string {
	if n == 0 {
		return "–"
	}
	return fmt.Sprint(n)
}
