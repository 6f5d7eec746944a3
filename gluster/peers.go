package gluster

import (
	"context"
	"fmt"

	"brickyard/gluster/dict"
)

// PeerState is how far a peer has come on its way into the pool
// (glusterd_friend_sm_state_t, xlators/mgmt/glusterd/src/glusterd-sm.h, 10.3).
type PeerState int

// The states of a peer.
const (
	PeerEstablishing PeerState = iota
	PeerProbeSent
	PeerProbeReceived
	PeerInCluster
	PeerAccepted
	PeerSentAndReceived
	PeerRejected
	PeerDetaching
	PeerProbeReceivedFrom
	PeerConnected
	PeerConnectedAndAccepted
	PeerInvalid
)

// String gives GlusterFS's own words for the state (glusterd_friend_sm_state_names, glusterd-sm.c, 10.3).
func (s PeerState) String() string {
	switch s {
	case PeerEstablishing:
		return "Establishing Connection"
	case PeerProbeSent:
		return "Probe Sent to Peer"
	case PeerProbeReceived:
		return "Probe Received from Peer"
	case PeerInCluster:
		return "Peer in Cluster"
	case PeerAccepted:
		return "Accepted peer request"
	case PeerSentAndReceived:
		return "Sent and Received peer request"
	case PeerRejected:
		return "Peer Rejected"
	case PeerDetaching:
		return "Peer detach in progress"
	case PeerProbeReceivedFrom:
		return "Probe Received from peer"
	case PeerConnected:
		return "Connected to Peer"
	case PeerConnectedAndAccepted:
		return "Peer is connected and Accepted"
	case PeerInvalid:
		return "Invalid State"
	default:
		return fmt.Sprintf("peer state %d", int(s))
	}
}

// Peer is a node of the trusted pool.
type Peer struct {
	// UUID identifies the node; names do not.
	UUID string
	// Names are all names and addresses under which the asked node knows this one, the first being
	// the one that commands print. The asked node itself is "localhost".
	Names []string
	// Connected says whether the asked node has a connection to it.
	Connected bool
	// State is PeerInCluster for the asked node, which does not tell its own.
	State PeerState
	// Local is true for the asked node.
	Local bool
}

// maxListed bounds what is believed of a count in an answer.
const maxListed = 1 << 16

// Peers returns all nodes of the pool, the asked one included. It takes no lock.
func (c *Client) Peers(ctx context.Context) ([]Peer, error) {
	const op = "pool list"
	const poolNodes = 2 // GF_CLI_LIST_POOL_NODES, rpc/xdr/src/cli1-xdr.x
	d, err := c.call(ctx, op, "", procListFriends, peerListRequest(poolNodes), decodePeerList)
	if err != nil {
		return nil, err
	}
	peers, err := parsePeers(d)
	if err != nil {
		return nil, malformed(op, "", err)
	}
	return peers, nil
}

// parsePeers reads the answer of glusterd_list_friends (glusterd-handler.c, 10.3): keys
// friend1... and, last, this node under the name localhost without a state.
func parsePeers(d dict.Dict) ([]Peer, error) {
	count, err := d.Int("count")
	if err != nil {
		return nil, err
	}
	if count < 0 || count > maxListed {
		return nil, fmt.Errorf("%d peers", count)
	}
	var peers []Peer
	for i := 1; i <= count; i++ {
		key := fmt.Sprintf("friend%d.", i)
		p := Peer{
			UUID:      d.String(key + "uuid"),
			Connected: d.IntOr(key+"connected", 0) != 0,
			State:     PeerState(d.IntOr(key+"stateId", 0)),
		}
		if p.UUID == "" {
			return nil, errNoKey(key + "uuid")
		}
		name := d.String(key + "hostname")
		if p.Local = name == "localhost"; p.Local {
			p.State = PeerInCluster
		}
		p.Names = []string{name}
		for j := range min(d.IntOr(key+"hostname_count", 0), maxListed) {
			other := d.String(fmt.Sprintf("%shostname%d", key, j))
			if other == "" {
				break
			}
			if other != name {
				p.Names = append(p.Names, other)
			}
		}
		peers = append(peers, p)
	}
	return peers, nil
}
