package labtest_test

import (
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// One volume has a brick on a machine that is not there yet. The other volumes, and the mounts of them, do not need that one.
func TestAVolumeThatWaitsHoldsUpNeitherOthersNorTheirMounts(t *testing.T) {
	t.Parallel()
	// The one that waits comes first, in the file and by name.
	file := strings.Replace(clusterFile(3, 0, 2), "volumes:\n", `volumes:
  early:
    replica: 2
    bricks:
      nodes: [n1.example.com, n3.example.com]
      directory: /bricks/early
`, 1)
	file = strings.Replace(file, "      nodes: [n1.example.com, n2.example.com, n3.example.com]\n      directory: /bricks/server", "      nodes: [n1.example.com, n2.example.com]\n      directory: /bricks/server", 1) +
		"mounts:\n  - {volume: early, path: /early, nodes: [n1.example.com]}\n  - {volume: server, path: /client, nodes: [n1.example.com, n2.example.com]}\n"
	s := newSite(t, lab.Options{Nodes: 3, Names: names(3)}, file)
	first, second, late := s.Node(0), s.Node(1), s.Node(2)
	late.StopGlusterd()

	runs := []*running{s.start(first, "apply", "--timeout", "10m"), s.start(second, "apply", "--timeout", "10m")}
	runs[0].says("waiting for glusterd on n3.example.com")
	for _, n := range []*lab.Node{first, second} {
		s.waitFor(n.Name+" to mount the volume that has all it needs", func() bool {
			return strings.Contains(n.Run("cat", "/proc/mounts"), " /client fuse.glusterfs ")
		})
	}
	if strings.Contains(first.Gluster("volume", "list"), "early") {
		t.Error("the volume that has to wait was created without its other server")
	}
	// The one that waits is named, and nothing else is.
	s.expect(first, 2, []string{"create volume early"}, "plan")

	late.StartGlusterd()
	s.expect(late, 0, nil, "apply", "--timeout", "10m")
	runs[0].wait().check(t, "the node that waited", 0, "Done: ", "create volume early")
	runs[1].wait().check(t, "the node that has to do with the other volume only", 0, "Done: ")
	s.settled()
}
