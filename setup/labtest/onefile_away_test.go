package labtest_test

import (
	"strings"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// A leader was away while another node led and applied a newer file. It takes nothing back: not before it is told to, or has
// the newer file.
func TestALeaderThatWasAwayTakesNothingBack(t *testing.T) {
	t.Parallel()
	old := cacheFile(2, 0, 2)
	later := cacheFile(2, 0, 2, oneOption)
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, old)
	s.converge()
	n1, n2 := names(2)[0], names(2)[1]
	first, second := s.Node(0), s.Node(1)
	option := func(want bool) {
		t.Helper()
		if is := strings.Contains(second.Gluster("volume", "info", "server"), "network.ping-timeout: 7"); is != want {
			t.Errorf("the option of the newer file is set: %v, want %v", is, want)
		}
	}

	first.StopGlusterd()
	s.waitFor("n2 to know that n1 is away", func() bool { return strings.Contains(second.Gluster("peer", "status"), "Disconnected") })
	s.write(later)
	s.expect(second, 0, []string{n1 + " did not answer"}, "apply")
	option(true)
	first.StartGlusterd()
	s.accepting(s.Nodes())

	s.write(old)
	refused := []string{"conflict: " + n1, "was replaced by another one on " + n2, "copy the cluster file of " + n2 + " here and run apply here", "--allow older-file:" + n1}
	s.waitFor("n1 to have taken over the volume", func() bool { return !strings.Contains(s.try(first, "plan").out, "taken over") })
	s.expect(first, 3, refused, "plan")
	s.expect(first, 3, append(refused, "Refused: nothing was changed."), "apply")
	s.expect(first, 1, []string{n2 + " has another cluster file (", "which replaced this one"}, "status")
	s.expect(first, 3, append(refused, "--allow older-file:"+n2+" fits nothing on this node"), "plan", "--allow", "older-file:"+n2)
	s.expect(first, 1, []string{"\"older-file\" is not of the form CODE:OBJECT"}, "apply", "--allow", "older-file")
	s.expect(first, 1, []string{"nothing of code \"volume-shape\" can be allowed, only of older-file"}, "apply", "--allow", "volume-shape:server")
	option(true)

	s.write(later)
	s.converge()
	for _, n := range s.Nodes() {
		s.silent(n, "status", 0)
	}
	option(true)

	// An edit that a node makes of a file that it had is no way back, although all have replaced the other file.
	s.write(old)
	s.expect(first, 0, []string{n2 + " has another cluster file (", "copy this one there"}, "apply")
	option(false)
	s.write(later)
	s.expect(second, 0, []string{n1 + " has another cluster file (", "which replaced this one"}, "apply", "--parts", "host")
	s.expect(second, 2, []string{n1 + " has another cluster file (", "which replaced this one"}, "plan")

	// Told to, the node goes back to it, and the others hear that.
	s.expect(second, 4, []string{"gave up", n1 + " to set options of volume server"}, "apply", "--timeout", s.deadline(second, 15*time.Second), "--allow", "older-file:"+n2)
	s.write(old)
	s.expect(first, 0, []string{n2 + " has another cluster file (", "which replaced this one"}, "plan")
	s.write(later)
	s.converge()
	option(true)
}

// A leader that was away goes back to the former file when it is told to, and once only.
func TestALeaderGoesBackWhenItIsToldTo(t *testing.T) {
	t.Parallel()
	old := cacheFile(3, 0, 3)
	later := cacheFile(3, 0, 3, oneOption)
	s := newSite(t, lab.Options{Nodes: 3, Names: names(3)}, old)
	s.converge()
	n1, n2, n3 := names(3)[0], names(3)[1], names(3)[2]
	first, second, third := s.Node(0), s.Node(1), s.Node(2)

	first.StopGlusterd()
	s.waitFor("n2 to know that n1 is away", func() bool { return strings.Contains(second.Gluster("peer", "status"), "Disconnected") })
	s.write(later)
	s.expect(second, 0, nil, "apply")
	s.expect(third, 0, nil, "apply")
	first.StartGlusterd()
	s.accepting(s.Nodes())

	s.write(old)
	s.waitFor("n1 to have taken over the volume", func() bool { return !strings.Contains(s.try(first, "plan").out, "taken over") })
	first.Run("rm", "/var/lib/brickyard/cluster-file.json") // as on a machine that was installed anew
	s.expect(first, 3, []string{"was replaced by another one on " + n2, " and " + n3}, "apply")
	s.expect(first, 0, []string{n2 + " has another cluster file ("}, "apply", "--allow", "older-file:"+n1)
	s.expect(first, 0, []string{"Nothing to do."}, "plan")
	s.expect(first, 0, []string{"--allow older-file:" + n1 + " fits nothing on this node"}, "apply", "--allow", "older-file:"+n1)
	for _, n := range []*lab.Node{second, third} {
		if strings.Contains(n.Gluster("volume", "info", "server"), "network.ping-timeout: 7") {
			t.Errorf("%s: the option is still set", n.Name)
		}
		s.expect(n, 1, []string{n1 + " has another cluster file ("}, "status")
	}
	s.converge()
}
