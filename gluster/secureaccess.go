package gluster

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// SecureAccess is the file that has glusterd and its clients encrypt the connections of glusterd's port (SECURE_ACCESS_FILE,
// libglusterfs/src/glusterfs/globals.h, 10.3), wherever glusterd keeps everything else. Its unix socket is not encrypted.
const SecureAccess = "/var/lib/glusterd/secure-access"

// EncryptsManagement reports whether this machine's glusterd, or its mounts where it has none, encrypt their connections to
// glusterd's port: then the methods of a Client over TCP fail, in words that do not say why. A file that may be there counts.
func EncryptsManagement() bool {
	_, err := os.Stat(SecureAccess)
	return !errors.Is(err, fs.ErrNotExist)
}

// hungUp reports whether a request ended because the other side hung up, as a glusterd that wants TLS does.
func hungUp(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// Encrypts reports whether glusterd speaks TLS, after a request that failed with err. It asks only where glusterd hung up.
func (c *Client) Encrypts(ctx context.Context, err error) bool {
	if !hungUp(err) || c.network != "tcp" {
		return false
	}
	plain, err := dial(ctx, c.network, c.address)
	if err != nil {
		return false
	}
	defer plain.Close() //nolint:errcheck // nothing was sent but greetings
	if end, ok := ctx.Deadline(); ok {
		if err := plain.SetDeadline(end); err != nil {
			return false
		}
	}
	var refused *net.OpError                                                             // by TLS's own means, as who has no certificate is
	err = tls.Client(plain, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) //nolint:gosec // who it is does not matter, only what it speaks
	return err == nil || errors.As(err, &refused) && refused.Op == "remote error"
}
