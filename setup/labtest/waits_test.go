package labtest_test

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// cacheFile is clusterFile with bricks on tmpfs.
func cacheFile(servers, clients, replica int, more ...string) string {
	return strings.Replace(clusterFile(servers, clients, replica, more...), "directory: /bricks/server", "tmpfs: {mount: /cache_server, size: 64m}", 1)
}

func TestAllNodesAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Clients: 1, Names: names(4)}, cacheFile(3, 1, 3, "arbiter: 1", "profile: cache"))
	s.converge()
	for _, n := range s.Nodes()[:3] {
		for _, other := range s.Nodes()[:3] {
			if other != n && !strings.Contains(n.Gluster("pool", "list"), other.Name) {
				t.Errorf("%s does not know %s by its name:\n%s", n.Name, other.Name, n.Gluster("pool", "list"))
			}
		}
		if out := n.Run("stat", "-f", "-c", "%T", "/cache_server/brick"); out != "tmpfs\n" {
			t.Errorf("%s: the brick is on %s", n.Name, out)
		}
	}
	s.well(s.Node(3))
	noticesThatNobodyHeals(t, s)
}

// noticesThatNobodyHeals ends the self-heal daemon of one server.
func noticesThatNobodyHeals(t *testing.T, s *site) {
	t.Helper()
	server := s.Node(0)
	var processes []gluster.SelfHealProcess
	// Two for a moment: the daemon is born as the child of the program that glusterd starts.
	s.waitFor("one self-heal daemon", func() bool {
		var err error
		if processes, err = gluster.SelfHealProcesses(server.Path("/proc")); err != nil {
			t.Fatal(err)
		}
		return len(processes) == 1
	})
	server.Run("kill", "-KILL", strconv.Itoa(processes[0].PID))
	s.expect(server, 1, []string{"no self-heal daemon of this node serves volume server"}, "status")
}

func TestOneNodeAfterTheOtherWithTheHostPartFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Clients: 1, Names: names(4)}, cacheFile(3, 1, 3))
	for _, n := range s.Nodes() {
		s.expect(n, 0, nil, "apply", "--parts", "host")
	}
	for _, n := range s.Nodes() {
		s.expect(n, 0, nil, "apply", "--timeout", "10m")
	}
	s.settled()
}

func TestNoServerIsProbedBeforeItHasTheNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, cacheFile(2, 0, 2))
	leader, other := s.Node(0), s.Node(1)
	s.expect(leader, 4, []string{"waiting for apply on n2.example.com to prepare /cache_server/brick"}, "apply", "--timeout", s.deadline(leader, 20*time.Second))
	if out := other.Gluster("pool", "list"); strings.Contains(out, "10.77.0.11") || strings.Contains(out, "n1") {
		t.Errorf("it was probed:\n%s", out)
	}
	for i, o := range s.everywhere(s.Nodes(), "apply", "--timeout", "10m") {
		o.check(t, s.Node(i).Name, 0)
		if i == 1 && strings.Contains(o.out, "✓ probe peer") {
			t.Errorf("it knew the leader by its address only:\n%s", o.out)
		}
	}
	s.settled()
}

func TestIPv6Only(t *testing.T) {
	t.Parallel()
	file := strings.NewReplacer("10.77.0.11", "fd77::11", "10.77.0.12", "fd77::12", "10.77.0.13", "fd77::13").Replace(cacheFile(2, 1, 2))
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3), IPv6: true}, file)
	s.converge()
	if doc, code := s.check(s.Node(1)); code != 0 || !doc.Equal || len(doc.Sets[0].Bricks) != 2 {
		t.Errorf("check: exit code %d, %+v", code, doc)
	}
}

func TestAPeerThatNeverAnswersIsNamedAtTheDeadline(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 1, Clients: 1, Names: names(2)}, clusterFile(2, 0, 2))
	const silent = "waiting for glusterd on n2.example.com (10.77.0.12 port 24007) to answer"
	s.expect(s.Node(0), 4, []string{"… " + silent, "pool part: gave up after a while " + silent, "made, not all. Run apply again"}, "apply", "--timeout", s.deadline(s.Node(0), 20*time.Second))
	s.expect(s.Node(0), 1, []string{silent, "Nothing was changed."}, "apply", "--timeout", s.deadline(s.Node(0), 15*time.Second))

	// It is not even there: that takes longer to find out than "refused".
	s.write(strings.Replace(clusterFile(2, 0, 2), "10.77.0.12", "10.77.0.99", 1))
	s.expect(s.Node(0), 4, []string{"waiting for glusterd on n2.example.com (10.77.0.99 port 24007) to answer"}, "apply", "--timeout", s.deadline(s.Node(0), 30*time.Second))
}

func TestABrickMountThatIsMissingOnAnotherNodeIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Names: names(3)}, cacheFile(3, 0, 3))
	for _, n := range s.Nodes() {
		s.expect(n, 0, nil, "apply", "--parts", "host")
	}
	late := s.Node(2)
	late.Run("umount", "/cache_server")
	s.expect(s.Node(0), 4, []string{
		// The time may also end while it tries.
		"… waiting for the brick file systems on all nodes to be mounted",
		"volume create server: Staging failed on n3.example.com.", "is being created in the root partition",
	}, "apply", "--timeout", s.deadline(s.Node(0), 40*time.Second))
	if out := late.Run("ls", "-A", "/cache_server"); out != "" {
		t.Errorf("on the root disk of %s there is %s", late.Name, out)
	}
	// Not even the directory to mount it on.
	late.Run("rmdir", "/cache_server")
	s.expect(s.Node(0), 1, []string{"waiting for the brick file systems on all nodes to be mounted", "Nothing was changed."}, "apply", "--timeout", s.deadline(s.Node(0), 20*time.Second))
	s.expect(s.Node(1), 2, []string{"free brick n2.example.com:/cache_server/brick"}, "plan")
	s.converge()
}

func TestTwoRunsOnOneNodeTakeTurns(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	first := s.Node(0)
	// The first waits for the other node, so the second waits for the first.
	slow := s.start(first, "apply")
	s.waitFor("the lock", func() bool { return first.Run("bash", "-c", "cat /run/*/apply.lock 2>/dev/null || true") != "" })
	s.expect(first, 1, []string{"another run of gluster-setup apply (process ", "still holds this node's lock"}, "apply", "--timeout", "500ms")
	s.expect(first, 2, nil, "plan") // looks without waiting
	second := s.start(first, "apply")
	second.says("waiting for another run of gluster-setup apply (process ")
	for i, o := range s.everywhere(s.Nodes()[1:], "apply") {
		o.check(t, s.Node(i+1).Name+" apply", 0)
	}
	slow.wait().check(t, "the first run", 0, "Done: ")
	second.wait().check(t, "the second run", 0, "Nothing to do")
	s.settled()
}

func TestAnotherProgramThatHoldsTheVolumesLock(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Names: names(3)}, clusterFile(3, 0, 3))
	s.converge()

	t.Run("for a while is waited for", func(t *testing.T) {
		s.write(clusterFile(3, 0, 3, "options: {network.ping-timeout: 11}"))
		// A frozen brick keeps a command that asks it, and with it the lock.
		bricks, err := gluster.BrickProcesses(s.Node(2).Path("/proc"))
		if err != nil || len(bricks) != 1 {
			t.Fatalf("%v, %v", bricks, err)
		}
		pid := strconv.Itoa(bricks[0].PID)
		freeze(t, s.Node(2), pid)
		// Again until it gets the lock: the look for the lock below takes it, too.
		holder := s.Node(1).Command(t.Context(), "bash", "-c", "until gluster --mode=script volume status server mem; do sleep 0.3; done")
		if err := holder.Start(); err != nil {
			t.Fatal(err)
		}
		s.waitFor("the lock", func() bool {
			cmd := s.Node(0).Command(t.Context(), "gluster", "--mode=script", "volume", "status", "server")
			out, err := cmd.CombinedOutput()
			return err != nil && strings.Contains(string(out), "Another transaction is in progress")
		})
		s.expect(s.Node(0), 4, []string{"waiting for another program's change in the pool to end (volume set server: Another transaction is in progress for server"}, "apply", "--timeout", s.deadline(s.Node(0), 20*time.Second))
		waiter := s.start(s.Node(0), "apply")
		waiter.says("waiting for another program's change in the pool to end")
		signal(s.Node(2), syscall.SIGCONT, pid)
		waiter.wait().check(t, "the apply that waited", 0, "set options of volume server")
		if err := holder.Wait(); err != nil {
			t.Logf("the other program: %v", err) // how it fares is its own business
		}
		s.converge() // the other nodes' copies of the file
	})

	t.Run("again and again is outlasted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var monitors []*exec.Cmd
		for _, n := range s.Nodes() {
			cmd := n.Command(ctx, "bash", "-c", "while :; do gluster --mode=script volume status server; gluster --mode=script volume profile server info; done >/dev/null 2>&1")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			monitors = append(monitors, cmd)
		}
		for _, value := range []string{"12", "13", "14"} {
			s.write(clusterFile(3, 0, 3, "options: {network.ping-timeout: "+value+"}"))
			for i, o := range s.everywhere(s.Nodes(), "apply", "--timeout", "10m") {
				o.check(t, s.Node(i).Name+" apply", 0)
			}
		}
		cancel()
		for _, m := range monitors {
			if err := m.Wait(); err == nil {
				t.Error("a monitor ended by itself")
			}
		}
		s.settled()
	})
}
