package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// here carries operations out in a directory of this machine.
type here string

func (h here) do(_ context.Context, o op) (reply, error) { return o.do(string(h)), nil }
func (here) close()                                      {}

func written(t *testing.T, operations int) (string, *writer) {
	t.Helper()
	dir := t.TempDir()
	w := &writer{record: newRecord(), hands: here(dir), rng: rand.New(rand.NewPCG(1, 2)), say: t.Logf}
	if err := w.fill(t.Context(), 3, 20); err != nil {
		t.Fatal(err)
	}
	for range operations {
		if err := w.act(t.Context(), w.next()); err != nil {
			t.Fatal(err)
		}
	}
	return dir, w
}

func trees(t *testing.T, dirs ...string) map[string]map[string]entry {
	t.Helper()
	out := map[string]map[string]entry{}
	for i, d := range dirs {
		have, err := tree(d)
		if err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprint("place", i)] = have
	}
	return out
}

func TestTheRecordIsWhatAFileSystemShows(t *testing.T) {
	dir, w := written(t, 1500)
	if w.failed > 0 {
		t.Errorf("%d operations failed", w.failed)
	}
	if differ := w.differ(trees(t, dir, dir), true); len(differ) > 0 {
		t.Errorf("%d names differ: %s", len(differ), strings.Join(differ[:min(5, len(differ))], "\n"))
	}
	kinds := map[string]int{}
	for _, e := range trees(t, dir)["place0"] {
		kinds[e.Type]++
	}
	for _, k := range []string{file, directory, symlink} {
		if kinds[k] == 0 {
			t.Errorf("nothing of type %s is left: %v", k, kinds)
		}
	}
}

func TestEveryDifferenceIsSeen(t *testing.T) {
	for name, harm := range map[string]func(dir, file, link, empty string) error{
		"a name is missing":     func(_, f, _, _ string) error { return os.Remove(f) },
		"a name too many":       func(d, _, _, _ string) error { return os.WriteFile(d+"/more", nil, 0o644) },
		"a file is empty":       func(_, f, _, _ string) error { return os.Truncate(f, 0) },
		"a link leads away":     func(_, _, l, _ string) error { return replaceLink(l) },
		"another type":          func(_, _, _, e string) error { return replaceDirectory(e) },
		"one byte is different": func(_, f, _, _ string) error { return flip(f) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, w := written(t, 500)
			copied := t.TempDir()
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			find := func(f func(string, entry) bool) string { return filepath.Join(copied, w.pick(f)[0]) }
			if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(copied, "empty"), 0o755); err != nil {
				t.Fatal(err)
			}
			w.end(op{Kind: opMkdir, Path: "empty"}, false, time.Now())
			err := harm(copied, find(func(_ string, e entry) bool { return e.Type == file && e.Size > 0 }), find(func(_ string, e entry) bool { return e.Type == symlink }), filepath.Join(copied, "empty"))
			if err != nil {
				t.Fatal(err)
			}
			for _, withRecord := range []bool{true, false} {
				if differ := w.differ(trees(t, dir, copied), withRecord); len(differ) != 1 {
					t.Errorf("one difference must be seen, not %d: %v", len(differ), differ)
				}
			}
			if differ := w.differ(trees(t, copied, copied), true); len(differ) != 1 {
				t.Errorf("one difference from the record must be seen, not %d: %v", len(differ), differ)
			}
		})
	}
}

func replaceLink(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Symlink("elsewhere", path)
}

func replaceDirectory(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o644)
}

func flip(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[len(b)-1] ^= 1
	return os.WriteFile(path, b, 0o644)
}

func TestReadsAreJudged(t *testing.T) {
	now := time.Now()
	old, lately := now.Add(-time.Minute), now
	since := now.Add(-fresh)
	r := newRecord()
	for name, at := range map[string]time.Time{"old": old, "new": lately} {
		r.end(op{Kind: opCreate, Path: name, Seq: 1, Size: 100}, false, at)
	}
	r.end(op{Kind: opCreate, Path: "removed", Seq: 2, Size: 100}, false, old)
	r.end(op{Kind: opRemove, Path: "removed"}, false, old)
	r.end(op{Kind: opCreate, Path: "unanswered", Seq: 3, Size: 10}, true, old)
	before := r.settled(since)
	right := fileOf(pattern(1, 100))
	for name, c := range map[string]struct {
		seen map[string]entry
		want int
	}{
		"what was acknowledged":            {map[string]entry{"old": right, "removed": {}}, 0},
		"an old file is empty":             {map[string]entry{"old": fileOf(nil)}, 1},
		"an old file has older contents":   {map[string]entry{"old": fileOf(pattern(0, 100))}, 1},
		"an old file is missing":           {map[string]entry{"old": {}}, 1},
		"a removed file is back":           {map[string]entry{"removed": fileOf(pattern(2, 100))}, 1},
		"what just changed may be older":   {map[string]entry{"new": {}}, 0},
		"what nobody answered may be both": {map[string]entry{"unanswered": {}}, 0},
		"a name that nobody asked for":     {map[string]entry{"another": right}, 0}, // it may be about to be made
	} {
		if got := r.judge(c.seen, before, since); len(got) != c.want {
			t.Errorf("%s: %d are wrong, not %d: %v", name, len(got), c.want, got)
		}
	}
	for name, c := range map[string]struct {
		names []string
		want  int
	}{
		"all of them":             {[]string{"old", "new", "unanswered"}, 0},
		"without the new ones":    {[]string{"old"}, 0},
		"without the old one":     {[]string{"new"}, 1},
		"with the one that's off": {[]string{"old", "removed"}, 1},
	} {
		seen, want := listed("", c.names, before)
		if got := r.judge(seen, want, since); len(got) != c.want {
			t.Errorf("a listing %s: %d are wrong, not %d: %v", name, len(got), c.want, got)
		}
	}
	// While it was being read, somebody began to change it.
	r.begin(op{Kind: opOverwrite, Path: "old"})
	if got := r.judge(map[string]entry{"old": fileOf(nil)}, before, since); len(got) > 0 {
		t.Errorf("a file that is being overwritten may be empty: %v", got)
	}
}

func TestAnUnansweredRenameLeavesBothNamesInDoubt(t *testing.T) {
	r := newRecord()
	r.end(op{Kind: opCreate, Path: "from", Seq: 1, Size: 10}, false, time.Now())
	r.end(op{Kind: opRename, Path: "from", To: "to"}, true, time.Now())
	if sure := r.pick(func(string, entry) bool { return true }); len(sure) > 0 {
		t.Errorf("nobody can be sure of %v", sure)
	}
	e := fileOf(pattern(1, 10))
	same := map[string]map[string]entry{"a": {"from": e}, "b": {"from": e}}
	if differ := r.differ(same, true); len(differ) > 0 {
		t.Errorf("either is right: %v", differ)
	}
	same["b"] = map[string]entry{"to": e}
	if differ := r.differ(same, true); len(differ) != 2 {
		t.Errorf("both are not: %v", differ)
	}
}

func TestEveryModeIsACluster(t *testing.T) {
	var names []string
	for _, m := range modes() {
		names = append(names, m.name)
		if len(m.servers) != 2 || m.brick == "" || m.mount == "" || !slices.Contains(m.machines(), m.writer) {
			t.Errorf("%s: %+v", m.name, m)
		}
	}
	if want := []string{"sync", "async", "directory", "cache", "recipe"}; !slices.Equal(names, want) {
		t.Errorf("modes are %v, not %v", names, want)
	}
}

func TestTheTable(t *testing.T) {
	got := markdown([]row{
		{Mode: "async", Off: "web2", Moment: 9.04, Operations: 800, Names: 300, Reads: 4000, Mounted: 31.4, Healthy: 52.6, Stall: 17.04},
		{Mode: "cache", Off: "cache1 and cache2", Moment: 12, Lost: 250, Healthy: 60, Note: "begins anew"},
	})
	for _, want := range []string{
		"| async | web2, 9.0 | 800 | 300 | 0 | 0 | 0, 4000 | 31 | 53 | 17.0 |\n",
		"| cache | cache1 and cache2 (begins anew), 12.0 | 0 | 0 | 0 | 250 | 0, 0 | – | 60 | 0.0 |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no line\n%s in\n%s", want, got)
		}
	}
}
