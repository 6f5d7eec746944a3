package check

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// plain is the View of a directory that is no brick: its inode numbers mean nothing.
type plain struct {
	tree
	refuse string // a directory that cannot be listed
}

func (p *plain) List(ctx context.Context, dir string, do func(listed) error, wait func(int) error) error {
	if p.refuse != "" && dir == p.refuse {
		return unix.EIO
	}
	return p.tree.List(ctx, dir, func(l listed) error { l.ID = 0; return do(l) }, wait)
}

func (p *plain) Look(dir, name string, listing bool) (Entry, error) {
	e, err := p.tree.Look(dir, name, listing)
	e.ID = 0
	return e, err
}

// walker compares directories, which it makes, and returns them.
func walker(t *testing.T, n int) (*Walker, []string) {
	t.Helper()
	w := &Walker{Bricks: bricks(n, false), Pause: 10 * time.Millisecond, Content: true}
	var dirs []string
	for range n {
		dir := t.TempDir()
		fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		dirs, w.Views = append(dirs, dir), append(w.Views, &plain{tree: tree{root: fd}})
	}
	return w, dirs
}

// found walks and returns the kinds of each path.
func found(t *testing.T, w *Walker) (map[string][]Kind, Counts) {
	t.Helper()
	got := map[string][]Kind{}
	w.Found = func(d Difference) {
		for _, f := range d.Findings {
			got[d.Path] = append(got[d.Path], f.Kind)
		}
	}
	counts, err := w.Walk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got, counts
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWalkFindsEveryKindAtAnyDepth(t *testing.T) {
	t.Parallel()
	w, dirs := walker(t, 2)
	w.run = 3 // nearly everything is sorted in files
	want := map[string][]Kind{}
	for depth, below := range []string{"", "a", "a/b", "a/b/c"} {
		for i, dir := range dirs {
			in := func(name string) string { return filepath.Join(dir, below, name) }
			for k := range 20 {
				write(t, in(fmt.Sprintf("same%d", k)), "text")
			}
			write(t, in("size"), strings.Repeat("x", i+1))
			write(t, in("content"), fmt.Sprint(i))
			write(t, in("mode"), "")
			write(t, in("attribute"), "")
			if err := errors.Join(
				os.Symlink(fmt.Sprint(i), in("link")), os.Chmod(in("mode"), os.FileMode(0o600+i)), //nolint:gosec // few bits
				unix.Setxattr(in("attribute"), "user.x", []byte{byte(i)}, 0), os.Chown(in("size"), 0, i),
			); err != nil {
				t.Fatal(err)
			}
		}
		write(t, filepath.Join(dirs[depth%2], below, "only/deep/er"), "x")
		at := func(name string) string { return filepath.Join("/", below, name) }
		want[at("size")], want[at("content")], want[at("mode")] = []Kind{Owner, Size}, []Kind{Content}, []Kind{Mode}
		want[at("link")], want[at("attribute")], want[at("only")] = []Kind{Target}, []Kind{XattrKind}, []Kind{Missing}
	}
	got, counts := found(t, w)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if counts.Entries != 4*26+3 || counts.Different != 24 || counts.Busy+counts.Waiting+counts.Unlisted != 0 {
		t.Errorf("%+v", counts)
	}
}

func TestADirectoryThatComesLaterIsCompared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // it comes between two looks, however long they take
		w, dirs := walker(t, 2)
		write(t, dirs[0]+"/late/file", "a")
		w.Pause = 300 * time.Millisecond
		time.AfterFunc(150*time.Millisecond, func() { write(t, dirs[1]+"/late/file", "b") })
		got, counts := found(t, w)
		if diff := cmp.Diff(map[string][]Kind{"/late/file": {Content}}, got); diff != "" || counts.Again != 2 {
			t.Errorf("%+v (-want +got)\n%s", counts, diff)
		}
	})
}

func TestADirectoryThatABrickDoesNotListIsCounted(t *testing.T) {
	t.Parallel()
	w, dirs := walker(t, 2)
	for _, d := range dirs {
		write(t, d+"/good/file", "a")
		write(t, d+"/bad/file", "a")
	}
	w.Views[1].(*plain).refuse = "bad"
	got, counts := found(t, w)
	if len(got) > 0 || counts.Unlisted != 1 || counts.Entries != 3 {
		t.Errorf("%v, %+v", got, counts)
	}
}

func TestALargeDirectoryIsSortedInAFile(t *testing.T) {
	t.Parallel()
	w, dirs := walker(t, 2)
	w.Content = false
	for _, d := range dirs {
		for i := range 20000 {
			if err := unix.Mknod(filepath.Join(d, fmt.Sprint(i)), unix.S_IFREG|0o644, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Remove(dirs[0] + "/777"); err != nil {
		t.Fatal(err)
	}
	w.run = 1000
	got, counts := found(t, w)
	if len(got) != 1 || !slices.Equal(got["/777"], []Kind{Missing}) || counts.Entries != 20000 {
		t.Errorf("%v, %+v", got, counts)
	}
}

func TestTheRateHolds(t *testing.T) {
	t.Parallel()
	w, dirs := walker(t, 2)
	for _, d := range dirs {
		for i := range 300 {
			write(t, filepath.Join(d, fmt.Sprint(i%3), fmt.Sprint(i)), strings.Repeat("x", 1000))
		}
	}
	w.Rate = 600
	began := time.Now()
	if got, _ := found(t, w); len(got) > 0 {
		t.Error(got)
	}
	if took := time.Since(began); took < 450*time.Millisecond {
		t.Errorf("303 names at 600 a second took %s", took)
	}
	w.Rate, w.Bandwidth = 0, 600e3
	began = time.Now()
	if _, counts := found(t, w); counts.Bytes != 600e3 {
		t.Errorf("%+v", counts)
	}
	if took := time.Since(began); took < 450*time.Millisecond {
		t.Errorf("300 kB of each brick at 600 kB a second took %s", took)
	}
}

func TestSortedNamesSurviveTheFile(t *testing.T) {
	t.Parallel()
	for _, l := range []listed{
		{},
		{name: "a", Entry: Entry{State: Present, Mode: 0o100644, UID: 1 << 31, GID: 5, Size: 1 << 62, Rdev: 1 << 40, ID: noGFID}},
		{name: strings.Repeat("é", 120), Entry: Entry{State: Unreadable, Errno: unix.EIO}},
	} {
		got, err := decode(bufio.NewReader(bytes.NewReader(l.encode(nil))))
		if err != nil || !cmp.Equal(l, got, cmp.AllowUnexported(listed{})) {
			t.Errorf("%+v became %+v, %v", l, got, err)
		}
	}
	whole := listed{name: "name", Entry: Entry{Size: 1000}}.encode(nil)
	for cut := 1; cut < len(whole); cut++ {
		if l, err := decode(bufio.NewReader(bytes.NewReader(whole[:cut]))); err == nil {
			t.Errorf("%d of %d bytes: %+v", cut, len(whole), l)
		}
	}
}
