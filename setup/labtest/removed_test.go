package labtest_test

import (
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// written is what apply has written on a node, and what is mounted there.
const written = `cd /; for f in etc/hosts etc/fstab etc/brickyard etc/systemd/system usr/local/sbin var/lib/glusterd/vols var/lib/glusterd/gluster-setup; do
	[ -e $f ] && find $f -type f ! -name '*.socket' ! -name node_state.info -exec md5sum {} +
done | sort; cut -d' ' -f5- proc/self/mountinfo; pgrep -l '^gluster' | sort`

// withoutVolume is a cluster file that has lost its volumes, with their mounts.
func withoutVolume(text string) string { return text[:strings.Index(text, "volumes:")] }

// The line of the brick's file system was taken out of /etc/fstab without a word, and so was that of the mount: the volume
// went on until the next boot.
func TestAFileWithoutItsVolumeIsRefusedOnEveryNode(t *testing.T) {
	t.Parallel()
	right := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, right)
	s.converge()
	before := make([]string, 3)
	for i, n := range s.Nodes() {
		before[i] = n.Run("bash", "-c", written)
	}
	unchanged := func(when string) {
		t.Helper()
		for i, n := range s.Nodes() {
			if now := n.Run("bash", "-c", written); now != before[i] {
				t.Errorf("%s, %s: something was changed.\nbefore:\n%s\nafter:\n%s", n.Name, when, before[i], now)
			}
		}
	}
	s.write(withoutVolume(right))
	refused := []string{"does not have volume server", "write volumes.server back into " + s.file}
	for i, n := range s.Nodes() {
		for _, parts := range []string{"host,pool,client", "host", "pool", "client"} {
			s.expect(n, 3, refused, "plan", "--parts", parts)
			s.expect(n, 3, append(refused, "nothing was changed"), "apply", "--parts", parts)
		}
		if _, remedy := s.remedy(n, "volume-left"); remedy == "" {
			t.Error("no remedy")
		}
		if i < 2 {
			for range 2 { // as the timer does
				s.expect(n, 0, nil, "recover")
			}
		}
	}
	unchanged("with the file on all nodes")

	// The same while its glusterd is down, which its own files outlive.
	second := s.Node(1)
	second.StopGlusterd()
	s.expect(second, 3, refused, "apply")
	second.StartGlusterd()
	s.waitFor("the servers to meet again", func() bool { return !strings.Contains(second.Gluster("peer", "status"), "Disconnected") })

	s.write(right)
	s.converge()
}

// A file that gives the brick of one node to another one is refused by the node that would lose it, which serves nothing by
// that file.
func TestAFileWithoutABrickOfThisNodeIsRefused(t *testing.T) {
	t.Parallel()
	right := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, right)
	s.converge()
	first := s.Node(0)
	before := first.Run("bash", "-c", written)
	for _, edit := range [][2]string{
		{"nodes: [n1.example.com, n2.example.com]", "nodes: [n2.example.com, n3.example.com]"},
		{"mount: /cache_server", "mount: /elsewhere"},
	} {
		edited := strings.Replace(right, edit[0], edit[1], 1)
		if edited == right {
			t.Fatalf("no %q in:\n%s", edit[0], right)
		}
		s.write(edited)
		if _, remedy := s.remedyOf(first, "brick-left", "--parts", "host"); !strings.Contains(remedy, "has the brick /cache_server/brick on n1.example.com") {
			t.Errorf("the remedy is %q", remedy)
		}
		for _, parts := range []string{"host,pool,client", "host", "pool", "client"} {
			s.expect(first, 3, []string{"nothing was changed"}, "apply", "--parts", parts)
		}
		s.expect(s.Node(1), 3, []string{"nothing was changed"}, "apply")
	}
	if now := first.Run("bash", "-c", written); now != before {
		t.Errorf("something was changed.\nbefore:\n%s\nafter:\n%s", before, now)
	}
	s.write(right)
	s.converge()
}
