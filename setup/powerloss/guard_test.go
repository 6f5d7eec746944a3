package powerloss

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/internal/mountns"
	"brickyard/setup/beneath"
)

func TestMain(m *testing.M) { os.Exit(mountns.Main(m)) }

// newBrick makes a brick's directory on a file system with the given mount options.
func newBrick(t *testing.T, options string) Brick {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if options == "sync" {
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_SYNCHRONOUS, ""); err != nil {
			t.Fatal(err)
		}
	}
	b := Brick{Volume: "server", Path: filepath.Join(dir, "brick")}
	for _, d := range []string{"", ".glusterfs", "dir", "dir/below"} {
		if err := os.Mkdir(filepath.Join(b.Path, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	id := uuid.MustParse("0a1b2c3d-0000-4000-8000-000000000001")
	set(t, b.Path, gluster.XattrVolumeID, id[:])
	for i, name := range []string{"", "dir", "dir/below", "dir/file"} {
		path := filepath.Join(b.Path, name)
		if name == "dir/file" {
			write(t, path, "text")
		}
		id[15] = byte(i)
		set(t, path, "trusted.gfid", id[:])
	}
	return b
}

func set(t *testing.T, path, name string, value []byte) {
	t.Helper()
	if err := unix.Lsetxattr(path, name, value, 0); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func gfidOf(t *testing.T, dir, name string) string {
	t.Helper()
	d, err := beneath.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // read only
	id, err := d.GFID(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func guard() *Guard {
	return &Guard{Proc: "/proc", Now: func() time.Time { return time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC) }}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestABrickThatWasNotStoppedCleanlyIsWithheld(t *testing.T) {
	b, g := newBrick(t, ""), guard()
	u, unclean, err := g.Start(b)
	if err != nil || !unclean || !u.Withheld || u.Brick != b.Path || exists(b.Path) {
		t.Fatalf("%+v, %t, %v; in its place: %t", u, unclean, err, exists(b.Path))
	}
	dir, volume, err := Withheld(b.Path)
	if err != nil || volume != "0a1b2c3d-0000-4000-8000-000000000001" || !exists(filepath.Join(dir, "dir/file")) {
		t.Fatalf("withheld: %s, %s, %v", dir, volume, err)
	}
	// Another stop and start, clean or not, change nothing about that.
	if err := g.Stop(b); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, unclean, err := g.Start(b); err != nil || unclean || exists(b.Path) {
			t.Fatalf("again: %t, %v", unclean, err)
		}
	}
	if err := Release(b.Path); err != nil || !exists(filepath.Join(b.Path, "dir/file")) {
		t.Fatal(err)
	}
	if dir, _, err := Withheld(b.Path); dir != "" || err != nil {
		t.Errorf("released, and withheld: %s, %v", dir, err)
	}
	if err := Release(b.Path); err != nil {
		t.Errorf("released twice: %v", err)
	}
}

func TestACleanStopIsOneStop(t *testing.T) {
	b, g := newBrick(t, ""), guard()
	if err := g.Stop(b); err != nil {
		t.Fatal(err)
	}
	if _, unclean, err := g.Start(b); unclean || err != nil {
		t.Fatalf("after a clean stop: %t, %v", unclean, err)
	}
	if u, unclean, err := g.Start(b); !unclean || err != nil || !u.Withheld {
		t.Fatalf("a marker counts twice: %+v, %t, %v", u, unclean, err)
	}
}

func TestOnASyncFileSystemOnlyHalfMadeNamesAreTakenOut(t *testing.T) {
	b, g := newBrick(t, "sync"), guard()
	write(t, filepath.Join(b.Path, "dir/half"), "")
	write(t, filepath.Join(b.Path, "dir/below/somebodys"), "text")
	if err := os.Mkdir(filepath.Join(b.Path, "halfdir"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("x", filepath.Join(b.Path, "dir/link")); err != nil {
		t.Fatal(err)
	}
	u, unclean, err := g.Start(b)
	slices.Sort(u.TakenOut)
	if err != nil || !unclean || u.Withheld || !slices.Equal(u.TakenOut, []string{"/dir/half", "/dir/link", "/halfdir"}) {
		t.Fatalf("%+v, %t, %v", u, unclean, err)
	}
	for _, name := range []string{"dir/half", "dir/link", "halfdir"} {
		if exists(filepath.Join(b.Path, name)) || !exists(filepath.Join(u.Aside, name)) {
			t.Errorf("%s is not where it should be", name)
		}
	}
	if !exists(filepath.Join(b.Path, "dir/below/somebodys")) || !exists(filepath.Join(b.Path, "dir/file")) {
		t.Error("a file with contents was taken out")
	}
	if _, unclean, err := g.Start(b); err != nil || !unclean {
		t.Errorf("again: %t, %v", unclean, err)
	}
}

func TestWhatIsNoBrickIsLeftAlone(t *testing.T) {
	b, g := newBrick(t, ""), guard()
	if err := unix.Lremovexattr(b.Path, gluster.XattrVolumeID); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{b.Path, b.Path + "/none", "/nowhere/brick"} {
		if _, unclean, err := g.Start(Brick{Path: path}); unclean || err != nil {
			t.Errorf("%s: %t, %v", path, unclean, err)
		}
		if err := g.Stop(Brick{Path: "/nowhere/brick"}); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatIsTakenOutIsNoFileOfTheVolumeAnyMore(t *testing.T) {
	b := newBrick(t, "")
	id := gfidOf(t, filepath.Join(b.Path, "dir"), "file")
	handle := filepath.Join(b.Path, ".glusterfs", id[:2], id[2:4], id)
	if err := os.MkdirAll(filepath.Dir(handle), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{handle, filepath.Join(b.Path, "second")} {
		if err := os.Link(filepath.Join(b.Path, "dir/file"), link); err != nil {
			t.Fatal(err)
		}
	}
	a := NewAside(b.Path, "resync", time.Now())
	if err := a.Move("second"); err != nil || !exists(handle) {
		t.Errorf("the file has another name: %v", err)
	}
	if err := os.Remove(filepath.Join(a.Dir, "second")); err != nil {
		t.Fatal(err)
	}
	if err := a.Move("dir"); err != nil || exists(handle) || !exists(filepath.Join(a.Dir, "dir/file")) || exists(filepath.Join(b.Path, "dir")) {
		t.Errorf("the directory: %v", err)
	}
}

func TestFlushRemembersWhen(t *testing.T) {
	b, now := newBrick(t, ""), time.Date(2026, 11, 24, 8, 0, 0, 5, time.UTC)
	if at, err := Flushed(b.Path, now); err != nil || !at.IsZero() {
		t.Errorf("before: %s, %v", at, err)
	}
	if err := Flush(b.Path, now); err != nil {
		t.Fatal(err)
	}
	if at, err := Flushed(b.Path, now); err != nil || !at.Equal(now) {
		t.Errorf("after: %s, %v", at, err)
	}
	if at, err := Flushed(b.Path, now.Add(-31*time.Minute)); err != nil || !at.IsZero() {
		t.Errorf("after the clock was set back: %s, %v", at, err)
	}
	write(t, flushedPath(b.Path), "")
	if at, err := Flushed(b.Path, now); err != nil || !at.IsZero() {
		t.Errorf("cut off: %s, %v", at, err)
	}
	if err := Flush("/nowhere/brick", now); err != nil {
		t.Error(err)
	}
}

// A brick in a directory of www-data, say.
func TestAMarkerThatIsNotRootsHidesNoPowerCut(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "passwd")
	write(t, victim, "root:x:0:0\n")
	for name, forge := range map[string]func(marker string) error{
		"nobody's": func(marker string) error {
			return errors.Join(os.WriteFile(marker, nil, 0o600), os.Chown(marker, 65534, 65534))
		},
		"a link":      func(marker string) error { return os.Symlink(victim, marker) },
		"a directory": func(marker string) error { return os.MkdirAll(filepath.Join(marker, "x"), 0o755) },
		"beside everybody's": func(marker string) error {
			return errors.Join(os.WriteFile(marker, nil, 0o600), os.Chmod(filepath.Dir(marker), 0o777))
		},
	} {
		b, g := newBrick(t, ""), guard()
		if err := errors.Join(os.Chmod(filepath.Dir(b.Path), 0o755), forge(cleanPath(b.Path))); err != nil {
			t.Fatal(err)
		}
		u, unclean, err := g.Start(b)
		if err != nil || !unclean || !u.Withheld || exists(b.Path) || !strings.Contains(u.Doubt, "it is not believed") {
			t.Errorf("%s: %+v, %t, %v", name, u, unclean, err)
		}
		if exists(cleanPath(b.Path)) {
			t.Errorf("%s: the marker is still there", name)
		}
		if err := Release(b.Path); err != nil {
			t.Error(err)
		}
		// And root's own markers are written through no link.
		if err := errors.Join(os.Symlink(victim, cleanPath(b.Path)), os.Symlink(victim, flushedPath(b.Path)), os.Symlink(victim, comparedPath(b.Path)),
			g.Stop(b), Flush(b.Path, time.Now()), SetCompared(b.Path, []string{"n2"})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "root:x:0:0\n" {
		t.Errorf("the victim holds %q, %v", text, err)
	}
}

func TestADirectoryInTheWayKeepsNoBrickFromBeingWithheld(t *testing.T) {
	b, g := newBrick(t, ""), guard()
	if err := os.MkdirAll(filepath.Join(withheldPath(b.Path), "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if u, unclean, err := g.Start(b); err != nil || !unclean || !u.Withheld || exists(b.Path) {
		t.Errorf("%+v, %t, %v", u, unclean, err)
	}
	if !exists(withheldPath(b.Path)+".not-ours-0/x") || !exists(filepath.Join(withheldPath(b.Path), "dir/file")) {
		t.Error("what was in the way, or the brick, is not where it should be")
	}
}

// glusterd must not start then: the unit requires the guard.
func TestABrickThatCannotBeWithheldIsAnError(t *testing.T) {
	b, g := newBrick(t, ""), guard()
	if err := unix.Mount("", filepath.Dir(b.Path), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if u, unclean, err := g.Start(b); err == nil || !unclean || !u.Withheld {
		t.Errorf("%+v, %t, %v", u, unclean, err)
	}
}

func TestADeepDirectoryEndsNoSearchForHalfMadeNames(t *testing.T) {
	b, g := newBrick(t, "sync"), guard()
	root, err := beneath.Open(b.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close() //nolint:errcheck // of a test
	rel := ""
	for i := range 30 {
		rel = filepath.Join(rel, "a"+strings.Repeat("d", 199))
		d, err := root.Mkdirs(rel, 0o755)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Setxattr(".", "trusted.gfid", []byte{byte(i + 10), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}), d.Close()); err != nil {
			t.Fatal(err)
		}
	}
	deep, err := root.Mkdirs(rel+"/half", 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer deep.Close() //nolint:errcheck // of a test
	write(t, filepath.Join(b.Path, "zz-half"), "")
	u, unclean, err := g.Start(b)
	slices.Sort(u.TakenOut)
	if err != nil || !unclean || u.Withheld || u.Undecided != 0 || !slices.Equal(u.TakenOut, []string{"/" + rel + "/half", "/zz-half"}) {
		t.Errorf("%d taken out, %d undecided, doubt %q, %t, %v", len(u.TakenOut), u.Undecided, u.Doubt, unclean, err)
	}
}
