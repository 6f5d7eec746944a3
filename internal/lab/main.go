package lab

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
)

// atOnce is how many tests of a package run at once for each processor, unless -parallel says it: they mostly wait, for GlusterFS and for deadlines.
const atOnce = 3

// Main runs the tests of a package that starts labs; TestMain exits with what it returns. All temporary files of the tests, also those of
// t.TempDir, are in one directory, which goes when the test process has ended, however it ended. prepare, which may be nil, puts into
// that directory what all tests need.
func Main(m *testing.M, prepare func(dir string) error) int {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(atOnce*runtime.GOMAXPROCS(0))) //nolint:errcheck // a number
	}
	dir, remove, err := temporary()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		return 1
	}
	defer remove()
	if prepare != nil {
		if err := prepare(dir); err != nil {
			fmt.Fprintln(os.Stderr, "lab:", err)
			return 1
		}
	}
	return m.Run()
}

// keeperScript removes a directory at the end of its standard input. Programs of nodes that are just being killed may still write into it.
const keeperScript = `trap '' INT TERM HUP
while read -r _; do :; done
for _ in {1..100}; do
	rm -rf "$0" && break
	sleep 0.1
done`

// temporary makes the directory for temporary files, and starts who removes it when this process has ended.
func temporary() (dir string, remove func(), err error) {
	if dir, err = os.MkdirTemp("", "lab"); err != nil {
		return "", nil, err
	}
	keeper := exec.Command("bash", "-c", keeperScript, dir) //nolint:gosec // our own
	// Not in this process's group, which a terminal interrupts as a whole.
	keeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := keeper.StdinPipe()
	if err == nil {
		err = keeper.Start()
	}
	if err != nil {
		return "", nil, errors.Join(err, os.Remove(dir))
	}
	remove = func() {
		_ = stdin.Close() //nolint:errcheck // nothing was written
		_ = keeper.Wait() //nolint:errcheck // it does what it can
	}
	// Programs that tests run as other users must get at it.
	// What programs print does not depend on who runs the tests.
	if err := errors.Join(os.Chmod(dir, 0o755), os.Setenv("TMPDIR", dir), os.Setenv("LC_ALL", "C.UTF-8")); err != nil { //nolint:gosec // as above
		remove()
		return "", nil, err
	}
	return dir, remove, nil
}
