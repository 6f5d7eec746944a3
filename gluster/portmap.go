package gluster

import (
	"context"
	"net"
	"strconv"

	"brickyard/gluster/rpc"
	"brickyard/gluster/xdr"
)

// BrickPort returns the TCP port of a brick of the asked node, by the brick's directory. It takes no lock and is what
// mounting clients ask, so that any machine may. ErrBrickOffline where the brick has no port: it is down, has not
// registered yet, or is not on this node.
//
// glusterd has this on its TCP port only: on a unix socket it is ErrRefused.
func (c *Client) BrickPort(ctx context.Context, brickPath string) (int, error) {
	const op = "brick port"
	if c.network != "tcp" {
		return 0, &Error{Op: op, Object: brickPath, Kind: ErrRefused, Text: "glusterd answers this on its TCP port only"}
	}
	// pmap_port_by_brick_req and _rsp, rpc/xdr/src/portmap-xdr.x (3.12 to 11.1).
	p := rpc.Procedure{Program: programPortmap, Version: versionPortmap, Number: procPortByBrick}
	body, err := c.exchange(ctx, p, xdr.AppendOpaque(nil, brickPath))
	if err != nil {
		return 0, unreachable(op, brickPath, err)
	}
	x := xdr.NewDecoder(body)
	ret, errno, _, port := x.Int32(), x.Int32(), x.Int32(), x.Int32()
	if err := x.Err(); err != nil {
		return 0, malformed(op, brickPath, err)
	}
	if ret != 0 || port <= 0 {
		return 0, &Error{Op: op, Object: brickPath, Code: int(errno), Kind: ErrBrickOffline}
	}
	return int(port), nil
}

// BrickServes reports whether a brick of the asked node accepts connections: it asks for the brick's port, connects and
// hangs up. nil where it does, ErrBrickOffline where it has no port or nobody listens there; other errors are those of BrickPort.
func (c *Client) BrickServes(ctx context.Context, brickPath string) error {
	port, err := c.BrickPort(ctx, brickPath)
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(c.address)
	if err != nil {
		return unreachable("brick serves", brickPath, err)
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err == nil {
		err = conn.Close()
	}
	if err != nil {
		return &Error{Op: "brick serves", Object: brickPath, Kind: ErrBrickOffline, Err: err}
	}
	return nil
}
