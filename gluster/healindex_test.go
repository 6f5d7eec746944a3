package gluster_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"brickyard/gluster"
)

// TestHealIndexCountsLinks lays an index out as a brick does.
func TestHealIndexCountsLinks(t *testing.T) {
	t.Parallel()
	brick := t.TempDir()
	x := gluster.NewHealIndex(brick)
	if got, err := x.Read(1); err != nil || got != (gluster.HealBacklog{}) {
		t.Errorf("of a new brick: %+v, %v", got, err)
	}
	add := func(kind, base string, entries int) {
		t.Helper()
		dir := filepath.Join(brick, ".glusterfs/indices", kind)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, kind+"-"+base)
		if err := os.WriteFile(file, nil, 0); err != nil {
			t.Fatal(err)
		}
		for i := range entries {
			if err := os.Link(file, filepath.Join(dir, fmt.Sprintf("%s-%d", base, i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	add("xattrop", "aaaa", 1500)
	add("dirty", "aaaa", 2)
	add("entry-changes", "aaaa", 0)
	want := gluster.HealBacklog{Pending: 1500, Dirty: 2}
	if got, err := x.Read(2); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	// The brick's process was restarted and has a base file of its own; what the former noted down stays.
	add("xattrop", "bbbb", 7)
	want.Pending += 7
	if got, err := x.Read(3); err != nil || got != want {
		t.Errorf("after a restart: %+v, %v, want %+v", got, err, want)
	}
	if err := os.Remove(filepath.Join(brick, ".glusterfs/indices/xattrop/aaaa-0")); err != nil {
		t.Fatal(err)
	}
	want.Pending--
	if got, err := x.Read(3); err != nil || got != want {
		t.Errorf("one healed: %+v, %v, want %+v", got, err, want)
	}
}
