// Package mountns gives tests a mount namespace of their own: what they mount
// ends with them, also when they are killed, and the machine never sees it.
package mountns

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Main runs the tests of a package in a new mount namespace; TestMain calls it
// and exits with what it returns.
func Main(m *testing.M) int {
	const private = "BRICKYARD_PRIVATE_MOUNTS"
	if os.Getenv(private) != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			fmt.Fprintln(os.Stderr, "make mounts private:", err)
			return 1
		}
		return m.Run()
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "these tests mount file systems and need root")
		return 1
	}
	runtime.LockOSThread()                                // the signal at the parent's death follows its thread
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...) //nolint:gosec // this program, with its own arguments
	cmd.Env = append(os.Environ(), private+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "in a mount namespace:", err)
		return max(1, cmd.ProcessState.ExitCode())
	}
	return 0
}

// Mount mounts a file system until the end of the test. A target that does not
// exist is made, as a directory.
func Mount(t testing.TB, source, target, fstype string, flags uintptr, data string) {
	t.Helper()
	if _, err := os.Lstat(target); err != nil {
		if err := os.MkdirAll(target, 0o755); err != nil { //nolint:gosec // as mount points are
			t.Fatal(err)
		}
	}
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		t.Fatalf("mount %s: %v", target, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(target, unix.MNT_DETACH) }) //nolint:errcheck // the test may have unmounted it
}

// Loop attaches an image file to a loop device that detaches itself at the end
// of the test or of its process.
func Loop(t testing.TB, image string) string {
	t.Helper()
	out, err := exec.Command("losetup", "--find", "--show", image).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup (package mount): %v: %s", err, out)
	}
	loop := strings.TrimSpace(string(out))
	f, err := os.Open(loop) //nolint:gosec // what losetup says
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })                 //nolint:errcheck // nothing was written
	info, err := unix.IoctlLoopGetStatus64(int(f.Fd())) //nolint:gosec // a descriptor fits
	if err != nil {
		t.Fatal(err)
	}
	info.Flags |= unix.LO_FLAGS_AUTOCLEAR
	if err := unix.IoctlLoopSetStatus64(int(f.Fd()), info); err != nil { //nolint:gosec // as above
		t.Fatal(err)
	}
	return loop
}
