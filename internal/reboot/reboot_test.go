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
