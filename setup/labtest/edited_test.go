package labtest_test

import (
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// n1 is dead and given up, and somebody writes another node into the cluster file in its place, without a change of the
// volume. What was said of n1 must not count for n2, which has the last copy: recover once emptied it.
func TestAnEditedFileTouchesNoBrick(t *testing.T) {
	t.Parallel()
	text := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 3, Names: names(3)}, text)
	s.converge()
	first, second := s.Node(0), s.Node(1)
	s.Node(2).Run("bash", "-c", "for i in {1..50}; do echo kept >/client/f$i; done")

	first.KillBrick("/cache_server/brick")
	first.StopGlusterd()
	s.waitFor("n2 to know that n1 is away", func() bool { return strings.Contains(second.Gluster("peer", "status"), "Disconnected") })
	s.expect(second, 0, nil, "recover", "--give-up", names(3)[0])
	pid := second.Run("pgrep", "-f", "glusterfsd.*cache_server")

	old := "nodes: [" + strings.Join(names(3)[:2], ", ") + "]"
	edited := strings.Replace(text, old, "nodes: ["+strings.Join(names(3)[1:], ", ")+"]", 1)
	if edited == text {
		t.Fatalf("no %q in:\n%s", old, text)
	}
	s.write(edited)
	for range 3 {
		s.expect(second, 3, []string{"brick 1 is " + names(3)[1] + ":/cache_server/brick in the cluster file", "touches nothing of this replica set"}, "recover")
	}
	s.expect(second, 3, []string{"nobody knows what would be left"}, "ok-to-stop")
	if out := second.Run("cat", "/var/lib/brickyard/recovery.json"); !strings.Contains(out, "touches nothing of this replica set") {
		t.Errorf("recovery.json does not say why:\n%s", out)
	}
	s.expect(second, 1, []string{"touches nothing of this replica set"}, "status")
	if now := second.Run("pgrep", "-f", "glusterfsd.*cache_server"); now != pid {
		t.Errorf("the brick was started anew: process %s was %s", now, pid)
	}
	if out := s.Node(2).Run("bash", "-c", "cat /client/f* | grep -c kept"); out != "50\n" {
		t.Errorf("of 50 files %s are left", out)
	}
}
