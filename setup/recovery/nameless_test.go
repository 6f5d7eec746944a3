package recovery

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNamesWithoutGfidAreRemoved(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root: trusted attributes are for root only")
	}
	brick := t.TempDir()
	id := "5aa9ca32-4221-4350-b443-c9961d8b34d8"
	link := filepath.Join(brick, ".glusterfs", "5a", "a9", id)
	for _, d := range []string{filepath.Dir(link), filepath.Join(brick, "a", "sub"), filepath.Join(brick, "b"), filepath.Join(brick, "c")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../../../b", link); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a/known": "", "a/nameless": "", "a/full": "text", "b/nameless": "", "c/elsewhere": ""} {
		if err := os.WriteFile(filepath.Join(brick, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a", "a/known", "a/sub", "b", "c"} {
		if err := unix.Lsetxattr(filepath.Join(brick, name), "trusted.gfid", []byte("0123456789abcdef"), 0); err != nil {
			t.Fatal(err)
		}
	}
	dirs := []string{"/a", "<gfid:" + id + ">", "/a/known", "/gone", "<gfid:short>", "relative", "/"}
	if got, err := removeNameless(brick, dirs, time.Now()); err != nil || len(got) > 0 {
		t.Errorf("names in the making: removed %q, %v", got, err)
	}
	got, err := removeNameless(brick, dirs, time.Now().Add(time.Minute))
	want := []string{filepath.Join(brick, "a", "nameless"), filepath.Join(link, "nameless")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("removed %q, %v, want %q", got, err, want)
	}
	for _, name := range []string{"a/known", "a/full", "a/sub", "c/elsewhere", ".glusterfs"} {
		if _, err := os.Lstat(filepath.Join(brick, name)); err != nil {
			t.Error(err)
		}
	}
}
