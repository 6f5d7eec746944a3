package labtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// TestTheProbersOwnFilesDoNotStayInSplitBrain has two bricks without a quorum be away in turn, so that each has taken writes that the
// other lacks.
func TestTheProbersOwnFilesDoNotStayInSplitBrain(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 2, Clients: 1})
	l.Pool()
	one, two, client := l.Node(0), l.Node(1), l.Node(2)
	one.Gluster("volume", "create", "server", "replica", "2", "n1:/bricks/server", "n2:/bricks/server", "force")
	one.Gluster("volume", "start", "server")
	client.Run("mkdir", "/client")
	mountVolume(t, client, "n1:/server", "/client")
	e := start(t, client, patient, "/client")
	e.until("success", e.success)

	// rewritten waits until the beacon on a brick is another one than now, and nothing else but the beacon is there for that.
	rewritten := func(node *lab.Node) {
		t.Helper()
		before := beacon(t, node)
		until(t, node, "the beacon is written again", func() bool { now := beacon(t, node); return now != "" && now != before })
	}
	rewritten(one)
	one.KillBrick("/bricks/server")
	rewritten(two)
	two.KillBrick("/bricks/server")
	two.StopGlusterd() // or the next command would start its brick as well
	e.until("nothing can be written", func() bool { return e.errors("not_connected") > 0 && !e.success() })
	one.Gluster("volume", "start", "server", "force")
	rewritten(one)
	two.StartGlusterd()

	torn := 0
	until(t, one, "nothing is left to be healed", func() bool {
		one.Run("bash", "-c", "gluster volume heal server >/dev/null || true")
		info := one.Gluster("volume", "heal", "server", "info")
		if strings.Contains(info, "split-brain") {
			torn++
		}
		return strings.Count(info, "Number of entries: 0") == 2
	})
	t.Logf("looked while something was in split-brain: %d times", torn)
	e.until("success", e.success)
	if n := e.errors("io"); n != 0 {
		t.Errorf("%v probes failed with input/output errors", n)
	}
	rewritten(one)
	rewritten(two)
	if names := hidden(t, client.Path("/client")); len(names) > 3 {
		t.Errorf("left: %q", names)
	}
}

// beacon is what a brick has of the beacons in the probers' directory.
func beacon(t *testing.T, node *lab.Node) (all string) {
	t.Helper()
	files, err := filepath.Glob(node.Path("/bricks/server/.gluster_exporter") + "/*.beacon")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		all += string(b)
	}
	return all
}
