package gluster

import (
	"brickyard/gluster/dict"
	"brickyard/gluster/rpc"
	"brickyard/gluster/xdr"
)

// Programs and procedures: rpc/rpc-lib/src/protocol-common.h. Numbers and versions are
// the same in GlusterFS 3.12 to 11.1.
const (
	programCLI          = 1238463  // GLUSTER_CLI_PROGRAM, on glusterd
	programPortmap      = 34123456 // GLUSTER_PMAP_PROGRAM, on glusterd's TCP port
	programBrick        = 4867634  // GD_BRICK_PROGRAM, on bricks and self-heal daemons
	versionCLI          = 2
	versionPortmap      = 1
	versionBrick        = 2
	procListFriends     = 3
	procGetVolume       = 5
	procStatusVolume    = 27
	procListVolume      = 33
	procUUIDGet         = 36
	procGetState        = 46
	procPortByBrick     = 1
	procBrickXlatorInfo = 2
	procBrickXlatorOp   = 3
	procBrickStatus     = 4
)

// cliProcedure names a procedure of glusterd's CLI program.
func cliProcedure(number uint32) rpc.Procedure {
	return rpc.Procedure{Program: programCLI, Version: versionCLI, Number: number}
}

// cliResult is gf_cli_rsp and gf1_cli_peer_list_rsp, which lacks the text
// (rpc/xdr/src/cli1-xdr.x, 10.3).
type cliResult struct {
	ret, errno int
	text       string
	dict       dict.Dict
}

// cliRequest is gf_cli_req: one dict.
func cliRequest(d dict.Dict) []byte {
	return xdr.AppendOpaque(nil, d.Marshal())
}

// peerListRequest is gf1_cli_peer_list_req. Flag 2 asks for this node as well
// (GF_CLI_LIST_POOL_NODES).
func peerListRequest(flags int32) []byte {
	b := xdr.AppendInt32(nil, flags)
	return xdr.AppendOpaque(b, dict.Dict{}.Marshal())
}

// brickRequest is gd1_mgmt_brick_op_req of GlusterFS 7 and later; older bricks ignore
// the last field (rpc/xdr/src/glusterd1-xdr.x).
func brickRequest(name string, op int32, input dict.Dict) []byte {
	b := xdr.AppendOpaque(nil, name)
	b = xdr.AppendInt32(b, op)
	b = xdr.AppendOpaque(b, input.Marshal())
	return xdr.AppendOpaque(b, "")
}

func decodeCLIResult(body []byte) (cliResult, error) {
	x := xdr.NewDecoder(body)
	r := cliResult{ret: int(x.Int32()), errno: int(x.Int32()), text: x.String()}
	pairs := x.Opaque()
	return r.withDict(x.Err(), pairs)
}

func decodePeerList(body []byte) (cliResult, error) {
	x := xdr.NewDecoder(body)
	r := cliResult{ret: int(x.Int32()), errno: int(x.Int32())}
	pairs := x.Opaque()
	return r.withDict(x.Err(), pairs)
}

// decodeBrickResult reads gd1_mgmt_brick_op_rsp. Its dict is left as it came.
func decodeBrickResult(body []byte) (r cliResult, pairs []byte, err error) {
	x := xdr.NewDecoder(body)
	r = cliResult{ret: int(x.Int32()), errno: int(x.Int32())}
	pairs = x.Opaque()
	r.text = x.String()
	return r, pairs, x.Err()
}

func (r cliResult) withDict(err error, pairs []byte) (cliResult, error) {
	if err != nil {
		return r, err
	}
	r.dict, err = dict.Unmarshal(pairs)
	return r, err
}
