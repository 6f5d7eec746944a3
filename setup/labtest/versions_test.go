package labtest_test

import (
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// accepting waits until all servers are connected and accept each other.
func (s *site) accepting(servers []*lab.Node) {
	s.t.Helper()
	s.waitFor("all servers to accept each other", func() bool {
		for _, n := range servers {
			if strings.Count(n.Gluster("peer", "status"), "Peer in Cluster (Connected)") != len(servers)-1 {
				return false
			}
		}
		return true
	})
}

// restartGlusterd is what "systemctl restart glusterd" is in a lab.
func (s *site) restartGlusterd(n *lab.Node) {
	s.t.Helper()
	n.StopGlusterd()
	n.StartGlusterd()
}

// fullStore puts glusterd's directory of a node on a file system of its own, without room.
func (s *site) fullStore(n *lab.Node, servers []*lab.Node) {
	s.t.Helper()
	n.StopGlusterd()
	n.Run("bash", "-c", "cp -a /var/lib/glusterd /root/gd && mount -t tmpfs -o size=700k tmpfs /var/lib/glusterd && cp -a /root/gd/. /var/lib/glusterd/")
	n.StartGlusterd()
	s.accepting(servers)
	n.Run("bash", "-c", "! dd if=/dev/zero of=/var/lib/glusterd/filler bs=1k 2>/dev/null")
}

// A server whose store is full does not make a change that the others make. That is partly done, every node says so
// afterwards, and the remedy that they print ends it.
func TestAChangeThatOneServerDidNotMakeIsPartlyDone(t *testing.T) {
	t.Parallel()
	text := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, text)
	s.converge()
	first, second := s.Node(0), s.Node(1)
	servers := []*lab.Node{first, second}
	s.fullStore(second, servers)

	s.write(cacheFile(2, 1, 2, "options: {network.ping-timeout: 7}"))
	n1, n2 := names(2)[0], names(2)[1]
	s.expect(second, 3, []string{"conflict: /var/lib/glusterd", "is full", "make room there (df /var/lib/glusterd)"}, "plan")
	o := s.expect(first, 4, []string{
		"Commit failed on " + n2, n1 + " knows volume server in version", "(network.ping-timeout=7), " + n2 + " in version",
		`on ` + n2 + `: make room below /var/lib/glusterd where it is full`, "Partly done: 2 changes were made before the one that not all servers made.",
	}, "apply")
	if strings.Contains(o.out, "nothing was changed") || strings.Contains(o.out, "Nothing was changed") {
		t.Errorf("apply says that nothing was changed:\n%s", o.out)
	}
	differ := []string{n1 + " knows volume server in version ", "(network.ping-timeout=7), " + n2 + " in version ", "(no network.ping-timeout)", "systemctl restart glusterd"}
	seen := func() {
		t.Helper()
		for _, n := range servers {
			s.expect(n, 3, append(differ, "conflict: volume server"), "plan")
			s.expect(n, 3, append(differ, "Refused: nothing was changed."), "apply")
		}
		for _, n := range s.Nodes() {
			s.expect(n, 1, differ, "status")
		}
	}
	seen()
	s.expect(second, 3, []string{"the file system of /var/lib/glusterd on this node is full"}, "plan")

	second.Run("rm", "/var/lib/glusterd/filler")
	seen()
	s.restartGlusterd(second)
	s.converge()
	for _, n := range servers {
		if got := n.Run("grep", "^network.ping-timeout=", "/var/lib/glusterd/vols/server/info"); got != "network.ping-timeout=7\n" {
			t.Errorf("%s has %q", n.Name, got)
		}
	}
}

// A server that knows a volume in an older version is seen by every node, whatever the change was, and a restart of its
// glusterd ends it.
func TestServersThatKnowAVolumeDifferentlyAreNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Names: names(3)}, cacheFile(3, 0, 3, "arbiter: 1"))
	s.converge()
	all := names(3)
	last := s.Node(2)
	for _, c := range []struct {
		name    string
		command []string
		behind  string // what is said of the one that did not make it
	}{
		// GlusterFS 9 has the option in its memory, and the former version in its store.
		{"an option", []string{"volume", "set", "server", "network.ping-timeout", "11"}, " in version "},
		{"a volume stopped", []string{"volume", "stop", "server"}, " in version "},
		{"a volume made", []string{"volume", "create", "other", "replica", "3", all[0] + ":/bricks/o", all[1] + ":/bricks/o", all[2] + ":/bricks/o"}, " does not know it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			s.fullStore(last, s.Nodes())
			s.Node(0).Run(append([]string{"bash", "-c", `! "$@"`, "-", "gluster", "--mode=script"}, c.command...)...)
			last.Run("rm", "/var/lib/glusterd/filler")
			for _, n := range s.Nodes() {
				words := []string{all[0] + " and " + all[1] + " know volume", ", " + all[2] + c.behind, "on " + all[2] + ": make room"}
				s.expect(n, 3, append(words, "conflict: volume"), "plan")
				s.expect(n, 3, append(words, "Refused: nothing was changed."), "apply")
				s.expect(n, 1, words, "status")
			}
			last.StopGlusterd()
			last.Run("bash", "-c", "cp -a /var/lib/glusterd/. /root/back && umount /var/lib/glusterd && rm -rf /var/lib/glusterd/* && cp -a /root/back/. /var/lib/glusterd/ && rm -rf /root/back /root/gd")
			last.StartGlusterd()
			s.converge()
		})
	}
}
