package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestTheTableOfARunGoesBetweenItsComments(t *testing.T) {
	page := "before\n<!-- make test, warm -->\nold\n<!-- end of make test, warm -->\nafter\n"
	table := times([]outcome{
		{Name: "build", Wall: 18.4, Processor: 30},
		{Name: "lab", Wall: 400, Processor: 300, Tests: 66, Slow: []testRun{{Package: "./setup/labtest", Name: "TestX", Wall: 31, Processor: 12.6}}},
	}, 420, time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC), "abc1234")
	got, err := replaced(page, "make test, warm", table)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2026-11-28, abc1234: 420 s, 330 s of processor, 66 Go tests.", "| build | 18 | 30 | – |", "| lab | 400 | 300 | 66 |",
		"| TestX | setup/labtest | 31 | 13 |", "before\n", "after\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "old") {
		t.Errorf("the former table is still there:\n%s", got)
	}
	if _, err := replaced(page, "make test, cold", table); err == nil {
		t.Error("a page without the comments was taken")
	}
}

// docs/testing.md has a place for every kind of run, and lists what only make test-all runs.
func TestThePageHasAPlaceForEveryTableAndEveryStage(t *testing.T) {
	text, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []section{{}, {Cold: true}, {Busy: true}, {All: true}} {
		if _, err := replaced(string(text), s.name(), ""); err != nil {
			t.Error(err)
		}
	}
	for _, s := range table() {
		if s.more != "" && !strings.Contains(string(text), "| `"+s.name+"` |") {
			t.Errorf("docs/testing.md does not say why %s is not part of make test", s.name)
		}
	}
}
