package host

import (
	"os"
	"path/filepath"
	"testing"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

// A run that is killed between the removal of a file and that of its directory leaves an empty directory.
func TestWordsAreTakenBackWhereverARunDies(t *testing.T) {
	b := newBench(t)
	b.host.State.Server = false
	for name, kept := range map[string]bool{desired.InfoVolfile("gone"): false, desired.ReadyVolfile: false, desired.InfoVolfile("other"): true} {
		dir := filepath.Join(b.host.Root, filepath.Dir(gluster.ServerVolfilePath(name)))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if kept { // of somebody else
			if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	p, err := b.host.unready()
	if err != nil || len(p.Changes) != 2 {
		t.Fatalf("%+v, %v", p.Changes, err)
	}
	b.do(p)
	left, err := os.ReadDir(filepath.Join(b.host.Root, gluster.DefaultWorkdir))
	if err != nil || len(left) != 1 || left[0].Name() != desired.InfoVolfile("other") {
		t.Errorf("%v, %v", left, err)
	}
	if p, err = b.host.unready(); err != nil || len(p.Changes) > 0 {
		t.Errorf("again: %+v, %v", p.Changes, err)
	}
}
