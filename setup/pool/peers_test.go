package pool

import (
	"slices"
	"testing"

	"brickyard/gluster"
)

func TestPeers(t *testing.T) {
	byAddress := func(server, address string) func(*Observed) {
		return peer(server, func(p *gluster.Peer) { p.Names = []string{address} })
	}
	for _, c := range []decideCase{
		{
			name: "the leader gives peers known by address only their names", want: wanted(), see: seen(n1, byAddress(n2, "10.0.0.2"), byAddress(n3, "10.0.0.3")),
			steps: []string{"probe peer n2.example.com", "probe peer n3.example.com"},
		},
		{
			name: "another node gives the leader its name, and leaves the third to the leader", node: n2, want: wanted(), see: seen(n2, byAddress(n1, "10.0.0.1"), byAddress(n3, "10.0.0.3")),
			steps: []string{"probe peer n1.example.com"},
		},
		{
			name: "a peer known by a name that the file does not have is known by its UUID", want: wanted(), see: seen(n1, byAddress(n2, "storage-b.internal")),
			steps: []string{"probe peer n2.example.com"},
		},
		{
			name: "names are compared without case", want: wanted(), see: seen(n1, byAddress(n2, "N2.Example.COM")),
		},
		{
			name: "an alias is not enough, since bricks are given by the node's name", want: wanted(), see: seen(n1, byAddress(n2, "n2")),
			steps: []string{"probe peer n2.example.com"},
		},
		{
			name: "a name is not given to a peer that is not connected", want: wanted(),
			see: seen(n1, byAddress(n2, "10.0.0.2"), peer(n2, func(p *gluster.Peer) { p.Connected = false })),
			steps: []string{
				"probe peer n2.example.com after n2.example.com to be connected",
			},
		},
		{
			name: "a disconnected peer of a finished pool is nothing to wait for", want: wanted(), see: seen(n1, gone(n3)),
		},
		{
			name: "two names of one machine are refused", want: wanted(),
			see: seen(n1, func(o *Observed) {
				o.Peers = slices.DeleteFunc(o.Peers, func(p gluster.Peer) bool { return p.UUID == u3 })
				o.Peers[0].Names = []string{n2, n3}
				delete(o.Nodes, n3)
				o.Volumes[0].Bricks[2].PeerUUID = u2
			}),
			conflicts: []string{"peer-twice peer n3.example.com: it and n2.example.com are one machine to GlusterFS (UUID aaaa0002)"},
		},
		{
			name: "a server that has not prepared its bricks may not have the names yet", want: wanted(),
			see: seen(n1, virgin, func(o *Observed) { o.Unprepared = map[string][]string{n3: {brickPath}} }),
			steps: []string{
				"probe peer n2.example.com", "probe peer n3.example.com after apply on n3.example.com to prepare /bricks/server/brick",
				"create volume server after n2.example.com to be in the pool after n3.example.com to be in the pool after apply on n3.example.com to prepare /bricks/server/brick",
				"set options of volume server", "start volume server",
			},
		},
		{
			name: "a clone is refused before it is probed", want: wanted(),
			see: seen(n1, virgin, func(o *Observed) { o.Nodes[n3] = tells(u1) }),
			steps: []string{
				"probe peer n2.example.com",
				"create volume server after n2.example.com to be in the pool after n3.example.com to be in the pool",
				"set options of volume server", "start volume server",
			},
			conflicts: []string{"peer-twice peer n3.example.com: it and n1.example.com are one machine to GlusterFS (UUID aaaa0001)"},
		},
		{
			name: "a rejected peer is a conflict", want: wanted(), see: seen(n1, peer(n2, func(p *gluster.Peer) { p.State = gluster.PeerRejected })),
			conflicts: []string{"peer-rejected peer n2.example.com: the pool rejected it: its volumes differ from this node's"},
		},
		{
			name: "a server that was installed anew is not taken for the one that the pool knows", want: wanted(),
			see:       seen(n1, anew(n2)),
			conflicts: []string{"peer-anew peer n2.example.com: the pool knows it by the UUID aaaa0002, and the machine there calls itself cccc0001: it was installed anew, or another machine has its address"},
		},
		{
			name: "nor is one that the pool rejects for that", want: wanted(),
			see:       seen(n1, peer(n2, func(p *gluster.Peer) { p.State = gluster.PeerRejected }), anew(n2)),
			conflicts: []string{"peer-anew peer n2.example.com: the pool knows it by the UUID aaaa0002, and the machine there calls itself cccc0001: it was installed anew, or another machine has its address"},
		},
		{
			name: "it says so itself, and begins no pool of its own", node: n2, want: wanted(),
			see: seen(n2, anew(n2), func(o *Observed) {
				o.Peers = []gluster.Peer{{UUID: u2, Names: []string{"localhost"}, Local: true, State: gluster.PeerInCluster}}
				o.Volumes = nil
			}),
			steps: []string{
				"create volume server by n1.example.com", "set options of volume server by n1.example.com", "start volume server by n1.example.com",
			},
			conflicts: []string{"peer-anew peer n2.example.com: the pool knows it by the UUID aaaa0002, and the machine there calls itself cccc0001: it was installed anew, or another machine has its address"},
		},
		{
			name: "a peer that is being probed has no UUID yet", want: wanted(),
			see: seen(n1, peer(n2, func(p *gluster.Peer) { p.UUID, p.State = "", gluster.PeerAccepted }), noVolume),
			steps: []string{
				"create volume server after n2.example.com to be connected", "set options of volume server", "start volume server",
			},
			waits: []string{`n2.example.com to be in the pool (it is "Accepted peer request")`},
		},
		{
			name: "a peer on its way into the pool is waited for", want: wanted(), see: seen(n1, peer(n2, func(p *gluster.Peer) { p.State = gluster.PeerAccepted })),
			waits: []string{`n2.example.com to be in the pool (it is "Accepted peer request")`},
		},
		{
			name: "a peer that the file does not name is left alone with a warning", want: wanted(),
			see: seen(n1, func(o *Observed) {
				o.Peers = append(o.Peers, gluster.Peer{UUID: "bbbb", Names: []string{"old.example.com", "10.0.0.9"}, Connected: true, State: gluster.PeerInCluster})
			}),
			warnings: []string{"peer old.example.com, 10.0.0.9 is in the pool but not in the cluster file: left alone"},
		},
	} {
		t.Run(c.name, c.check)
	}
}
