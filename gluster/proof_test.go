package gluster_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// nobody is a user without rights; Debian's and everybody's.
const nobody = 65534

// asNobody has a process of this test run as nobody.
func asNobody(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// spawn starts a program under other arguments and ends it with the test. It returns when the program runs.
func spawn(t *testing.T, cmd *exec.Cmd, args ...string) int {
	t.Helper()
	cmd.Args = args
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) //nolint:errcheck // it ends by the signal
	return cmd.Process.Pid
}

func TestAProcessIsGlusterFSsByWhoseItIsAndWhatItRuns(t *testing.T) {
	t.Parallel()
	brick := []string{"/usr/sbin/glusterfsd", "-S", "/run/x", "--brick-name", "/server/brick"}
	for name, c := range map[string]struct {
		change func(dir string) error
		want   bool
	}{
		"as glusterd starts it":                {func(string) error { return nil }, true},
		"of another user":                      {func(dir string) error { return os.Chown(dir, nobody, nobody) }, false},
		"it runs another program":              {func(dir string) error { return link("/usr/bin/python3.11", dir+"/exe") }, false},
		"a copy that somebody made":            {func(dir string) error { return link("/tmp/glusterfsd", dir+"/exe") }, false},
		"a copy that is gone":                  {func(dir string) error { return link("/tmp/glusterfsd (deleted)", dir+"/exe") }, false},
		"a program whose name ends in another": {func(dir string) error { return link("/usr/sbin/xglusterfsd", dir+"/exe") }, false},
		"its package was upgraded":             {func(dir string) error { return link("/usr/sbin/glusterfsd (deleted)", dir+"/exe") }, true},
		"it was built from source":             {func(dir string) error { return link("/usr/local/sbin/glusterfsd", dir+"/exe") }, true},
		"in another mount namespace":           {func(dir string) error { return link("mnt:[2]", dir+"/ns/mnt") }, false},
		"beside the first process, as seen from a container": {func(dir string) error {
			first := filepath.Join(filepath.Dir(dir), "1", "ns")
			return errors.Join(link("mnt:[2]", dir+"/ns/mnt"), os.MkdirAll(first, 0o700), os.Symlink("mnt:[2]", first+"/mnt"))
		}, true},
		"it has just ended": {func(dir string) error { return os.Remove(dir + "/exe") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proc := t.TempDir()
			if err := c.change(process(t, proc, 343, brick...)); err != nil {
				t.Fatal(err)
			}
			got, err := gluster.ServingBrick(proc, "/server/brick")
			if err != nil || len(got) == 1 != c.want {
				t.Errorf("%+v, %v; want it found: %t", got, err, c.want)
			}
		})
	}
}

// The kernel's own /proc, and processes that only differ from GlusterFS's in what they cannot choose.
func TestPretendersAreNotFound(t *testing.T) {
	t.Parallel()
	mark := "/server/" + strconv.Itoa(os.Getpid()) // nobody else has such a brick
	pretend := func(cmd *exec.Cmd) int {
		if _, err := cmd.StdinPipe(); err != nil { // it waits for a line that never comes
			t.Fatal(err)
		}
		return spawn(t, cmd, "/usr/sbin/glusterfsd", "-c", "read line", "-S", "/run/x", "--brick-name", mark)
	}
	for _, pid := range []int{pretend(exec.Command("/bin/sh")), pretend(asNobody(exec.Command("/bin/sh")))} {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if err != nil || !strings.HasSuffix(string(line), "--brick-name\x00"+mark+"\x00") {
			t.Fatalf("the pretender is %q, %v", line, err)
		}
	}
	if got, err := gluster.ServingBrick("/proc", mark); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// capabilityChild has this test's program look at a /proc without the right to see what others run.
const capabilityChild = "GLUSTER_TEST_WITHOUT_PTRACE"

func TestWithoutTheRightToLookNothingIsTakenForOffline(t *testing.T) {
	if os.Getenv(capabilityChild) != "" {
		_, err := gluster.ServingBrick("/proc", "/nowhere")
		if err == nil || !strings.Contains(err.Error(), "give this program that capability") || !strings.Contains(err.Error(), "CAP_SYS_PTRACE") {
			t.Errorf("%v", err)
		}
		return
	}
	spawn(t, exec.Command("sleep"), "glusterfsd", "60")
	cmd := exec.Command("setpriv", "--bounding-set=-sys_ptrace,-net_raw", os.Args[0], "-test.run=^"+t.Name()+"$") //nolint:gosec // this program
	cmd.Env = append(os.Environ(), capabilityChild+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestNothingIsBelievedOfAnotherUsersSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "sock") // its path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) //nolint:errcheck // below /tmp
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	// The kernel notes who listens when he begins to. Only this thread becomes somebody else, and it ends with its
	// goroutine.
	foreign := filepath.Join(dir, "s")
	listening := make(chan error)
	var l net.Listener
	go func() {
		runtime.LockOSThread()
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), nobody, ^uintptr(0)); errno != 0 {
			listening <- errno
			return
		}
		var err error
		l, err = net.Listen("unix", foreign)
		listening <- err
	}()
	if err := <-listening; err != nil {
		t.Fatal(err)
	}
	said := make(chan int, 2)
	go func() {
		for range 2 {
			conn, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			n, _ := conn.Read(make([]byte, 1)) //nolint:errcheck // the other end has hung up
			said <- n
			_ = conn.Close() //nolint:errcheck // as above
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), lab.Patience)
	defer cancel()
	_, err = gluster.NewBrickClient(foreign).PendingHeals(ctx, "server", 1)
	if !errors.Is(err, gluster.ErrForeign) || !strings.Contains(err.Error(), "user 65534") || errors.Is(err, gluster.ErrNotRunning) || errors.Is(err, gluster.ErrRefused) {
		t.Errorf("%v", err)
	}
	_, err = gluster.NewClient("unix", foreign).UUID(ctx)
	if !errors.Is(err, gluster.ErrForeign) {
		t.Errorf("as glusterd: %v", err)
	}
	for range 2 {
		if n := <-said; n > 0 {
			t.Error("it was asked all the same")
		}
	}
	_ = l.Close() //nolint:errcheck // nobody asks any more
	// One of our own is asked: here it hangs up.
	own := filepath.Join(dir, "own")
	mine, err := net.Listen("unix", own)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close() //nolint:errcheck // nothing came of it
	go func() {
		for {
			conn, err := mine.Accept()
			if err != nil {
				return
			}
			_ = conn.Close() //nolint:errcheck // as above
		}
	}()
	if _, err := gluster.NewBrickClient(own).PendingHeals(ctx, "server", 1); err == nil || errors.Is(err, gluster.ErrForeign) {
		t.Errorf("a socket of our own: %v", err)
	}
}

// gsyncd mounts the volume that it copies in a mount namespace of its own.
func TestTheMountsOfGeoReplicationAreApart(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	for pid, path := range map[int]string{343: "/tmp/gsyncd-aux-mount-x1", 344: "/client"} {
		dir := process(t, proc, pid, "/usr/sbin/glusterfs", "--aux-gfid-mount", "--volfile-server=localhost", "--volfile-id=web", path)
		if err := link("mnt:[2]", dir+"/ns/mnt"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := gluster.MountProcesses(proc)
	if err != nil || len(got) != 1 || !got[0].OfGsyncd() {
		t.Errorf("%+v, %v; want that of gsyncd alone", got, err)
	}
}
