package beneath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path)
	ok(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestNoWayLeadsThroughALinkOrOut(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	inside, outside := filepath.Join(base, "in"), filepath.Join(base, "out")
	ok(t, os.MkdirAll(filepath.Join(inside, "dir"), 0o755))
	ok(t, os.Mkdir(outside, 0o755))
	ok(t, os.Symlink(outside, filepath.Join(inside, "link")))
	ok(t, os.Symlink("dir", filepath.Join(inside, "within")))
	ok(t, os.Symlink(inside, filepath.Join(base, "alias")))
	d := open(t, inside)
	for _, rel := range []string{"link", "link/x", "within", "within/x", "..", "dir/../..", "/etc"} {
		if s, err := d.Sub(rel); err == nil {
			t.Errorf("%s was opened as %s", rel, s.Path())
		}
		if _, err := step(d.fd(), rel, directory, 0); err == nil {
			t.Errorf("%s was opened name by name", rel)
		}
	}
	if _, err := d.Mkdirs("link/made", 0o700); err == nil {
		t.Error("a directory was made behind a link")
	}
	if _, err := d.OpenFile("link", unix.O_WRONLY|unix.O_CREAT, 0o600); err == nil {
		t.Error("a link was opened for writing")
	}
	if _, err := Open(filepath.Join(base, "alias")); !errors.Is(err, unix.ELOOP) && !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a path through a link: %v", err)
	}
	if names, err := os.ReadDir(outside); err != nil || len(names) > 0 {
		t.Errorf("outside: %v, %v", names, err)
	}
}

// While a directory is open, somebody puts a link into its place.
func TestADirectoryThatIsSwappedStaysTheOneThatWasOpened(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	outside := filepath.Join(base, "out")
	for _, dir := range []string{"in/dir", "in/aside", "out"} {
		ok(t, os.MkdirAll(filepath.Join(base, dir), 0o755))
	}
	for _, file := range []string{"in/dir/file", "out/file"} {
		ok(t, os.WriteFile(filepath.Join(base, file), []byte(file), 0o600))
	}
	d := open(t, filepath.Join(base, "in"))
	dir, name, err := d.At("dir/file")
	ok(t, err)
	defer dir.Close() //nolint:errcheck // of a test
	ok(t, os.Rename(filepath.Join(base, "in/dir"), filepath.Join(base, "in/moved")))
	ok(t, os.Symlink(outside, filepath.Join(base, "in/dir")))
	ok(t, dir.Setxattr(".", "trusted.test", []byte("x")))
	if n, err := unix.Lgetxattr(outside, "trusted.test", make([]byte, 1)); !errors.Is(err, unix.ENODATA) {
		t.Errorf("an attribute was set outside: %d, %v", n, err)
	}
	aside, err := d.Sub("aside")
	ok(t, err)
	defer aside.Close() //nolint:errcheck // of a test
	ok(t, dir.Rename(name, aside, "file"))
	if text, err := os.ReadFile(filepath.Join(base, "in/aside/file")); err != nil || string(text) != "in/dir/file" {
		t.Errorf("moved: %q, %v", text, err)
	}
	ok(t, d.RemoveAll("dir"))
	if _, err := os.Lstat(filepath.Join(outside, "file")); err != nil {
		t.Error(err)
	}
}

func TestPathsMayBeLongerThanTheKernelTakes(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	rel := strings.TrimSuffix(strings.Repeat(strings.Repeat("d", 200)+"/", 40), "/")
	last, err := d.Mkdirs(rel, 0o755)
	ok(t, err)
	ok(t, last.Setxattr(".", "trusted.gfid", []byte("0123456789abcdef")))
	ok(t, last.Close())
	around, name, err := d.At(rel)
	ok(t, err)
	defer around.Close() //nolint:errcheck // of a test
	if id, err := around.GFID(name); err != nil || id != "30313233-3435-3637-3839-616263646566" {
		t.Errorf("gfid %q, %v", id, err)
	}
	_, err = d.Sub(rel + "/none")
	if !errors.Is(err, fs.ErrNotExist) || len(err.Error()) > 400 {
		t.Errorf("error with %d characters: %v", len(err.Error()), err)
	}
	ok(t, d.RemoveAll(rel[:200]))
}

func TestWhoMayReplaceWhatLiesAtAPath(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	ok(t, os.MkdirAll(filepath.Join(base, "parent/dir"), 0o755))
	ok(t, os.Symlink("parent", filepath.Join(base, "link")))
	for _, tc := range []struct {
		name, on string
		uid      int
		mode     os.FileMode
		path     string
		exposed  bool
	}{
		{"root's alone", "parent/dir", 0, 0o700, "parent/dir/brick", false},
		{"others may read", "parent/dir", 0, 0o755, "parent/dir/brick", false},
		{"others may write", "parent/dir", 0, 0o777, "parent/dir/brick", true},
		{"a group may write", "parent/dir", 0, 0o775, "parent/dir/brick", true},
		{"others may add names", "parent/dir", 0, 0o777 | os.ModeSticky, "parent/dir/brick", true},
		{"somebody's own", "parent/dir", 65534, 0o755, "parent/dir/brick", true},
		{"somebody's own, further up", "parent", 65534, 0o755, "parent/dir/brick", true},
		{"further up others may add names, as in /tmp", "parent", 0, 0o777 | os.ModeSticky, "parent/dir/brick", false},
		{"the brick itself is the volume's", "parent/dir", 65534, 0o777, "parent/dir", false},
		{"what does not exist", "parent/dir", 0, 0o755, "parent/dir/none/below/brick", false},
		{"a link on the way", "link", 0, 0o755, "link/dir/brick", true},
	} {
		on := filepath.Join(base, tc.on)
		ok(t, os.Chown(on, tc.uid, 0))
		ok(t, os.Chmod(on, tc.mode))
		who, err := Exposed(filepath.Join(base, tc.path))
		if err != nil || (who != "") != tc.exposed || tc.exposed && !strings.HasPrefix(who, on+" ") {
			t.Errorf("%s: %q, %v", tc.name, who, err)
		}
		ok(t, os.Chown(on, 0, 0))
		ok(t, os.Chmod(on, 0o755))
	}
}
