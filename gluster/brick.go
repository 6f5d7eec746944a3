package gluster

import (
	"context"
	"fmt"
	"net"

	"brickyard/gluster/dict"
	"brickyard/gluster/rpc"
)

// BrickClient reads from the process of a brick, or from a self-heal daemon, over its
// unix socket: see BrickProcesses and SelfHealProcesses. It takes no lock and involves no glusterd.
// Methods are safe for concurrent use and run one at a time. Every error is an *Error; ErrNotRunning means
// that nobody listens on the socket, as that of a brick that was removed.
type BrickClient struct {
	conn *rpc.Conn
}

// NewBrickClient returns a client of the process that listens on socketPath. It does not connect.
func NewBrickClient(socketPath string) *BrickClient {
	return &BrickClient{conn: rpc.NewConn(func(ctx context.Context) (net.Conn, error) {
		return dial(ctx, "unix", socketPath)
	}, 0, 0)}
}

// Close closes the connection. A later call connects again.
func (c *BrickClient) Close() error { return c.conn.Close() }

// BrickPeer is a process that is connected to a brick: a mount, a self-heal daemon, another
// service of GlusterFS, or a brick's own daemons.
type BrickPeer struct {
	// Address is its host:port.
	Address string
	// Name is what it calls itself, such as
	// CTX_ID:...-GRAPH_ID:0-PID:360-HOST:n1-PC_NAME:rep-client-0-RECON_NO:-0.
	Name string
	// BytesRead and BytesWritten are what the brick received from it and sent to it.
	BytesRead, BytesWritten uint64
	// OpVersion is the level of features that it knows.
	OpVersion int
}

// Clients returns who is connected to the brick at brickPath.
func (c *BrickClient) Clients(ctx context.Context, brickPath string) ([]BrickPeer, error) {
	const op = "brick clients"
	input := dict.New(map[string]string{"brick-name": brickPath})
	input.SetInt("cmd", statusClients)
	d, err := c.call(ctx, op, brickPath, procBrickStatus, brickRequest(brickPath, 0, input))
	if err != nil {
		return nil, err
	}
	peers, err := parseClients(d)
	if err != nil {
		return nil, malformed(op, brickPath, err)
	}
	return peers, nil
}

// parseClients reads the answer of server_client_priv_to_dict (xlators/protocol/server/src/server.c, 10.3).
func parseClients(d dict.Dict) ([]BrickPeer, error) {
	count, err := d.Int("clientcount")
	if err != nil {
		return nil, err
	}
	if count < 0 || count > maxListed {
		return nil, fmt.Errorf("%d clients", count)
	}
	peers := make([]BrickPeer, 0, count)
	for i := range count {
		key := fmt.Sprintf("client%d.", i)
		if !d.Has(key + "hostname") {
			return nil, errNoKey(key + "hostname")
		}
		p := BrickPeer{Address: d.String(key + "hostname"), Name: d.String(key + "name"), OpVersion: d.IntOr(key+"opversion", 0)}
		if p.BytesRead, err = d.Uint64(key + "bytesread"); err != nil {
			return nil, err
		}
		if p.BytesWritten, err = d.Uint64(key + "byteswrite"); err != nil {
			return nil, err
		}
		peers = append(peers, p)
	}
	return peers, nil
}

// PendingHeal is what waits to be healed according to one brick.
type PendingHeal struct {
	// Set and Brick are indices into Volume.ReplicaSets.
	Set, Brick int
	// Entries is the number of files and directories that this brick knows to be stale elsewhere.
	Entries int
	// Status says in GlusterFS's words why there is no number; "" where Entries counts.
	Status string
}

// healCount is GF_SHD_OP_STATISTICS_HEAL_COUNT (gf_xl_afr_op_t, rpc/rpc-lib/src/protocol-common.h).
const healCount = 8

// PendingHeals asks a self-heal daemon how many entries wait to be healed on each brick of a replicated volume.
// replicaSets is the number of sets of the volume. The daemon knows the sets that have a brick
// on its node; for bricks that it cannot reach, and for other sets, Status says why there is no number.
// A daemon that does not serve that many sets of the volume, as where the volume is not started, is ErrRefused.
func (c *BrickClient) PendingHeals(ctx context.Context, volume string, replicaSets int) ([]PendingHeal, error) {
	const op = "pending heals"
	pairs, err := c.healOp(ctx, op, volume, replicaSets, healCount)
	if err != nil && len(pairs) == 0 {
		return nil, err
	}
	// A daemon that reaches no brick of a set says so, brick by brick, and calls the whole answer a failure.
	d, derr := dict.Unmarshal(pairs)
	if derr != nil {
		return nil, malformed(op, volume, derr)
	}
	heals := parsePendingHeals(d, replicaSets)
	if heals == nil && err == nil {
		err = notServed(op, volume, replicaSets)
	}
	if heals == nil {
		return nil, err
	}
	return heals, nil
}

// healOp asks a self-heal daemon for one of its operations on all sets of a volume.
func (c *BrickClient) healOp(ctx context.Context, op, volume string, replicaSets, number int) ([]byte, error) {
	input := dict.Dict{}
	input.SetInt("xl-op", number)
	input.SetInt("count", replicaSets)
	for i := range replicaSets {
		set := fmt.Sprintf("%s-replicate-%d", volume, i)
		input.SetString(fmt.Sprintf("xl-%d", i), set)
		input.SetInt(set, i)
	}
	return c.pairs(ctx, op, volume, procBrickXlatorOp, brickRequest("", 0, input))
}

func notServed(op, volume string, replicaSets int) error {
	text := fmt.Sprintf("the self-heal daemon does not serve %d replica sets of the volume", replicaSets)
	return &Error{Op: op, Object: volume, Kind: ErrRefused, Text: text}
}

// parsePendingHeals reads the answer of afr_xl_op (xlators/cluster/afr/src/afr-self-heald.c,
// 10.3): SET-BRICK-hardlinks or SET-BRICK-status. Where one set is unknown the daemon answers nothing, with success; then nil.
func parsePendingHeals(d dict.Dict, replicaSets int) []PendingHeal {
	var heals []PendingHeal
	for set := range replicaSets {
		for brick := 0; ; brick++ {
			key := fmt.Sprintf("%d-%d-", set, brick)
			h := PendingHeal{Set: set, Brick: brick, Status: d.String(key + "status")}
			n, err := d.Int(key + "hardlinks")
			if err != nil && h.Status == "" {
				break
			}
			if h.Entries = n; n < 0 {
				// No such answer may say that nothing waits.
				h.Entries, h.Status = 0, "the daemon counts fewer than none"
			}
			heals = append(heals, h)
		}
	}
	return heals
}

func (c *BrickClient) call(ctx context.Context, op, object string, number uint32, args []byte) (dict.Dict, error) {
	pairs, err := c.pairs(ctx, op, object, number, args)
	if err != nil {
		return nil, err
	}
	d, err := dict.Unmarshal(pairs)
	if err != nil {
		return nil, malformed(op, object, err)
	}
	return d, nil
}

// pairs makes a call and returns the dict of its answer as it came, for dict.Each; that of a refusal as well, with the refusal.
func (c *BrickClient) pairs(ctx context.Context, op, object string, number uint32, args []byte) ([]byte, error) {
	p := rpc.Procedure{Program: programBrick, Version: versionBrick, Number: number}
	body, err := c.conn.Call(ctx, p, args)
	if err != nil {
		return nil, unreachable(op, object, err)
	}
	r, pairs, err := decodeBrickResult(body)
	if err != nil {
		return nil, malformed(op, object, err)
	}
	if r.ret != 0 {
		return pairs, refusal(op, object, r.errno, r.text)
	}
	return pairs, nil
}
