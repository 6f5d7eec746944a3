package store

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWhatGlusterdCannotReadIsMovedAsideAndItIsSaid(t *testing.T) {
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
			if err := MoveUnreadable(dir, t.TempDir(), time.Now(), slog.New(slog.NewTextHandler(&said, nil))); err != nil {
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
