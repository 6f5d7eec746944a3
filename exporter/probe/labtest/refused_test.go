package labtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// TestVolumesThatTakeNoFiles goes through a full, a limited and a read-only volume, also through a mount of a sub-directory.
func TestVolumesThatTakeNoFiles(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 1, Clients: 1})
	server, client := l.Node(0), l.Node(1)
	server.Run("bash", "-c", "mkdir /bricks/small && mount -t tmpfs -o size=16m tmpfs /bricks/small")
	server.Gluster("volume", "create", "small", "n1:/bricks/small/brick")
	server.Gluster("volume", "start", "small")
	client.Run("mkdir", "/client", "/sub")
	mountVolume(t, client, "n1:/small", "/client")
	client.Run("mkdir", "-p", "/client/team/a")
	mountVolume(t, client, "n1:/small/team/a", "/sub")
	e := start(t, client, patient, "/client", "/sub")
	mounts := map[string]string{"/client": "mountpoint=/client", "/sub": "mountpoint=/sub"}
	all := func(value func(mount string) bool) func() bool {
		return func() bool {
			for _, label := range mounts {
				if !value(label) {
					return false
				}
			}
			return true
		}
	}
	works := all(func(m string) bool { return e.value("gluster_probe_success", "volume=small", m) == 1 })
	fails := func(class string) func() bool {
		before := map[string]float64{}
		for _, m := range mounts {
			before[m] = e.value("gluster_probe_errors_total", "class="+class, m)
		}
		return all(func(m string) bool {
			return e.value("gluster_probe_success", m) == 0 && e.value("gluster_probe_errors_total", "class="+class, m) > before[m]
		})
	}
	e.until("success", works)
	e.until("one brick of one", all(func(m string) bool {
		return e.value("gluster_mount_bricks", m) == 1 && e.value("gluster_mount_bricks_connected", m) == 1
	}))

	t.Run("what is read comes from the brick", func(t *testing.T) {
		e.t = t
		server.Gluster("volume", "profile", "small", "start")
		server.Gluster("volume", "profile", "small", "info", "clear") // they count at all times
		readThrough := func(mount string) (bytes float64) {
			s := e.scrape()
			for size, label := range map[float64]string{1_000_000: "size=1000000", 4096: "size=4096"} {
				h := s.find("gluster_probe_operation_duration_seconds", "operation=read", label, mount).GetHistogram()
				bytes += size * float64(h.GetSampleCount())
			}
			return bytes
		}
		reads := func() (bytes float64) {
			for _, m := range mounts {
				bytes += readThrough(m)
			}
			return bytes
		}
		// Of a read that was under way the brick has forgotten what it read before.
		for _, m := range mounts {
			cleared := readThrough(m)
			e.until("a read that began later", func() bool { return readThrough(m) > cleared+1e6 })
		}
		before := reads()
		e.until("some megabytes", func() bool { return reads()-before > 8e6 })
		want := reads() - before
		info := server.Gluster("volume", "profile", "small", "info", "cumulative")
		server.Gluster("volume", "profile", "small", "stop")
		found := regexp.MustCompile(`Data Read: (\d+) bytes`).FindStringSubmatch(info)
		if found == nil {
			t.Fatalf("profile: %s", info)
		}
		got, err := strconv.ParseFloat(found[1], 64)
		t.Logf("the probes read %.0f bytes, the brick %.0f", want, got)
		if err != nil || got < want {
			t.Errorf("the brick read %s bytes, the probes %.0f: %v", found[1], want, err)
		}
	})
	t.Run("full", func(t *testing.T) {
		e.t = t
		// Beside the brick, on its file system: of a client of GlusterFS 11.1 that fills a volume itself one in ten hangs.
		// dd ends with an error when nothing is left.
		server.Run("bash", "-c", "dd if=/dev/zero of=/bricks/small/fill bs=64k 2>/dev/null; true")
		e.until("no_space", fails("no_space"))
		server.Run("rm", "/bricks/small/fill")
		e.until("success", works)
	})
	t.Run("features.read-only", func(t *testing.T) {
		e.t = t
		server.Gluster("volume", "set", "small", "features.read-only", "on")
		e.until("read_only", fails("read_only"))
		server.Gluster("volume", "set", "small", "features.read-only", "off")
		e.until("success", works)
	})
	t.Run("mounts read-only", func(t *testing.T) {
		e.t = t
		// A mount is busy while a probe writes.
		patiently(client, "mount -o remount,ro,bind /client")
		patiently(client, "mount -o remount,ro,bind /sub")
		e.until("read_only", fails("read_only"))
		client.Run("bash", "-c", "mount -o remount,rw,bind /client && mount -o remount,rw,bind /sub")
		e.until("success", works)
	})
	t.Run("the only brick is gone", func(t *testing.T) {
		e.t = t
		server.KillBrick("/bricks/small/brick")
		e.until("not_connected", fails("not_connected"))
		time.Sleep(3 * time.Second) // the kernel has forgotten the root's attributes, and nobody can look at the client's bricks
		e.until("no brick", all(func(m string) bool {
			return e.value("gluster_mount_bricks", m) == 1 && e.value("gluster_mount_bricks_connected", m) == 0
		}))
		server.Gluster("volume", "start", "small", "force")
		e.until("success", works)
	})

	e.t = t
	for _, class := range []string{"other", "io", "mismatch", "permission", "not_mounted"} {
		for _, m := range mounts {
			if n := e.value("gluster_probe_errors_total", "class="+class, m); n != 0 {
				t.Errorf("%s: %v errors of class %s", m, n, class)
			}
		}
	}
	if m := e.find("gluster_probe_echo_seconds"); m != nil {
		t.Errorf("a node alone hears echoes: %v", m)
	}
	leavesNothing(e, (*exporter).stop, func() (names []string) {
		for _, path := range []string{"/bricks/small/brick", "/bricks/small/brick/team/a"} {
			entries, err := os.ReadDir(server.Path(path))
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range entries {
				if strings.Contains(entry.Name(), "gluster_exporter") {
					names = append(names, filepath.Join(path, entry.Name()))
				}
			}
		}
		return names
	})
}
