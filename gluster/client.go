// Package gluster is a client of GlusterFS's daemons. It reads over their own sockets,
// without cgo, without spawning a program and, where a method does not say otherwise,
// without taking a lock; it makes changes through the gluster command line (CLI).
//
// Wire facts are cited with their source in GlusterFS 10.3; they were compared with
// 3.12 to 11.1 and tried on 9.2, 10.3 and 11.1.
package gluster

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"brickyard/gluster/dict"
	"brickyard/gluster/rpc"
)

// Where a glusterd listens.
const (
	// DefaultSocket is glusterd's unix socket; connecting to it needs root.
	DefaultSocket = "/var/run/glusterd.socket"
	// DefaultPort is glusterd's TCP port. It serves the reads of this package except
	// State to any client, peer or not.
	DefaultPort = 24007
)

// Client reads from one glusterd. It connects with the first call, keeps the connection
// and connects again after an error. Methods are safe for concurrent use and run one at a time.
// A context without a deadline gets Timeout. Every error of a method is an *Error.
type Client struct {
	// Timeout bounds a call whose context has no deadline. 0 means five seconds. Set before first use.
	Timeout time.Duration
	// StateDir is the directory, as glusterd sees it, in which State has glusterd write. It
	// is made where it is missing, and must belong to this user and be closed to others. Set before first use.
	StateDir string
	// Root is where glusterd's root directory is found, for a glusterd in another mount namespace. Set before first use.
	Root string

	network, address string
	conn             *rpc.Conn
	privileged       atomic.Bool // dial from a port below 1024
}

// NewClient returns a client of the glusterd at address: a path with network "unix", where an
// empty one means DefaultSocket; host:port with network "tcp", where a missing port
// means DefaultPort. It does not connect.
func NewClient(network, address string) *Client {
	if network == "unix" && address == "" {
		address = DefaultSocket
	}
	if network == "tcp" {
		if _, _, err := net.SplitHostPort(address); err != nil {
			address = net.JoinHostPort(address, strconv.Itoa(DefaultPort))
		}
	}
	c := &Client{network: network, address: address, StateDir: defaultStateDir}
	c.conn = rpc.NewConn(c.dial, 0, 0)
	return c
}

// Close closes the connection. A later call connects again.
func (c *Client) Close() error { return c.conn.Close() }

// call makes one call of glusterd's CLI program and turns a refusal into an error.
func (c *Client) call(ctx context.Context, op, object string, number uint32, args []byte,
	decode func([]byte) (cliResult, error),
) (dict.Dict, error) {
	body, err := c.exchange(ctx, cliProcedure(number), args)
	if err != nil {
		return nil, unreachable(op, object, err)
	}
	r, err := decode(body)
	if err != nil {
		return nil, malformed(op, object, err)
	}
	if r.ret != 0 {
		return nil, refusal(op, object, r.errno, r.text)
	}
	return r.dict, nil
}

// exchange makes one call within Timeout. Where glusterd insists on source ports below 1024 it
// takes one, if this process may.
func (c *Client) exchange(ctx context.Context, p rpc.Procedure, args []byte) ([]byte, error) {
	if _, ok := ctx.Deadline(); !ok && c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	body, err := c.conn.Call(ctx, p, args)
	rejected, ok := errors.AsType[*rpc.RejectedError](err)
	if ok && rejected.Denied && c.network == "tcp" && c.privileged.CompareAndSwap(false, true) {
		_ = c.conn.Close() //nolint:errcheck // replaced by the next one
		body, err = c.conn.Call(ctx, p, args)
	}
	return body, err
}

// UUID returns the identifier of the node that this glusterd runs on.
func (c *Client) UUID(ctx context.Context) (string, error) {
	const op = "uuid"
	d, err := c.call(ctx, op, "", procUUIDGet, cliRequest(dict.Dict{}), decodeCLIResult)
	if err != nil {
		return "", err
	}
	uuid := d.String("uuid")
	if uuid == "" {
		return "", malformed(op, "", errNoKey("uuid"))
	}
	return uuid, nil
}

// errNoKey says that a key that every answer has is missing.
type errNoKey string

// Error names the key.
func (e errNoKey) Error() string { return "no key " + string(e) }
