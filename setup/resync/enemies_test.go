package resync

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/beneath"
	"brickyard/setup/check"
	"brickyard/setup/powerloss"
)

// tree is a brick's directory.
type tree struct {
	*testing.T
	path string
	dir  *beneath.Dir
	n    byte
}

func newTree(t *testing.T, path string) *tree {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := beneath.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.RemoveAll("d"); _ = d.Close() })
	b := &tree{t, path, d, 0}
	b.gfid(d, ".")
	return b
}

func (b *tree) gfid(d *beneath.Dir, name string) {
	b.Helper()
	b.n++
	if err := d.Setxattr(name, "trusted.gfid", []byte{b.n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}); err != nil {
		b.Fatal(err)
	}
}

// deep makes directories of which the last has a path of so many characters, and opens it.
func (b *tree) deep(length int) (rel string, last *beneath.Dir) {
	b.Helper()
	rel = "d"
	for {
		d, err := b.dir.Mkdirs(rel, 0o755)
		if err != nil {
			b.Fatal(err)
		}
		b.gfid(d, ".")
		left := length - len(rel) - 1
		if left <= 0 {
			b.Cleanup(func() { _ = d.Close() })
			return rel, d
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		rel += "/" + strings.Repeat("d", min(200, left))
	}
}

func (b *tree) file(d *beneath.Dir, name string) {
	b.Helper()
	f, err := d.OpenFile(name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o644)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.gfid(d, name)
}

func newMarker(b *tree, aside string) *marker {
	return &marker{
		job: &Job{Set: check.Set{Bricks: []gluster.Brick{{Host: "a"}, {Host: "b"}}, Accusations: []string{"trusted.afr.v-client-0", "trusted.afr.v-client-1"}}, Brick: b.path, Now: time.Now},
		own: b.dir, sources: []survivor{{brick: 1}}, marked: map[string]bool{}, aside: powerloss.Aside{Brick: b.path, Dir: aside},
	}
}

// A volume's users make paths that are longer than the kernel takes, and disks have files that cannot be read: neither
// keeps the other files of a brick from being compared.
func TestAPathOfAnyLengthIsDecided(t *testing.T) {
	for _, length := range []int{3900, 4080, 4095, 6000} {
		base := t.TempDir()
		own, other := newTree(t, filepath.Join(base, "server/.gluster-setup-withheld")), newTree(t, filepath.Join(base, "o"))
		rel, last := own.deep(length)
		other.deep(length)
		own.file(last, "f") // only this brick has it
		ownView, err := check.OpenLocal(own.path)
		if err != nil {
			t.Fatal(err)
		}
		defer ownView.Close() //nolint:errcheck // of a test
		source, err := check.OpenLocal(other.path)
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close() //nolint:errcheck // of a test
		m := newMarker(own, filepath.Join(base, "server/.gluster-setup-aside/x"))
		var found []Remedy
		w := &check.Walker{
			Bricks: m.job.Set.Bricks, Views: []check.View{ownView, source},
			First: func(dir, name string, entries []check.Entry, findings []check.Finding) error {
				if name != "f" || dir != rel || len(entries) != 2 {
					t.Errorf("%d: %q differs in %d characters", length, name, len(dir))
					return nil
				}
				p := dir + "/" + name
				what, err := m.decide(dir, p, entries[0], entries[1], findings)
				found = append(found, what)
				return errors.Join(err, m.accuseOthers(dir), m.remember(p), m.aside.Copy(p), m.aside.Move(p))
			},
		}
		if _, err := w.Walk(t.Context()); err != nil || len(found) != 1 || found[0] != takeOut {
			t.Fatalf("%d characters: %v, %v", length, found, err)
		}
		if _, err := last.Stat("f"); !errors.Is(err, unix.ENOENT) {
			t.Errorf("%d: it is still there: %v", length, err)
		}
	}
}

func TestANameThatCannotBeReadIsUndecidedAndEndsNothing(t *testing.T) {
	t.Parallel()
	for err, ends := range map[error]bool{
		unix.EIO: false, unix.ENAMETOOLONG: false, unix.EUCLEAN: false, unix.EACCES: false, unix.ELOOP: false,
		unix.ENOSPC: true, unix.EROFS: true, check.ErrAway: true, errors.New("no word of the kernel"): true,
	} {
		m := &marker{}
		got := m.undecided("dir/file", errors.Join(errors.New("look"), err))
		if (got != nil) != ends || (m.result.Undecided == 1) == ends || (len(m.result.Listed) == 1) == ends {
			t.Errorf("%v: %v, %+v", err, got, m.result)
		}
	}
}

// While a brick is withheld, a local user who owns a directory of it puts a link into its place.
func TestADirectoryThatIsSwappedForALinkLeadsNowhere(t *testing.T) {
	base := t.TempDir()
	b := newTree(t, filepath.Join(base, ".gluster-setup-withheld"))
	outside := filepath.Join(base, "etc")
	err := errors.Join(os.Mkdir(outside, 0o755), os.WriteFile(filepath.Join(outside, "shadow"), []byte("secret"), 0o600),
		os.Symlink(outside, filepath.Join(b.path, "docroot")), os.Symlink(outside, filepath.Join(b.path, ".glusterfs")))
	if err != nil {
		t.Fatal(err)
	}
	b.file(b.dir, "x")
	m := newMarker(b, filepath.Join(base, ".gluster-setup-aside/x"))
	for what, err := range map[string]error{
		"copy": m.aside.Copy("docroot/shadow"), "move": m.aside.Move("docroot/shadow"), "accuse": m.accuseOthers("docroot/."), "accuse below": m.accuseOthers("docroot/shadow"), "remember": m.remember("x"),
	} {
		if err == nil {
			t.Errorf("%s followed the link", what)
		}
	}
	if _, err := m.accuses("docroot/shadow", dataPart); err != nil && !errors.Is(err, unix.ELOOP) {
		t.Error(err)
	}
	names, err := os.ReadDir(outside)
	if err != nil || len(names) != 1 {
		t.Errorf("outside: %v, %v", names, err)
	}
	for _, path := range []string{outside, filepath.Join(outside, "shadow")} {
		if n, err := unix.Llistxattr(path, make([]byte, 1000)); err != nil || n > 0 {
			t.Errorf("%s has attributes: %d, %v", path, n, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(m.aside.Dir, "docroot/shadow")); err == nil {
		t.Errorf("kept aside: %q", got)
	}
}
