package labtest_test

import (
	"strings"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// wipe ends GlusterFS on a node and takes its brick away, as a reboot does with one in memory.
func wipe(n *lab.Node) {
	cut(n)
	n.Run("rm", "-rf", "/bricks/server/brick", "/bricks/server/.gluster-setup-clean")
}

// What GlusterFS does with reset-brick, start force and its own options is what recover rests on: hack/test runs this test on
// the GlusterFS of each Debian.
func TestAWipedBrickIsRefilledAndAnEmptySetBeginsAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2, "ephemeral: true"))
	s.converge()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	s.connected(client, s.Nodes()[:2])
	client.Run("bash", "-euc", `cd /client; mkdir dir; for i in $(seq 200); do echo "text $i" >dir/$i; done; ln -s dir/1 link`)
	files := func() string { return client.Run("bash", "-c", "cd /client && ls -A && md5sum dir/* | sort") }
	want := files()

	wipe(second)
	// What is written meanwhile must not keep it from coming back.
	client.Run("bash", "-euc", `cd /client; for i in $(seq 201 250); do echo "text $i" >dir/$i; done; rm dir/7; echo new >dir/8`)
	changed := files()
	if changed == want {
		t.Fatal("nothing was written meanwhile")
	}
	second.StartGlusterd()
	s.expect(second, 0, nil, "recover", "--timeout", "10m")
	s.waitFor("nothing to wait to be healed", func() bool { return s.healed() })
	if a, b := tree(first), tree(second); a != b {
		t.Errorf("the bricks differ.\nfirst:\n%s\nsecond:\n%s", a, b)
	}
	if got := files(); got != changed {
		t.Errorf("the client sees\n%s\nand not\n%s", got, changed)
	}
	s.expect(second, 0, nil, "plan")

	// A node that is told that the only copy is elsewhere waits for it.
	wipe(second)
	cut(first)
	second.StartGlusterd()
	if o := s.try(second, "recover", "--timeout", s.deadline(second, 20*time.Second)); o.code == 0 || !strings.Contains(o.out, first.Name) && !strings.Contains(o.out, "majority") {
		t.Errorf("it did not wait for %s: %d %s", first.Name, o.code, o.out)
	}
	second.Run("test", "!", "-e", onBrick)
	first.StartGlusterd()
	for i, o := range s.everywhere(s.Nodes()[:2], "recover", "--timeout", "10m") {
		o.check(t, s.Node(i).Name+" recover", 0)
	}
	s.waitFor("the client to see what the only copy had", func() bool { return files() == changed })

	// All copies are gone: there is nothing left to wait for.
	wipe(first)
	wipe(second)
	first.StartGlusterd()
	second.StartGlusterd()
	for i, o := range s.everywhere(s.Nodes()[:2], "recover", "--timeout", "10m") {
		o.check(t, s.Node(i).Name+" recover", 0)
	}
	s.waitFor("the client to see an empty volume", func() bool {
		out, err := client.Command(t.Context(), "ls", "-A", "/client").Output()
		return err == nil && strings.TrimSpace(string(out)) == ""
	})
	client.Run("bash", "-euc", "echo again >/client/file")
	s.waitFor("both bricks to have what is written now", func() bool {
		for _, n := range s.Nodes()[:2] {
			if out, err := n.Command(t.Context(), "cat", onBrick+"/file").Output(); err != nil || string(out) != "again\n" {
				return false
			}
		}
		return true
	})
}
