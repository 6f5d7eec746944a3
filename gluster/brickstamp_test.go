package gluster_test

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
)

func TestBrickVolumeID(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value []byte
		want  string
	}{
		"none":      {nil, ""},
		"a UUID":    {[]byte("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"), "01234567-89ab-cdef-0123-456789abcdef"},
		"too short": {[]byte("short"), "an unreadable id"},
		"too long":  {[]byte("longer than sixteen bytes"), "an unreadable id"},
	} {
		dir := t.TempDir()
		if c.value != nil {
			if err := unix.Setxattr(dir, gluster.XattrVolumeID, c.value, 0); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := gluster.BrickVolumeID(dir); got != c.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	if _, err := gluster.BrickVolumeID(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, unix.ENOENT) {
		t.Errorf("of a missing directory: %v", err)
	}
}
