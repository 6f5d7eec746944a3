package gluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// firstPrivileged and lastPrivileged bound the source ports that only a privileged process may
// use. A glusterd with "option rpc-auth-allow-insecure off", not the default since 3.7, denies calls from other ports
// (rpcsvc_handle_rpc_call, rpc/rpc-lib/src/rpcsvc.c, 10.3). Those below 512 belong to well-known services.
const (
	firstPrivileged = 512
	lastPrivileged  = 1023
)

// dial connects to the Client's daemon.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	if c.privileged.Load() {
		return dialPrivileged(ctx, c.address)
	}
	return dial(ctx, c.network, c.address)
}

// dial connects, and hangs up on another user than root: see provePeer.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if _, err := provePeer(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// dialPrivileged connects from the highest free port below 1024.
func dialPrivileged(ctx context.Context, address string) (net.Conn, error) {
	for port := lastPrivileged; port >= firstPrivileged; port-- {
		d := net.Dialer{LocalAddr: &net.TCPAddr{Port: port}}
		conn, err := d.DialContext(ctx, "tcp", address)
		if errors.Is(err, syscall.EACCES) {
			return nil, fmt.Errorf("the daemon insists on a source port below 1024: %w", err)
		}
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return conn, err
		}
	}
	return nil, syscall.EADDRINUSE
}
