package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestContentsTellFilesAndVersionsApart(t *testing.T) {
	t.Parallel()
	a, b, c := contents("a", 1, 100), contents("a", 2, 100), contents("b", 1, 100)
	if len(a) != 100 || sum(a) == sum(b) || sum(a) == sum(c) || sum(a) != sum(contents("a", 1, 100)) {
		t.Error("contents are not what they were made from")
	}
}

func TestASumNamesTheWrite(t *testing.T) {
	t.Parallel()
	mixed := append(contents("a", 1, 50), contents("a", 2, 50)...)
	for want, b := range map[string][]byte{"(100 bytes of write 7)": contents("a", 7, 100), "(100 bytes of no single write)": mixed, "(0 bytes of no single write)": nil} {
		if got := sum(b); !strings.HasSuffix(got, " "+want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The self-heal daemon moves a directory that was replaced while a brick was away aside, with what is in it, and removes it later.
func TestWhatGlusterFSAndTheEnemiesKeepIsNotCompared(t *testing.T) {
	t.Parallel()
	brick := t.TempDir()
	for _, dir := range []string{".glusterfs/aa", ".glusterfs-anonymous-inode-9cf5cd21/8c688262", trap + "/swapped", "base"} {
		if err := os.MkdirAll(filepath.Join(brick, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(brick, dir, "file"), []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := sums(brick)
	if err != nil || len(got) != 1 || got["base/file"] == "" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestCompareFindsEveryDifference(t *testing.T) {
	t.Parallel()
	base := baseSums(3, 50, 1)
	good := sum(contents("w/1", 7, writtenSize))
	written := map[string]state{"w/1": {Seq: 7, Sure: true}, "w/2": {Seq: 8}, "w/3": {Seq: 9, Sure: true}}
	have := map[string]string{
		"base/" + baseName(0): base[baseName(0)], "base/" + baseName(1): sum(nil),
		"w/1": good, "w/2": "anything", "w/4": "a file that came back",
	}
	got := compare(have, base, written)
	want := []string{fmt.Sprintf("base/file-0001 has other contents: %s, not %s", sum(nil), base[baseName(1)]), "base/file-0002 is not there", "w/3 is not there", "w/4 should not be there"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := losses(got); n != 3 {
		t.Errorf("%d losses, want 3", n)
	}
}

func TestARowCountsWhatEndedWithinTheStep(t *testing.T) {
	t.Parallel()
	var r row
	texts := r.count([]event{
		{Time: 1, Kind: "writes", Count: 5, Longest: 9},
		{Time: 2, Kind: "writes", Count: 3, Longest: 0.5},
		{Time: 3, Kind: "listings", Count: 4, Longest: 0.7},
		{Time: 3, Kind: "missed", Text: "nothing there", Host: "web1", Volume: "v", Longest: 1},
		{Time: 3, Kind: "repeated"},
		{Time: 4, Kind: "lie"},
		{Time: 4, Kind: "lie", Volume: "half", Longest: 0.2},
		{Time: 4, Kind: "lie", Volume: "half", Longest: 0.05},
		{Time: 3, Kind: "lie", Volume: "disk"},
		{Time: 9, Kind: "failed"},
	}, 1.5, 5, halfFilled{"half", 3.9})
	want := row{Writes: 3, Write: 0.5, Lists: 4, List: 0.7, Missed: 1, Again: 1, Lies: 3, Early: 1}
	if r != want {
		t.Errorf("got %+v, want %+v", r, want)
	}
	if !slices.Equal(texts, []string{"web1, volume v: missed: nothing there (after 1.00 s, 1.50 s into the step)"}) {
		t.Errorf("texts %q", texts)
	}
}

// make test runs the short ones, make test-all the rest beside: none may be missing in both.
func TestEveryStepIsOneOfMakeTestOrHasAReason(t *testing.T) {
	t.Parallel()
	d := &driver{servers: []string{"cache1", "cache2"}, volumes: []*volume{{name: memory}, {name: "web"}}}
	counted := map[string]int{}
	for _, s := range d.steps() {
		for _, which := range []string{"all", "short", "rest"} {
			if s.among(which) {
				counted[which]++
			}
		}
		if s.among("short") == s.among("rest") {
			t.Errorf("%s is in both or in none", s.name)
		}
		if s.among("rest") && s.rest == "" {
			t.Errorf("nothing says why make test leaves out %q", s.name)
		}
	}
	if counted["all"] != len(d.steps()) || counted["short"] == 0 || counted["rest"] == 0 {
		t.Errorf("%v of %d steps", counted, len(d.steps()))
	}
}

// A removal in the moment in which all lose power may be undone, on all places alike; any other that is undone is wrong.
func TestOnlyTheLastRemovalBeforeALossOfPowerMayBeUndone(t *testing.T) {
	t.Parallel()
	web := &volume{name: "web", brick: "/b"}
	d := &driver{servers: []string{"cache1"}, volumes: []*volume{web}, undone: map[string]map[string]bool{"web": {}}}
	seen := places{"cache1:/b": {"w/last": "x", "w/older": "x"}, "web1:/m": {"w/last": "x", "w/older": "x"}}
	says := func(s step, written map[string]state) (said []string) {
		d.compare(s, &row{}, web, seen, written, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
		return said
	}
	all := []string{
		"cache1:/b: w/last should not be there", "cache1:/b: w/older should not be there",
		"web1:/m: w/last should not be there", "web1:/m: w/older should not be there",
	}
	older := []string{all[1], all[3]}
	before := map[string]state{"w/last": {Removed: true}}
	for _, tc := range []struct {
		name    string
		step    step
		written map[string]state
		want    []string
	}{
		{"a step that is no loss of power", step{}, before, all},
		{"the loss of power", step{undoes: true}, before, older},
		{"a step after it", step{}, map[string]state{"w/next": {Removed: true}}, older},
	} {
		if got := says(tc.step, tc.written); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestAWriterRemembersItsLastRemoval(t *testing.T) {
	t.Parallel()
	w := &writer{dir: t.TempDir(), own: "by-me", states: map[string]state{"by-me/before": {Removed: true}}}
	for range 70 { // removals begin with the 33rd
		if err := w.step(); err != nil {
			t.Fatal(err)
		}
	}
	var removed []string
	for name, s := range w.states {
		if s.Removed {
			removed = append(removed, name)
		}
	}
	slices.Sort(removed)
	// That before the writer began, which may have been the last before a loss of power, stays.
	if want := []string{"by-me/before", "by-me/new-000037"}; !slices.Equal(removed, want) {
		t.Errorf("got %q, want %q", removed, want)
	}
}
