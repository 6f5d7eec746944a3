package labtest_test

import (
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// With brick multiplexing one process serves the bricks of all volumes, and its
// arguments name the first one only.
func TestABrickThatAnotherBricksProcessServesIsNotTakenForStopped(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, clusterFile(2, 0, 2)+
		"  other:\n    replica: 2\n    bricks:\n      nodes: ["+strings.Join(names(2), ", ")+"]\n      directory: /bricks/other\n")
	s.converge()
	n := s.Node(0)
	for _, cmd := range []gluster.Command{
		gluster.VolumeSet("all", "cluster.brick-multiplex", "on"),
		{"volume", "stop", "server"},
		{"volume", "stop", "other"},
		gluster.VolumeStart("server"), gluster.VolumeStart("other"),
	} {
		if err := n.CLI().Run(t.Context(), cmd); err != nil {
			t.Fatal(err)
		}
	}
	served := func() []gluster.BrickProcess {
		bricks, err := gluster.BrickProcesses(n.Path("/proc"))
		if err != nil {
			t.Fatal(err)
		}
		return bricks
	}
	bricks := []string{onBrick, "/bricks/other/brick"}
	s.waitFor("one process to serve both bricks", func() bool {
		all := served()
		for _, b := range bricks {
			if p, err := gluster.ServingBrick(n.Path("/proc"), b); err != nil || len(p) != 1 {
				return false
			}
		}
		return len(all) == 1
	})
	// As when apply installs the guard on a node that serves: no marker lies anywhere.
	s.expect(n, 0, nil, "guard")
	for _, b := range bricks {
		n.Run("test", "-d", b+"/.glusterfs")
	}
	// No stop of glusterd is a stop of bricks that go on.
	s.expect(n, 0, nil, "guard", "--stopped")
	for _, b := range bricks {
		if out := n.Run("bash", "-c", "ls -A "+b+"/.."); strings.Contains(out, "clean") {
			t.Errorf("%s runs, and was marked as stopped: %s", b, out)
		}
	}
}
