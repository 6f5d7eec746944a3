package labtest

import (
	"testing"

	"brickyard/internal/lab"
)

// TestCachesOfClientsDoNotDelayEchoes has every cache of GlusterFS and of the kernel remember for ten minutes, on two clients.
func TestCachesOfClientsDoNotDelayEchoes(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 2, Clients: 2})
	l.Pool()
	server := l.Node(0)
	server.Gluster("volume", "create", "server", "replica", "2", "n1:/bricks/server", "n2:/bricks/server")
	for option, value := range map[string]string{
		"features.cache-invalidation": "on", "features.cache-invalidation-timeout": "600", "performance.cache-invalidation": "on",
		"performance.md-cache-timeout": "600", "performance.nl-cache": "on", "performance.nl-cache-timeout": "600",
		"performance.io-cache": "on", "performance.read-ahead": "on", "performance.quick-read-cache-timeout": "600",
		"performance.parallel-readdir": "on", "performance.write-behind-trickling-writes": "off",
	} {
		server.Gluster("volume", "set", "server", option, value)
	}
	server.Gluster("volume", "start", "server")
	peers := map[*exporter]string{}
	for i, c := range l.Nodes()[2:] {
		c.Run("mkdir", "/client")
		mountVolume(t, c, "-o", "entry-timeout=600,attribute-timeout=600,negative-timeout=600", "n1:/server", "/client")
		peers[start(t, c, patient, "/client")] = l.Nodes()[3-i].Name
	}
	for e, peer := range peers {
		e.until("success", e.success)
		e.echoes(peer)
		for _, class := range []string{"other", "mismatch", "stuck"} {
			if n := e.errors(class); n != 0 {
				t.Errorf("%s: %v errors of class %s", e.node.Name, n, class)
			}
		}
	}
}
