package labtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// TestTwoClients goes through what happens to the mounts of two clients of a replicated volume.
func TestTwoClients(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 3, Clients: 2})
	l.Pool()
	server := l.Node(0)
	server.Gluster("volume", "create", "server", "replica", "3", "n1:/bricks/server", "n2:/bricks/server", "n3:/bricks/server")
	server.Gluster("volume", "set", "server", "network.ping-timeout", pingTimeout)
	server.Gluster("volume", "start", "server")
	one, two := l.Node(3), l.Node(4)
	for _, c := range []*lab.Node{one, two} {
		c.Run("mkdir", "/client")
		mountVolume(t, c, "n1:/server", "/client")
	}
	mount := one.Path("/client")
	leftOfOne := func() []string {
		names := hidden(t, two.Path("/client"))
		if len(owned(names, two.Name)) == 0 {
			t.Errorf("nothing is left of %s either: %q", two.Name, names)
		}
		return owned(names, one.Name)
	}
	a, b := start(t, one, patient, "/client"), start(t, two, patient, "/client")

	ok := t.Run("both probe, and each sees the other's echo", func(t *testing.T) { probing(t, a, b) }) &&
		t.Run("a lost brick shows", func(t *testing.T) { lostBrick(t, server, a) })
	if !ok {
		return
	}
	a.t = t
	a.stop()
	a = start(t, one, hasty, "/client")
	ok = t.Run("a client that is stopped is stuck until it goes on", func(t *testing.T) { stopped(t, a) }) &&
		t.Run("a client that is cut off keeps one child that cannot die", func(t *testing.T) { cutOff(t, a) })
	if !ok {
		return
	}
	a.t = t
	a.stop()
	a = start(t, one, patient, "/client")
	if !t.Run("nothing is written where nothing is mounted", func(t *testing.T) { unmounted(t, a) }) {
		return
	}

	t.Run("a client process that is gone", func(t *testing.T) {
		a.t = t
		one.Run("bash", "-c", "kill -KILL "+fuseClient(t, one, "/client"))
		a.until("not_connected", func() bool { return a.errors("not_connected") > 0 && !a.success() })
		one.Run("umount", "-l", "/client")
		mountVolume(t, one, "n1:/server", "/client")
		a.until("success", a.success)
	})
	t.Run("a killed exporter leaves nothing", func(t *testing.T) {
		a.t = t
		leavesNothing(a, func(a *exporter) time.Duration {
			lab.Catch(t, "a probe to be under way", func() bool {
				return slices.ContainsFunc(hidden(t, mount), func(n string) bool { return strings.HasPrefix(n, "n4@") && strings.Contains(n, "probe-") })
			})
			probes, pid, began := a.probes(), a.pid(), time.Now()
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			a.until("the child is gone", func() bool { return len(probes) == 1 && !alive(probes[0]) })
			return time.Since(began)
		}, leftOfOne)
	})
	t.Run("a child does not outlive an exporter that is killed while the mount hangs", func(t *testing.T) {
		a := start(t, one, hasty, "/client")
		a.until("success", a.success)
		probes := a.probes()
		client := fuseClient(t, one, "/client")
		one.Run("bash", "-c", "kill -STOP "+client)
		a.until("stuck", func() bool { return a.value("gluster_probe_stuck_seconds") > 0 })
		probes = append(probes, a.probes()...)
		if err := syscall.Kill(a.pid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-a.ended
		one.Run("bash", "-c", "kill -CONT "+client)
		a.until("the children are gone", func() bool { return !slices.ContainsFunc(probes, alive) })
	})
	t.Run("a killed child's files go with the next start, others' stay, and the directory goes at last", func(t *testing.T) {
		b.t = t
		dir := two.Path("/client/.gluster_exporter")
		for _, name := range []string{"n4@01234567.probe-4096", "n4@01234567.beacon", "n41@01234567.probe-4096"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("left"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		a := start(t, one, patient, "/client")
		a.until("success", a.success)
		a.until("the leftover is gone", func() bool { // the other client's kernel believes in it for another second
			_, err := os.Stat(filepath.Join(dir, "n4@01234567.probe-4096"))
			return os.IsNotExist(err)
		})
		if err := os.Remove(filepath.Join(dir, "n41@01234567.probe-4096")); err != nil {
			t.Errorf("another node's file: %v", err)
		}
		leavesNothing(a, (*exporter).stop, leftOfOne)
		leavesNothing(b, (*exporter).stop, func() (directories []string) {
			for _, brick := range l.Nodes()[:3] {
				if _, err := os.Stat(brick.Path("/bricks/server/.gluster_exporter")); !os.IsNotExist(err) {
					directories = append(directories, fmt.Sprintf("on %s: %v", brick.Name, err))
				}
			}
			return directories
		})
	})
}

func probing(t *testing.T, a, b *exporter) {
	for _, e := range []*exporter{a, b} {
		e.t = t
		e.until("success", e.success)
		e.until("all bricks", func() bool {
			return e.value("gluster_mount_bricks_connected") == 3 && e.value("gluster_mount_bricks") == 3
		})
		for _, class := range []string{"stuck", "mismatch", "io", "permission", "other", "not_mounted"} {
			if n := e.errors(class); n != 0 {
				t.Errorf("%s: %v errors of class %s", e.node.Name, n, class)
			}
		}
	}
	for e, peer := range map[*exporter]string{a: "n5", b: "n4"} {
		e.echoes(peer)
		for _, operation := range []string{"create", "write", "fsync", "close", "read", "stat", "rename", "remove"} {
			h := e.find("gluster_probe_operation_duration_seconds", "volume=server", "mountpoint=/client", "size=1000000", "operation="+operation).GetHistogram()
			t.Logf("%s: %s: %d, mean %.5f s", e.node.Name, operation, h.GetSampleCount(), h.GetSampleSum()/float64(h.GetSampleCount()))
			if h.GetSampleCount() == 0 {
				t.Errorf("%s: no %s", e.node.Name, operation)
			}
		}
	}
}

func lostBrick(t *testing.T, server *lab.Node, e *exporter) {
	e.t = t
	server.KillBrick("/bricks/server")
	e.until("two of three", func() bool {
		return e.value("gluster_mount_bricks_connected") == 2 && e.value("gluster_mount_bricks") == 3
	})
	e.until("success with two of three", e.success)
	server.Gluster("volume", "start", "server", "force")
	e.until("all three", func() bool { return e.value("gluster_mount_bricks_connected") == 3 })
}

// watch looks at a stuck mount for a while: the stuck time rises, and there is never more than one child.
func watch(t *testing.T, e *exporter, during time.Duration) {
	t.Helper()
	last := 0.0
	for began := time.Now(); time.Since(began) < during; time.Sleep(50 * time.Millisecond) {
		if n := len(e.probes()); n > 1 {
			t.Errorf("%d children", n)
		}
		now := e.value("gluster_probe_stuck_seconds")
		if now <= last {
			t.Errorf("stuck for %.3f s after %.3f s", now, last)
		}
		last = now
		if e.success() {
			t.Error("success of a stuck mount")
		}
		if e.find("gluster_mount_bricks") != nil {
			t.Error("bricks of a client that does not answer")
		}
	}
	// Once more: the loop may have looked last long before its end.
	if last = e.value("gluster_probe_stuck_seconds"); last < during.Seconds() {
		t.Errorf("stuck for %.3f s after %s", last, during)
	}
}

func stopped(t *testing.T, e *exporter) {
	e.t = t
	e.until("success", e.success)
	client := fuseClient(t, e.node, "/client")
	descriptors := e.descriptors()
	e.node.Run("bash", "-c", "kill -STOP "+client)
	took := e.until("stuck", func() bool { return e.value("gluster_probe_stuck_seconds") > 0 })
	t.Logf("a stopped client was found after %s, with an interval of %s and a timeout of %s", took, interval, hasty)
	e.until("the configured timeout counted", func() bool {
		return strings.Contains(e.said.String(), "does not answer for "+hasty.String())
	})
	watch(t, e, 6*time.Second)
	e.until("at least two errors of class stuck", func() bool { return e.errors("stuck") >= 2 })
	e.node.Run("bash", "-c", "kill -CONT "+client)
	t.Logf("it worked again after %s", e.until("recovery", func() bool {
		s := e.scrape()
		return s.value("gluster_probe_success") == 1 && s.value("gluster_probe_stuck_seconds") == 0
	}))
	e.until("no descriptor is lost", func() bool { return e.descriptors() <= descriptors+1 })
}

func cutOff(t *testing.T, e *exporter) {
	e.t = t
	e.node.Run("ip", "link", "set", "eth0", "down")
	took := e.until("stuck", func() bool { return e.value("gluster_probe_stuck_seconds") > 0 })
	t.Logf("a cut off client was found after %s", took)
	// A child that a busy machine had not started in time is gone by then, and the next one hangs.
	e.until("a child that hangs", func() bool { return e.value("gluster_probe_stuck_seconds") > 5*hasty.Seconds() })
	before := e.probes()
	watch(t, e, 2*time.Second)
	if after := e.probes(); len(before) != 1 || !slices.Equal(before, after) {
		t.Errorf("children %v, and 2 s later %v", before, after)
	}
	e.node.Run("ip", "link", "set", "eth0", "up")
	t.Logf("it worked again after %s", e.until("recovery", e.success))
	e.until("all bricks", func() bool { return e.value("gluster_mount_bricks_connected") == 3 })
}

func unmounted(t *testing.T, e *exporter) {
	e.t = t
	e.until("success", e.success)
	patiently(e.node, "umount /client") // it is busy for the moments of a probe
	e.until("not_mounted", func() bool { return e.errors("not_mounted") >= 3 && !e.success() })
	if e.find("gluster_mount_bricks") != nil {
		t.Error("bricks of nothing")
	}
	if n := len(e.probes()); n != 0 {
		t.Errorf("%d children for nothing", n)
	}
	if entries, err := os.ReadDir(e.node.Path("/client")); err != nil || len(entries) != 0 {
		t.Errorf("in the bare directory: %v, %v", entries, err)
	}
	mountVolume(t, e.node, "n1:/server", "/client")
	e.until("success", e.success)
}
