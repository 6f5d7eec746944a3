package labtest_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// The file of onefile's tests, and the same with one option more.
const oneOption = "options: {network.ping-timeout: 7}"

// silent expects that no command of a node says a word about cluster files.
func (s *site) silent(n *lab.Node, command string, code int) {
	s.t.Helper()
	if o := s.expect(n, code, nil, command); strings.Contains(oneLine(o.out), "cluster file (") || strings.Contains(oneLine(o.out), "which cluster file") {
		s.t.Errorf("%s %s speaks of other cluster files:\n%s", n.Name, command, o.out)
	}
}

// One node gets a newer file. Its apply waits for the leader with the right words, both nodes name the other, and a file that
// differs in nothing but its form is no other file.
func TestNodesWithDifferentFilesNameEachOther(t *testing.T) {
	t.Parallel()
	text := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, text)
	s.converge()
	n1, n2 := names(2)[0], names(2)[1]
	first, second, client := s.Node(0), s.Node(1), s.Node(2)

	s.write("# a comment\n" + strings.ReplaceAll(text, "replica: 2", "replica:   2 # two"))
	for _, n := range s.Nodes() {
		s.silent(n, "plan", 2) // the copy at /etc/brickyard is edited
		s.silent(n, "status", 0)
	}

	s.write(cacheFile(2, 1, 2, oneOption))
	s.expect(second, 2, []string{n1 + " has another cluster file (", "copy this one there and run apply there"}, "plan")
	s.expect(second, 4, []string{"gave up", n1 + " to set options of volume server", n1 + " has another cluster file (", "copy this one there and run apply there"}, "apply", "--timeout", s.deadline(second, 20*time.Second))
	s.expect(second, 1, []string{n1 + " has another cluster file (", ", applied 20", "by its own clock"}, "status")
	s.expect(client, 2, []string{n1 + " has another cluster file ("}, "plan")

	s.write(text)
	s.expect(first, 0, []string{n2 + " has another cluster file (", "which replaced this one", "copy that one here and run apply here", "Nothing to do."}, "plan")
	s.expect(first, 0, []string{n2 + " has another cluster file ("}, "apply")
	s.expect(first, 1, []string{n2 + " has another cluster file ("}, "status")
	if o := s.expect(first, 0, []string{`has another cluster file (`}, "plan", "-o", "json"); !strings.Contains(o.out, `"warnings": [`) {
		t.Errorf("the document has no warnings:\n%s", o.out)
	}

	s.write(cacheFile(2, 1, 2, oneOption))
	s.converge()
	for _, n := range s.Nodes() {
		s.silent(n, "plan", 0)
		s.silent(n, "status", 0)
	}
}

// A glusterd that does not answer is a warning of plan: what it knows nobody sees.
func TestPlanWarnsOfAPeerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, cacheFile(2, 0, 2))
	s.converge()
	first, second := s.Node(0), s.Node(1)
	pid, err := strconv.Atoi(strings.TrimSpace(second.Run("cat", "/run/glusterd.pid")))
	if err != nil {
		t.Fatal(err)
	}
	second.Freeze(pid)
	s.expect(first, 0, []string{"warning: " + names(2)[1] + " did not answer"}, "plan")
	if err := second.SignalPID(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.waitFor("n2 to answer again", func() bool { return !strings.Contains(s.try(first, "plan").out, "did not answer") })
	// A node of a former version does not say which file it has.
	second.Run("rm", "-r", "/var/lib/glusterd/gluster-setup-cluster.file")
	s.expect(first, 0, []string{names(2)[1] + " does not say which cluster file it has"}, "plan")
	s.expect(first, 0, []string{names(2)[1] + " does not say which cluster file it has"}, "apply")
	s.expect(first, 0, []string{"all is well", names(2)[1] + " does not say which cluster file it has"}, "status")
	second.Run("bash", "-c", "mkdir /var/lib/glusterd/gluster-setup-cluster.file && head -c 20000 /dev/zero >/var/lib/glusterd/gluster-setup-cluster.file/gluster-setup-cluster.file-server.vol")
	s.expect(first, 0, []string{names(2)[1] + " does not say which cluster file it has"}, "plan")
	s.converge()
}
