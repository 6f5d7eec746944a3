package actual

import (
	"context"
	"sync"
	"testing"
	"time"

	"brickyard/gluster"
)

func TestPeersThatJustConnectedAreLeftAlone(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	peers := func(connected ...bool) []gluster.Peer {
		out := []gluster.Peer{{UUID: "self", Local: true, State: gluster.PeerInCluster}}
		for i, c := range connected {
			out = append(out, gluster.Peer{UUID: string(rune('a' + i)), Connected: c, State: gluster.PeerInCluster})
		}
		return out
	}
	started := now.Add(-time.Hour)
	o := &Observer{Now: func() time.Time { return now }, Started: func() time.Time { return started }}
	look := func(what string, want bool, connected ...bool) {
		t.Helper()
		o.note(peers(connected...))
		if got := o.Joining(); got != want {
			t.Errorf("%s: %t", what, got)
		}
	}
	look("nobody knows since when, and glusterd is old", false, true, false)
	look("a peer connects", true, true, true)
	now = now.Add(joining - time.Second)
	look("it did so a moment ago", true, true, true)
	now = now.Add(time.Second)
	look("it is there for a while", false, true, true)
	look("it goes", false, true, false)
	look("and comes back", true, true, true)
	now = now.Add(time.Minute)
	look("for good", false, true, true)

	o.since, started = nil, now.Add(-time.Second)
	look("this node's glusterd has just started", true, true, true)
	o.since = nil
	look("and has no peers yet", false, false, false)
}

// Each of a node's bricks wants to know it, and the answer is the node's.
func TestANodeIsAskedOnceALookWhetherItIsDeaf(t *testing.T) {
	var mu sync.Mutex
	asked := map[*gluster.Client]int{}
	clients := map[string]*gluster.Client{"n1": gluster.NewClient("unix", "/1"), "n2": gluster.NewClient("unix", "/2")}
	deaf := onceEach(func(_ context.Context, c *gluster.Client) bool {
		mu.Lock()
		defer mu.Unlock()
		asked[c]++
		return c == clients["n2"]
	})
	var wg sync.WaitGroup
	for range 50 {
		for node, c := range clients {
			wg.Go(func() {
				if got := deaf(t.Context(), node, c); got != (node == "n2") {
					t.Errorf("%s: %t", node, got)
				}
			})
		}
	}
	wg.Wait()
	if asked[clients["n1"]] != 1 || asked[clients["n2"]] != 1 {
		t.Errorf("%v", asked)
	}
}
