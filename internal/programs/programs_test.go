package programs

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLookFindsWhatPathLeavesOut(t *testing.T) {
	own := t.TempDir()
	if err := os.WriteFile(filepath.Join(own, "own"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	system := Find("/", "losetup") // in /usr/sbin or /sbin
	if system == "" {
		t.Fatal("losetup is missing: install the package mount")
	}
	for _, tc := range []struct{ name, path, program, want string }{
		{"cron's", "/usr/bin:/bin", "losetup", system},
		{"an empty one", "", "losetup", system},
		{"the working directory", ".", "losetup", system},
		{"one with the program", own, "own", "own"},
		{"one without it, of a program that nobody has", own, "no-such-program", ""},
		{"any, of a path", own, "/no/such/program", "/no/such/program"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("PATH", tc.path)
			if got := Look(tc.program); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestPathHasTheSystemsDirectoriesBehindItsOwn(t *testing.T) {
	t.Setenv("PATH", "/opt/bin:/usr/bin")
	if got, want := Path(), "/opt/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/bin"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
