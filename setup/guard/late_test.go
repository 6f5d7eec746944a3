package guard

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/desired"
	"brickyard/setup/powerloss"
	"brickyard/setup/recovery"
)

func TestABrickWhoseDiskAppearsLateIsLookedAtBeforeItStarts(t *testing.T) {
	dir := t.TempDir()
	mount := filepath.Join(dir, "server")
	brick := filepath.Join(mount, "brick")
	there, appeared := false, false
	w := &Bricks{
		guard: &powerloss.Guard{Proc: "/proc", Now: time.Now},
		state: &desired.State{BrickMounts: []desired.BrickMount{
			{Volume: "server", Path: mount, Fstype: "xfs", Unit: "server.mount", BrickPath: brick},
			{Volume: "cache", Path: filepath.Join(dir, "cache"), Fstype: "tmpfs", Unit: "cache.mount", BrickPath: filepath.Join(dir, "cache/brick")},
		}},
		mounted: func(path string) (bool, error) {
			if path != mount || !there {
				return false, fs.ErrNotExist
			}
			return true, nil
		},
		mount: func(m desired.BrickMount) (bool, error) {
			there = appeared && m.Path == mount
			return there, nil
		},
		absent: filepath.Join(dir, "absent"), journal: filepath.Join(dir, "recovery.json"), log: slog.New(slog.DiscardHandler),
	}
	late := func() {
		t.Helper()
		if err := w.Late(); err != nil {
			t.Fatal(err)
		}
	}
	unclean := func() int {
		t.Helper()
		j, err := recovery.ReadJournal(w.journal)
		if err != nil {
			t.Fatal(err)
		}
		return len(j.Unclean)
	}
	late() // nothing is noted: nothing is done
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	notes, err := os.ReadDir(w.absent)
	if err != nil || len(notes) != 1 || notes[0].Name() != "server.mount" {
		t.Fatalf("noted: %v, %v", notes, err)
	}
	late()
	if n := unclean(); n != 0 {
		t.Fatalf("%d unclean starts of a brick that is not there", n)
	}

	if err := os.MkdirAll(brick, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Lsetxattr(brick, gluster.XattrVolumeID, make([]byte, 16), 0); err != nil {
		t.Fatal(err)
	}
	appeared = true
	late()
	if _, err := os.Lstat(brick); !errors.Is(err, fs.ErrNotExist) || unclean() != 1 {
		t.Errorf("the brick is in its place (%v), with %d unclean starts", err, unclean())
	}
	// Once only: afterwards it may be stopped and started like any other.
	if err := powerloss.Release(brick); err != nil {
		t.Fatal(err)
	}
	late()
	if _, err := os.Lstat(brick); err != nil || unclean() != 1 {
		t.Errorf("it is withheld again: %v, %d unclean starts", err, unclean())
	}
}
