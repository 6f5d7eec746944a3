package stop

import (
	"context"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/internal/simulated"
	"brickyard/setup/actual"
	"brickyard/setup/desired"
)

// A node of a pool of a hundred servers asks its glusterd for the peers, and for each volume, once: what a look came to is what
// ok-to-stop decides from.
func TestALookOfTheGateAsksItsGlusterdOnce(t *testing.T) {
	const volumes = 30
	c, err := simulated.Start(simulated.Size{Volumes: volumes, Peers: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	local := gluster.NewClient("unix", c.Glusterd.Socket)
	defer local.Close() //nolint:errcheck // it was only read from
	s := &desired.State{Node: "n1", Pool: desired.Pool{Servers: []desired.Server{{Name: "n1"}}}}
	o := &actual.Observer{State: s, Local: local, Timeout: time.Second, Now: time.Now, Started: time.Now}
	g := &Gate{
		Node: "n1", Pool: s.Pool, Local: local, Look: o.Look,
		DialHost: func(string) *gluster.Client { return gluster.NewClient("unix", c.Dir+"/nobody") },
	}
	reasons, err := g.Ask(context.Background(), false)
	if err != nil || len(reasons) == 0 {
		t.Fatalf("%q, %v: the bricks of the others do not answer", reasons, err)
	}
	if want := 1 + volumes + 1; c.Glusterd.Asked() != want { // the last answer says that there is no other volume
		t.Errorf("%d questions, want %d", c.Glusterd.Asked(), want)
	}
}
