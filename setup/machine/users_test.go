package machine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"brickyard/internal/lab"
)

func TestUsersOfAMount(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "with space")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) //nolint:errcheck // the namespace goes with the test
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	beside := dir + "2" // which begins with the same letters
	if err := os.MkdirAll(beside, 0o755); err != nil {
		t.Fatal(err)
	}
	users := func() []User {
		t.Helper()
		m, err := MountAt(dir)
		if err != nil || m == nil {
			t.Fatalf("mount: %v, %v", m, err)
		}
		found, err := Users("/proc", m)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for _, tc := range []struct{ name, script, how string }{
		{"nobody", "cd '" + beside + "'; exec sleep 1000", ""},
		{"a working directory", "cd '" + dir + "/sub'; exec sleep 1000", "has its working directory there"},
		{"an open file", "exec sleep 1000 >'" + dir + "/file'", "has a file open there"},
		{"a file that was deleted", "exec 5>'" + dir + "/gone'; rm '" + dir + "/gone'; exec sleep 1000", "has a file open there"},
		{"a program", "cp $(command -v sleep) '" + dir + "/sleep'; exec '" + dir + "/sleep' 1000", "runs a program from there"},
		{"a working directory in another mount namespace", "cd '" + dir + "/sub'; exec unshare -m sleep 1000", "has its working directory there"},
		{
			"a working directory where another mount namespace has it",
			"cd /; exec unshare -m sh -c \"mount --bind '" + dir + "' '" + beside + "'; umount '" + dir + "'; cd '" + beside + "/sub'; exec sleep 1000\"", "has its working directory there",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", tc.script)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = cmd.Process.Kill() //nolint:errcheck // it may have ended
				_ = cmd.Wait()         //nolint:errcheck // it was killed
			}()
			lab.WaitFor(t, "the process to be there", func() bool {
				comm, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "comm"))
				return err == nil && strings.TrimSpace(string(comm)) == "sleep"
			})
			found := users()
			switch {
			case tc.how == "" && len(found) > 0:
				t.Errorf("%v", found)
			case tc.how != "" && (len(found) != 1 || found[0].PID != cmd.Process.Pid || found[0].Command != "sleep" || found[0].How != tc.how):
				t.Errorf("%v", found)
			}
		})
	}
}
