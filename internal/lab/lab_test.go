package lab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

func TestAVolumeServesAClientThroughFUSE(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Clients: 1})
	l.Pool()
	volume := gluster.VolumeSpec{Name: "server", Replica: 3}
	for _, n := range l.Nodes()[:3] {
		volume.Bricks = append(volume.Bricks, gluster.Brick{Host: n.Name, Path: "/bricks/server"})
	}
	for _, c := range []gluster.Command{gluster.VolumeCreate(volume), gluster.VolumeStart("server")} {
		if err := l.Node(0).CLI().Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	client := l.Node(3)
	client.Run("mkdir", "/client")
	lab.WaitFor(t, "the mount", func() bool { // a volume that has just been started may not have its bricks yet
		return client.Command(t.Context(), "mount", "-t", "glusterfs", "n2:/server", "/client").Run() == nil
	})
	lab.WaitFor(t, "the file to be written", func() bool { return os.WriteFile(client.Path("/client/greeting"), []byte("hello"), 0o600) == nil })
	for _, n := range l.Nodes()[:3] {
		lab.WaitFor(t, "the file on "+n.Name, func() bool {
			b, err := os.ReadFile(n.Path("/bricks/server/greeting"))
			return err == nil && string(b) == "hello"
		})
	}

	l.Node(0).KillBrick("/bricks/server")
	l.Node(0).StopGlusterd()
	if _, err := l.Node(0).Client().UUID(t.Context()); !errors.Is(err, gluster.ErrNotRunning) {
		t.Errorf("stopped glusterd: %v", err)
	}
	if b, err := os.ReadFile(client.Path("/client/greeting")); err != nil || string(b) != "hello" {
		t.Errorf("with two of three bricks: %q, %v", b, err)
	}
	l.Node(0).StartGlusterd()
}

func TestANodeChangesNothingOfTheMachine(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 2, Stopped: true, Names: []string{"cache1.example.com"}})
	want := map[string][]byte{}
	files := []string{"/etc/hosts", "/etc/fstab", "/etc/hostname"}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		want[f] = b
	}
	n := l.Node(0)
	n.Run("bash", "-c", `set -e
		for f in /etc/hosts /etc/fstab; do echo "# changed" >>$f; done
		mkdir -p /lab_brick /run/lab /var/lib/lab /usr/lib/lab
		mount -t tmpfs tmpfs /lab_brick
		hostname other`)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if !bytes.Equal(b, want[f]) {
			t.Errorf("%s was changed on the machine", f)
		}
	}
	for _, d := range []string{"/lab_brick", "/run/lab", "/var/lib/lab", "/usr/lib/lab"} {
		for _, path := range []string{d, l.Node(1).Path(d)} {
			if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if got := l.Node(1).Run("cat", "/proc/sys/kernel/hostname", "/etc/hosts"); strings.Contains(got, "changed") ||
		!strings.HasPrefix(got, "n2\n") || !strings.Contains(got, "10.77.0.11\tcache1.example.com\n") {
		t.Errorf("the other node sees %q", got)
	}
	l.Node(1).Run("bash", "-c", "exec 3<>/dev/tcp/10.77.0.11/1 || true") // reachable: refused, not lost
}

func TestTheModuleIsAtItsPlaceInANode(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 1, Stopped: true})
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Node(0).Run("ls", wd); !strings.Contains(got, "lab_test.go") {
		t.Errorf("%s: %s", wd, got)
	}
}

func TestIPv6Only(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 2, IPv6: true})
	l.Pool()
	if out := l.Node(1).Gluster("peer", "status"); !strings.Contains(out, "n1") {
		t.Error(out)
	}
}

func TestLabsDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	for i := range 2 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			l := lab.Start(t, lab.Options{Nodes: 2})
			l.Pool()
			peers, err := l.Node(0).Client().Peers(t.Context())
			if err != nil || len(peers) != 2 {
				t.Errorf("%v, %v", peers, err)
			}
		})
	}
}

func TestSignalsAndDeadlinesReachTheProgramInTheNode(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 1, Stopped: true})
	n := l.Node(0)

	cmd := n.Command(t.Context(), "bash", "-c", `trap 'echo polite; exit 3' TERM; touch /run/up; while :; do sleep 0.01; done`)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lab.WaitFor(t, "the program to start", func() bool { return exists(n.Path("/run/up")) })
	if err := n.Signal(cmd, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 3 || out.String() != "polite\n" {
		t.Errorf("%v, %q", err, out.String())
	}

	ctx, cancel := context.WithCancel(t.Context())
	cmd = n.Command(ctx, "bash", "-c", `echo $$ >/run/pid; exec sleep 1000`)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lab.WaitFor(t, "the program to start", func() bool { return exists(n.Path("/run/pid")) })
	cancel()
	if err := cmd.Wait(); err == nil {
		t.Error("ended without an error")
	}
	lab.WaitFor(t, "the program to end", func() bool {
		return n.Run("bash", "-c", `kill -0 $(cat /run/pid) 2>/dev/null && echo alive || true`) == ""
	})
}

// holdForTheKiller is set in the environment of the test process that
// TestNothingIsLeftOfAKilledTest ends.
const holdForTheKiller = "LAB_TEST_HOLD"

func TestNothingIsLeftOfAKilledTest(t *testing.T) {
	t.Parallel()
	if path := os.Getenv(holdForTheKiller); path != "" {
		l := lab.Start(t, lab.Options{Nodes: 1})
		l.Node(0).Run("bash", "-c", "sleep 1000 >/dev/null 2>&1 & disown")
		if err := os.WriteFile(path+".part", []byte(l.Node(0).Dir()+"\n"+t.TempDir()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".part", path); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	for _, end := range []os.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(end.String(), func(t *testing.T) { leavesNothing(t, end) })
	}
}

// leavesNothing has the test run in another process, ends that by a signal, and waits until nothing is left of it.
func leavesNothing(t *testing.T, end os.Signal) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ready")
	victim := exec.Command(os.Args[0], "-test.run=^TestNothingIsLeftOfAKilledTest$") //nolint:gosec // this test itself
	victim.Env = append(os.Environ(), holdForTheKiller+"="+path)
	victim.Stderr = os.Stderr
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	var dir, temporary string
	lab.WaitFor(t, "the lab of the test that is to be ended", func() bool {
		b, err := os.ReadFile(path)
		dir, temporary, _ = strings.Cut(string(b), "\n")
		return err == nil
	})
	netns, err := os.Readlink(filepath.Join(filepath.Dir(dir), "ns/net"))
	if err != nil {
		t.Fatal(err)
	}
	if n := processesIn(t, netns); n < 3 {
		t.Errorf("%d processes in the node before", n)
	}
	if _, err := os.Stat(temporary); err != nil {
		t.Error(err)
	}
	if err := victim.Process.Signal(end); err != nil {
		t.Fatal(err)
	}
	if err := victim.Wait(); err == nil {
		t.Error("it ended well")
	}
	lab.WaitFor(t, "all processes of the node to end", func() bool { return processesIn(t, netns) == 0 })
	lab.WaitFor(t, "its temporary files to go", func() bool {
		_, err := os.Stat(filepath.Dir(filepath.Dir(temporary)))
		return errors.Is(err, fs.ErrNotExist)
	})
}

// processesIn counts the processes in a network namespace, given as /proc/PID/ns/net names it.
func processesIn(t *testing.T, netns string) int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, link := range links {
		if ns, err := os.Readlink(link); err == nil && ns == netns {
			n++
		}
	}
	return n
}

func exists(path string) bool {
	b, err := os.ReadFile(path)
	return err == nil && (len(b) > 0 || !strings.HasSuffix(path, "pid"))
}
