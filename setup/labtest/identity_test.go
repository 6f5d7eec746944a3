package labtest_test

import (
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// n1 is dead and was given up by a node of a former version, and somebody puts a brick of n3 in its place. What stands under
// the number is about n1: n3's brick was emptied for it.
func TestTheBrickInThePlaceOfAGivenUpOneKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	text := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 3, Names: names(3)}, text)
	s.converge()
	first, second, third := s.Node(0), s.Node(1), s.Node(2)
	third.Run("bash", "-c", "for i in {1..50}; do echo kept >/client/f$i; done")

	first.KillBrick("/cache_server/brick")
	first.StopGlusterd()
	s.waitFor("n2 to know that n1 is away", func() bool { return strings.Contains(second.Gluster("peer", "status"), "Disconnected") })
	second.Gluster("volume", "set", "server", "user.brickyard-given-up-0", "yes")
	s.expect(second, 0, []string{"kept under who they are"}, "recover")
	if out := second.Gluster("volume", "info", "server"); !strings.Contains(out, ": yes,0,"+names(3)[0]+":/cache_server/brick") {
		t.Errorf("the word of the former version was not moved:\n%s", out)
	}
	if o := s.expect(second, 0, nil, "recover"); strings.Contains(o.out, "kept under who they are") {
		t.Errorf("it is moved again:\n%s", o.out)
	}

	nodes := func(n ...string) string { return "nodes: [" + strings.Join(n, ", ") + "]" }
	edited := strings.Replace(text, nodes(names(3)[:2]...), nodes(names(3)[2], names(3)[1]), 1)
	s.write(edited)
	s.expect(second, 3, []string{"touches nothing of this replica set"}, "recover")
	s.expect(third, 0, nil, "apply", "--parts", "host")
	second.Gluster("peer", "probe", names(3)[2])
	s.waitFor("n3 to be in the pool", func() bool { return strings.Contains(third.Gluster("peer", "status"), "(Connected)") })
	second.Gluster("volume", "replace-brick", "server", names(3)[0]+":/cache_server/brick", names(3)[2]+":/cache_server/brick", "commit", "force")

	for range 2 {
		s.expect(third, 0, nil, "recover")
		s.expect(second, 0, nil, "recover")
	}
	if out := third.Run("cat", "/var/lib/brickyard/recovery.json"); !strings.Contains(out, `"emptied": []`) {
		t.Errorf("something was thrown away:\n%s", out)
	}
	s.waitFor("the new brick to have all files", func() bool {
		return third.Run("bash", "-c", "cat /cache_server/brick/f* 2>/dev/null | grep -c kept || true") == "50\n"
	})
	info := third.Gluster("volume", "info", "server")
	for _, want := range []string{"user.brickyard-given-up-0: no", ": gone,0," + names(3)[0] + ":/cache_server/brick", ": complete,0," + names(3)[2] + ":/cache_server/brick"} {
		if !strings.Contains(info, want) {
			t.Errorf("no %q in:\n%s", want, info)
		}
	}
}

// The file has the nodes in another order, on one node only, while bricks are refilled and nodes ask whether they may stop:
// the replica set is the same one, whatever number a node has.
func TestAnotherOrderInTheFileIsNoOtherSet(t *testing.T) {
	t.Parallel()
	text := clusterFile(2, 0, 2, "ephemeral: true")
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, text)
	s.converge()
	first, second := s.Node(0), s.Node(1)
	lines := strings.SplitAfter(strings.Replace(text, "["+names(2)[0]+", "+names(2)[1]+"]", "["+names(2)[1]+", "+names(2)[0]+"]", 1), "\n")
	lines[1], lines[2] = lines[2], lines[1] // the numbers of the nodes as well
	reordered := strings.Join(lines, "")
	on := func(n *lab.Node, code int, words []string, command string, args ...string) {
		t.Helper()
		s.write(map[*lab.Node]string{first: text, second: reordered}[n])
		s.expect(n, code, words, command, args...)
	}

	wipe(second)
	second.StartGlusterd()
	on(second, 0, []string{"it is refilled from " + names(2)[0]}, "recover", "--timeout", "10m")
	on(first, 0, nil, "recover", "--timeout", "10m")

	s.waitFor("n2 to be allowed to stop", func() bool { return s.try(second, "ok-to-stop", "--look").code == 0 })
	on(second, 0, nil, "ok-to-stop")
	on(first, 3, []string{names(2)[1] + " was allowed to stop"}, "ok-to-stop")
	on(second, 0, nil, "ok-to-stop", "--look")
	on(second, 0, nil, "ok-to-stop", "--release")
	on(first, 0, nil, "ok-to-stop")
	on(second, 3, []string{names(2)[0] + " was allowed to stop"}, "ok-to-stop")
	s.write(text)
	s.expect(second, 3, []string{names(2)[0] + " was allowed to stop"}, "ok-to-stop")
	on(first, 0, nil, "ok-to-stop", "--release")
	on(second, 0, nil, "ok-to-stop")
}
