package powerloss

import (
	"os"
	"path/filepath"
	"slices"
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
	if at, err := Flushed(b.Path); err != nil || !at.IsZero() {
		t.Errorf("before: %s, %v", at, err)
	}
	if err := Flush(b.Path, now); err != nil {
		t.Fatal(err)
	}
	if at, err := Flushed(b.Path); err != nil || !at.Equal(now) {
		t.Errorf("after: %s, %v", at, err)
	}
	write(t, flushedPath(b.Path), "")
	if at, err := Flushed(b.Path); err != nil || !at.IsZero() {
		t.Errorf("cut off: %s, %v", at, err)
	}
	if err := Flush("/nowhere/brick", now); err != nil {
		t.Error(err)
	}
}
