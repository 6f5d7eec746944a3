package gluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

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
// hangs up. nil where it does; ErrBrickOffline where it has no port or the machine says that nobody listens there; ErrBrickSilent
// where the port answers nothing, so that nobody knows; other errors are those of BrickPort, and nobody knows either.
func (c *Client) BrickServes(ctx context.Context, brickPath string) error {
	const op = "brick serves"
	port, err := c.BrickPort(ctx, brickPath)
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(c.address)
	if err != nil {
		return unreachable(op, brickPath, err)
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err == nil {
		err = conn.Close()
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Error{Op: op, Object: brickPath, Kind: ErrBrickOffline, Err: err}
	case errors.Is(err, context.Canceled):
		return unreachable(op, brickPath, err)
	default:
		return &Error{Op: op, Object: brickPath, Kind: ErrBrickSilent, Err: err, Text: fmt.Sprintf("its port %d on %s does not answer: a firewall?", port, host)}
	}
}

// BrickKnown reports whether an answer of BrickServes tells that the brick serves, or that it does not.
func BrickKnown(err error) bool { return err == nil || errors.Is(err, ErrBrickOffline) }

// WhyBrick says in words, for persons, why BrickServes did not find that a brick serves.
func WhyBrick(err error) string {
	var e *Error
	var number syscall.Errno
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrBrickOffline):
		return "it has no process that accepts connections"
	case errors.Is(err, ErrNotRunning):
		return "glusterd on its node does not answer"
	case errors.Is(err, ErrUnreachable) && errors.As(err, &number):
		return "its node cannot be reached: " + number.Error()
	case errors.Is(err, ErrBrickSilent) && errors.As(err, &e):
		return e.Text
	case errors.Is(err, ErrTimeout):
		return "glusterd on its node does not answer in time: the node is off or cut off, or a firewall closes port 24007"
	case hungUp(err):
		return "glusterd on its node hangs up: does it encrypt its management connections (" + SecureAccess + " there)?"
	default:
		return err.Error()
	}
}
