package verify

import (
	"bytes"
	"os"
	"sync"
	"testing"

	"brickyard/internal/lab"
)

// TestOnARealVolume runs three clients of a replica 2 volume in this process,
// first with GlusterFS's own options, then with every cache of metadata and of
// missing names on.
func TestOnARealVolume(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 2, Clients: 3})
	l.Pool()
	server := l.Node(0)
	server.Gluster("volume", "create", "server", "replica", "2", l.Node(0).Name+":/bricks/server", l.Node(1).Name+":/bricks/server")
	server.Gluster("volume", "start", "server")
	clients := l.Nodes()[2:]
	var nodes []string
	for i, c := range clients {
		c.Run("mkdir", "/client")
		c.Run("mount", "-t", "glusterfs", l.Node(i%2).Name+":/server", "/client")
		nodes = append(nodes, c.Name)
	}
	everyone := func(t *testing.T) {
		var group sync.WaitGroup
		for _, c := range clients {
			group.Go(func() {
				cfg := testConfig(c.Name, nodes)
				// Less than the ten minutes for which the caches below may remember.
				cfg.Timeout, cfg.Patience, cfg.Rounds = lab.Patience, lab.Patience, 5
				result, err := run(t.Context(), cfg, mounted{c.Path("/client")})
				var report bytes.Buffer
				if textErr := result.WriteText(&report); err != nil || textErr != nil {
					t.Errorf("%s: %v, %v\n%s", c.Name, err, textErr, report.String())
				}
				t.Logf("%s", report.String())
			})
		}
		group.Wait()
		if entries, err := os.ReadDir(clients[0].Path("/client")); err != nil || len(entries) != 0 {
			t.Errorf("left on the volume: %v, %v", entries, err)
		}
	}
	t.Run("with the options a volume has by itself", everyone)
	server.Gluster("volume", "set", "server",
		"features.cache-invalidation", "on", "features.cache-invalidation-timeout", "600",
		"performance.stat-prefetch", "on", "performance.cache-invalidation", "on", "performance.md-cache-timeout", "600",
		"performance.nl-cache", "on", "performance.nl-cache-timeout", "600", "performance.nl-cache-positive-entry", "on")
	t.Run("with caches of metadata and of missing names", everyone)
}
