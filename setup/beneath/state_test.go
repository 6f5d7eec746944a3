package beneath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlyRootsWordIsBelieved(t *testing.T) {
	t.Parallel()
	const nobody = 65534
	for name, forge := range map[string]func(t *testing.T, path string){
		"somebody's file": func(t *testing.T, path string) {
			ok(t, os.WriteFile(path, []byte("begun\n"), 0o644))
			ok(t, os.Chown(path, nobody, nobody))
		},
		"a file that others may write": func(t *testing.T, path string) {
			ok(t, os.WriteFile(path, []byte("begun\n"), 0o600))
			ok(t, os.Chmod(path, 0o622))
		},
		"a link to a file of root's": func(t *testing.T, path string) {
			ok(t, os.WriteFile(path+".target", []byte("begun\n"), 0o600))
			ok(t, os.Symlink(path+".target", path))
		},
		"another name of a file of root's": func(t *testing.T, path string) {
			ok(t, os.WriteFile(path+".target", []byte("begun\n"), 0o600))
			ok(t, os.Link(path+".target", path))
		},
		"a directory":           func(t *testing.T, path string) { ok(t, os.MkdirAll(filepath.Join(path, "x"), 0o755)) },
		"a fifo without reader": func(t *testing.T, path string) { ok(t, unix.Mkfifo(path, 0o600)) },
		"a device":              func(t *testing.T, path string) { ok(t, unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5)))) },
		"root's file where others may replace it": func(t *testing.T, path string) {
			ok(t, os.WriteFile(path, []byte("begun\n"), 0o600))
			ok(t, os.Chmod(filepath.Dir(path), 0o777))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state")
			forge(t, path)
			if text, err := ReadState(path); !errors.Is(err, ErrNotRoots) || text != nil {
				t.Errorf("%q, %v", text, err)
			}
			if noted, err := Noted(path); noted || !errors.Is(err, ErrNotRoots) {
				t.Errorf("noted: %t, %v", noted, err)
			}
			ok(t, os.Chmod(filepath.Dir(path), 0o700))
			ok(t, WriteState(path, []byte("text")))
			if text, err := ReadState(path); err != nil || string(text) != "text" {
				t.Errorf("after it was written: %q, %v", text, err)
			}
			if text, err := os.ReadFile(path + ".target"); err == nil && string(text) != "begun\n" {
				t.Errorf("the target was written: %q", text)
			}
			ok(t, RemoveState(path))
			if noted, err := Noted(path); noted || err != nil {
				t.Errorf("after it was removed: %t, %v", noted, err)
			}
			ok(t, RemoveState(path))
		})
	}
}

func TestAStateFileIsWrittenAsAWholeAndForRootAlone(t *testing.T) {
	dir := t.TempDir()
	old := unix.Umask(0)
	defer unix.Umask(old)
	path := filepath.Join(dir, "state")
	victim := filepath.Join(dir, "victim")
	ok(t, os.WriteFile(victim, []byte("victim"), 0o600))
	for i, text := range []string{"first", "second"} {
		ok(t, os.Symlink(victim, path+".new")) // in the way of the file that is written first
		ok(t, WriteState(path, []byte(text)))
		if got, err := ReadState(path); err != nil || string(got) != text {
			t.Errorf("%d: %q, %v", i, got, err)
		}
	}
	st, err := os.Lstat(path)
	if err != nil || st.Mode() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "victim" {
		t.Errorf("the victim holds %q, %v", text, err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 2 {
		t.Errorf("left: %v, %v", names, err)
	}
	// In a directory that is not there nothing is noted, and nothing can be.
	if _, err := ReadState(filepath.Join(dir, "none/state")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := WriteState(filepath.Join(dir, "none/state"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	ok(t, RemoveState(filepath.Join(dir, "none/state")))
}

func TestADirectoryOfRootsTakesThePlaceOfAnybodyElses(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(path string) error{
		"nothing":             func(string) error { return nil },
		"somebody's":          func(path string) error { return errors.Join(os.Mkdir(path, 0o755), os.Chown(path, 65534, 0)) },
		"open to everybody":   func(path string) error { return errors.Join(os.Mkdir(path, 0o755), os.Chmod(path, 0o777)) },
		"a link to somewhere": func(path string) error { return os.Symlink("/tmp", path) },
		"a file":              func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		dir := t.TempDir()
		ok(t, forge(filepath.Join(dir, "own")))
		d := open(t, dir)
		for range 2 {
			own, err := d.Own("own")
			ok(t, err)
			if private, err := own.Private(); err != nil || !private {
				t.Errorf("%s: private %t, %v", name, private, err)
			}
			ok(t, own.Close())
		}
	}
}
