package rpc

import (
	"errors"
	"fmt"

	"brickyard/gluster/xdr"
)

// Message types and versions of RFC 5531, section 9.
const (
	msgCall      = 0
	msgReply     = 1
	rpcVersion   = 2
	replyAccept  = 0
	authNull     = 0
	acceptOK     = 0
	callHeadSize = 40
)

// errNotReply says that a record is a call: glusterd sends some that nobody asked for.
var errNotReply = errors.New("record is not a reply")

// Procedure names one remote procedure.
type Procedure struct {
	Program, Version, Number uint32
}

// String gives program, version and number in the way rpcinfo prints them.
func (p Procedure) String() string {
	return fmt.Sprintf("%d v%d procedure %d", p.Program, p.Version, p.Number)
}

// AcceptStat says what became of a call that the daemon accepted (RFC 5531, section 9).
type AcceptStat uint32

// The values of AcceptStat besides success.
const (
	ProgUnavail AcceptStat = iota + 1
	ProgMismatch
	ProcUnavail
	GarbageArgs
	SystemErr
)

// String gives the names of RFC 5531.
func (s AcceptStat) String() string {
	switch s {
	case acceptOK:
		return "SUCCESS"
	case ProgUnavail:
		return "PROG_UNAVAIL"
	case ProgMismatch:
		return "PROG_MISMATCH"
	case ProcUnavail:
		return "PROC_UNAVAIL"
	case GarbageArgs:
		return "GARBAGE_ARGS"
	case SystemErr:
		return "SYSTEM_ERR"
	default:
		return fmt.Sprintf("accept_stat %d", uint32(s))
	}
}

// RejectedError says that a daemon answered and did not carry the call out. The
// connection stays usable.
type RejectedError struct {
	Procedure Procedure
	// Denied is true where the whole call was refused (version, authentication).
	Denied bool
	// Stat is why, where the call was not denied.
	Stat AcceptStat
}

// Error names the procedure and the reason.
func (e *RejectedError) Error() string {
	if e.Denied {
		return fmt.Sprintf("rpc: %s: call denied", e.Procedure)
	}
	return fmt.Sprintf("rpc: %s: %s", e.Procedure, e.Stat)
}

// appendCall appends a call with AUTH_NULL credential and verifier, which glusterd,
// bricks and self-heal daemons accept (rpc/rpc-lib/src/auth-null.c, 3.12 to 11.1).
func appendCall(b []byte, xid uint32, p Procedure, args []byte) []byte {
	for _, v := range []uint32{xid, msgCall, rpcVersion, p.Program, p.Version, p.Number, authNull, 0, authNull, 0} {
		b = xdr.AppendUint32(b, v)
	}
	return append(b, args...)
}

// parseReply splits a record into its transaction identifier and, where the call
// succeeded, the results. A record that is a call yields errNotReply, a call that was
// not carried out a *RejectedError without its Procedure.
func parseReply(msg []byte) (xid uint32, results []byte, err error) {
	d := xdr.NewDecoder(msg)
	xid = d.Uint32()
	kind := d.Uint32()
	if d.Err() == nil && kind != msgReply {
		return xid, nil, errNotReply
	}
	if stat := d.Uint32(); d.Err() == nil && stat != replyAccept {
		return xid, nil, &RejectedError{Denied: true}
	}
	d.Uint32() // flavour of the verifier
	d.Opaque() // its body
	stat := AcceptStat(d.Uint32())
	if err := d.Err(); err != nil {
		return xid, nil, fmt.Errorf("rpc: reply header: %w", err)
	}
	if stat != acceptOK {
		return xid, nil, &RejectedError{Stat: stat}
	}
	return xid, d.Rest(), nil
}
