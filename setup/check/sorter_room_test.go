package check

import (
	"testing"

	"brickyard/internal/mountns"
)

func TestNamesAreSortedWhereThereIsRoom(t *testing.T) {
	full, ro, empty := t.TempDir(), t.TempDir(), t.TempDir()
	mountns.Mount(t, "tmpfs", full, "tmpfs", 0, "size=64k")
	mountns.Mount(t, "tmpfs", ro, "tmpfs", 1, "size=1g")
	mountns.Mount(t, "tmpfs", empty, "tmpfs", 0, "size=1g")
	for _, tc := range []struct {
		dirs []string
		want string
	}{
		{[]string{empty, full}, empty}, {[]string{full, empty}, empty}, {[]string{ro, empty}, empty}, {[]string{"/nowhere", empty}, empty}, {[]string{full, ro}, full},
	} {
		if got := spillDir(tc.dirs...); got != tc.want {
			t.Errorf("of %q: %s, want %s", tc.dirs, got, tc.want)
		}
	}
}
