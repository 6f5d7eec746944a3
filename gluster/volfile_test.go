package gluster_test

import (
	"net"
	"os"
	"testing"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

func TestServerVolfileIsHandedOutToOtherMachines(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 1, Clients: 1})
	n := l.Node(0)
	l.Node(1).Network(func() {
		c := gluster.NewClient("tcp", net.JoinHostPort(n.Address, "24007"))
		c.Timeout = lab.Patience
		defer c.Close() //nolint:errcheck // only read from
		if text, found, err := c.ServerVolfile(t.Context(), "readiness"); err != nil || found {
			t.Errorf("where there is none: %q, %t, %v", text, found, err)
		}
		path := gluster.ServerVolfilePath("readiness")
		n.Run("mkdir", "/var/lib/glusterd/readiness")
		if err := os.WriteFile(n.Path(path), []byte("a line\n"), 0o600); err != nil {
			t.Error(err)
		}
		if text, found, err := c.ServerVolfile(t.Context(), "readiness"); err != nil || !found || text != "a line\n" {
			t.Errorf("where there is one: %q, %t, %v", text, found, err)
		}
	})
}
