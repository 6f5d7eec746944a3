package gluster

import (
	"context"
	"fmt"
	"syscall"

	"brickyard/gluster/rpc"
	"brickyard/gluster/xdr"
)

// GLUSTER_HNDSK_PROGRAM (rpc/rpc-lib/src/protocol-common.h), on glusterd.
const (
	programHandshake = 14398633
	versionHandshake = 2
	procGetSpec      = 2
)

// ServerVolfilePath is the file that glusterd hands out as the volfile
// "gluster/NAME" (build_volfile_path, glusterd-handshake.c, 3.12 to 11.1).
func ServerVolfilePath(name string) string {
	return fmt.Sprintf("/var/lib/glusterd/%s/%s-server.vol", name, name)
}

// ServerVolfile returns the contents of ServerVolfilePath on the asked node, and
// whether there is one. Any machine may ask; it takes no lock.
func (c *Client) ServerVolfile(ctx context.Context, name string) (text string, found bool, err error) {
	const op = "volfile"
	// gf_getspec_req and _rsp, rpc/xdr/src/glusterfs3-xdr.x.
	args := xdr.AppendUint32(nil, 0)
	args = xdr.AppendOpaque(args, "gluster/"+name)
	args = xdr.AppendOpaque(args, "")
	body, err := c.exchange(ctx, rpc.Procedure{Program: programHandshake, Version: versionHandshake, Number: procGetSpec}, args)
	if err != nil {
		return "", false, unreachable(op, name, err)
	}
	s, err := decodeSpec(body)
	switch {
	case err != nil:
		return "", false, malformed(op, name, err)
	case s.ret >= 0:
		return s.text, true, nil
	case s.errno == int32(syscall.ENOENT), s.errno == 0:
		return "", false, nil
	default:
		return "", false, refusal(op, name, int(s.errno), "")
	}
}

// spec is the beginning of gf_getspec_rsp.
type spec struct {
	ret, errno int32
	text       string
}

func decodeSpec(body []byte) (spec, error) {
	x := xdr.NewDecoder(body)
	s := spec{ret: x.Int32(), errno: x.Int32(), text: x.String()}
	return s, x.Err()
}
