package probe

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlyAMountedVolumeIsProbed(t *testing.T) {
	table := filepath.Join(t.TempDir(), "mountinfo")
	const text = "609 740 0:153 / /client rw,relatime - fuse.glusterfs n1:/web rw,user_id=0\n30 1 0:30 / /other rw - tmpfs tmpfs rw\n"
	if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := findMount(table, "/client"); err != nil || got.Volume != "web" || got.Device != unix.Mkdev(0, 153) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := findMount(table, "/other"); !errors.Is(err, errNotMounted) {
		t.Errorf("another file system: %v", err)
	}
	if _, err := findMount(table+".missing", "/client"); err == nil || errors.Is(err, errNotMounted) {
		t.Errorf("no mount table: %v", err)
	}
}
