package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
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
	w := &watch{
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
		if err := w.late(); err != nil {
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
	if err := errors.Join(w.look(lastingBricks(w.state)), w.noteAbsent()); err != nil {
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

func TestTheGuardMovesAsideWhatGlusterdCannotReadAndSaysSo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		peer string
		says string
		back bool
	}{
		"with a peer":    {"uuid=x\nstate=3\nhostname1=n2\n", `level=WARN msg="glusterd could not have read a volume, and would not have started: it is moved aside, and glusterd gets it from its peers" volume=server damage="bricks/n2:-b is missing"`, false},
		"without a peer": {"uuid=x\nstate=1\nhostname1=n2\n", `level=ERROR msg="glusterd cannot read a volume and will not start: write the file`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range map[string]string{
				"peers/x": c.peer, "vols/server/bricks/n1:-b": "hostname=n1\npath=/b\n", "vols/server/info": "count=2\nbrick-0=n1:-b\nbrick-1=n2:-b\n",
			} {
				path := filepath.Join(dir, file)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			var said strings.Builder
			if err := readableStore(dir, t.TempDir(), time.Now(), slog.New(slog.NewTextHandler(&said, nil))); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "vols/server")); (err == nil) != c.back {
				t.Errorf("in its place: %v", err)
			}
			if !strings.Contains(said.String(), c.says) || strings.Count(said.String(), "\n") != 1 {
				t.Errorf("said: %s", said.String())
			}
		})
	}
}
