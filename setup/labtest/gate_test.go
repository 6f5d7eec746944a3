package labtest_test

import (
	"fmt"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// Word that a node stops is left in an option of the volume, which does not travel to a peer that rejects it: each of the two
// saw its own word only, and both were let go.
func TestOfServersThatRejectEachOtherNeitherMayStop(t *testing.T) {
	t.Parallel()
	for _, known := range []string{"names", "addresses"} {
		t.Run(known, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, cacheFile(2, 0, 2))
			if known == "addresses" {
				s.Node(0).Gluster("peer", "probe", s.Node(1).Address)
			}
			s.converge()
			for _, n := range s.Nodes() {
				s.waitFor(n.Name+" may be stopped alone", func() bool { return s.try(n, "ok-to-stop", "--look").code == 0 })
			}
			second := s.Node(1)
			second.StopGlusterd()
			second.Run("bash", "-c", "echo performance.cache-size=64MB >>/var/lib/glusterd/vols/server/info")
			second.StartGlusterd()
			s.waitFor("the peers to reject each other", func() bool {
				return strings.Contains(s.Node(0).Gluster("peer", "status"), "Rejected") && strings.Contains(second.Gluster("peer", "status"), "Rejected")
			})
			for i, n := range s.Nodes() {
				s.expect(n, 3, []string{names(2)[1-i] + ` is "Peer Rejected" for this node: neither would see that the other one stops`}, "ok-to-stop")
			}
		})
	}
}

// Other volumes of the pool go down with a node as well.
func TestVolumesThatTheFileDoesNotNameCountForTheGate(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Names: names(3)}, cacheFile(3, 0, 3, "arbiter: 1"))
	s.converge()
	first, second := s.Node(0), s.Node(1)
	s.waitFor("it may be stopped", func() bool { return s.try(first, "ok-to-stop", "--look").code == 0 })

	bricks := func(name string, nodes ...int) (list []string) {
		for _, i := range nodes {
			list = append(list, fmt.Sprintf("%s:/bricks/%s", names(3)[i], name))
		}
		return list
	}
	first.Gluster(append([]string{"volume", "create", "arb", "replica", "3", "arbiter", "1"}, bricks("arb", 0, 1, 2)...)...)
	first.Gluster("volume", "start", "arb")
	s.waitFor("it may be stopped beside a whole volume of others", func() bool { return s.try(first, "ok-to-stop", "--look").code == 0 })

	second.KillBrick("/bricks/arb")
	s.expect(first, 3, []string{"volume arb, replica set 1: " + names(3)[1] + ":/bricks/arb is down"}, "ok-to-stop")
	second.Gluster("volume", "start", "arb", "force")
	s.waitFor("it may be stopped again", func() bool { return s.try(first, "ok-to-stop", "--look").code == 0 })

	first.Gluster(append([]string{"volume", "create", "dist"}, bricks("dist", 0, 1)...)...)
	first.Gluster("volume", "start", "dist")
	s.expect(first, 3, []string{"volume dist is not in the cluster file and has no other copy of what is in " + names(3)[0] + ":/bricks/dist"}, "ok-to-stop")
	s.expect(s.Node(2), 0, nil, "ok-to-stop", "--look")
}
