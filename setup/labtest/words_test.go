package labtest_test

import (
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// What the program says of states that are not what they look like at first.
func TestWhatIsSaidOfAStateNamesIt(t *testing.T) {
	t.Parallel()
	text := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, text)
	s.converge()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)

	first.Gluster("volume", "set", "all", "cluster.daemon-log-level", "INFO")
	for _, n := range s.Nodes()[:2] {
		if o := s.try(n, "plan"); o.code != 0 || strings.Contains(o.out, "which the cluster file does not name") {
			t.Errorf("plan with an option of the pool: exit %d\n%s", o.code, o.out)
		}
	}

	// A brick's file system of another size.
	second.KillBrick("/cache_server/brick")
	second.Run("mount", "-o", "remount,size=16m", "/cache_server")
	s.expect(second, 3, []string{"/cache_server is not the brick's file system of the cluster file: the tmpfs has 16777216 bytes, the cluster file says 67108864: run gluster-setup apply"}, "recover")
	s.expect(second, 0, nil, "apply")
	s.expect(second, 0, nil, "recover")

	// A mount that somebody made who is not the program, which takes away its own (removed_test.go).
	const left = "warning: volume server is mounted on /client, and neither the cluster file nor another line of /etc/fstab has that mount"
	edited, _, _ := strings.Cut(text, "mounts:")
	s.write(edited)
	s.expect(client, 0, nil, "apply")
	client.Run("mount", "-t", "glusterfs", "n1.example.com:/server", "/client")
	s.expect(client, 0, []string{left, `run "umount /client"`}, "plan")
	s.expect(client, 1, []string{left, "has another cluster file ("}, "status") // the servers have not applied it
	client.Run("umount", "/client")
	if o := s.try(client, "plan"); o.code != 0 || strings.Contains(o.out, "/client") {
		t.Errorf("plan after the remedy: exit %d\n%s", o.code, o.out)
	}

	// The bricks of a stopped volume.
	first.Gluster("volume", "stop", "server")
	s.expect(first, 1, []string{"volume server is Stopped", "is offline: the volume is stopped"}, "status")
	s.expect(first, 1, []string{`NOT COMPLETE: the volume is stopped, and so are its bricks: "gluster volume start server" or "gluster-setup apply" starts them`}, "check")
	s.expect(first, 0, nil, "apply")
	s.waitFor("the bricks to be compared", func() bool { return s.try(first, "check").code == 0 })
}
