package gluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"brickyard/gluster/rpc"
)

// What an *Error may be; compare with errors.Is.
var (
	// ErrNotRunning says that no daemon answers at the address.
	ErrNotRunning = errors.New("glusterd is not running")
	// ErrTransaction says that another command holds a lock, on this node or on another. Try again after a
	// random pause; an early retry by several clients fails all of them.
	ErrTransaction = errors.New("another transaction is in progress")
	// ErrRefused says that GlusterFS understood the request and would not carry it out.
	ErrRefused = errors.New("refused")
	// ErrNoSuchVolume says that the pool has no volume of that name.
	ErrNoSuchVolume = errors.New("no such volume")
	// ErrTimeout says that the daemon or the command did not answer in time. A
	// change that timed out may have been made, or may be made later.
	ErrTimeout = errors.New("timed out")
	// ErrUnreachable says that another node did not answer, or is not connected to the asked one. Trying again may help.
	ErrUnreachable = errors.New("node is not reachable")
	// ErrBrickOffline says that a brick has no process, or one that has not come up yet.
	ErrBrickOffline = errors.New("brick is offline")
	// ErrBrickSilent says that a brick has a port that answers nothing, neither yes nor no: whether it serves is not known.
	ErrBrickSilent = errors.New("the brick's port does not answer")
	// ErrAlready says that a change was not needed: a volume that was started
	// already, a peer that is in the pool already.
	ErrAlready = errors.New("already so")
	// ErrItself says that GlusterFS takes the host of a probe for the node itself.
	ErrItself = errors.New("it is this node itself")
	// ErrUntold says that glusterd was told of a volume by a peer while it ran: where its own bricks of that volume are it knows only
	// after a restart, and takes them for new until then.
	ErrUntold = errors.New("glusterd does not know its own brick until it is restarted")
	// ErrMalformed says that an answer could not be understood.
	ErrMalformed = errors.New("malformed answer")
)

// GlusterFS's own error numbers (glusterd_op_errno, xlators/mgmt/glusterd/src/glusterd-errno.h, 10.3).
const (
	codeAnotTrans = 30802 // EG_ANOTRANS
	codeNoVolume  = 30806 // EG_NOVOL
)

// Error is what went wrong with one request to GlusterFS.
type Error struct {
	// Op is what was asked for, such as "volume status".
	Op string
	// Object is what it was asked of: a volume, a brick or a host. May be empty.
	Object string
	// Code is GlusterFS's op_errno: 30800 and above its own numbers, below them those of the system. 0 where none was given.
	Code int
	// Text is GlusterFS's own explanation, without the final newline. May be empty.
	Text string
	// Kind is one of the Err... values above, or nil.
	Kind error
	// Err is the error below this one, where there is one.
	Err error
}

// Error gives one line: what was asked of what, and why it failed.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Object != "" {
		b.WriteString(" " + e.Object)
	}
	b.WriteString(": ")
	text := strings.Join(strings.Fields(bounded(e.Text)), " ")
	switch {
	case text != "":
		b.WriteString(text)
	case e.Kind != nil && e.Err != nil:
		b.WriteString(e.Kind.Error() + ": " + bounded(e.Err.Error()))
	case e.Kind != nil:
		b.WriteString(e.Kind.Error())
	case e.Err != nil:
		b.WriteString(bounded(e.Err.Error()))
	default:
		b.WriteString("failed without an explanation")
	}
	if text == "" && e.Code > 0 {
		fmt.Fprintf(&b, " (op_errno %d)", e.Code)
	}
	return b.String()
}

// maxText bounds what is kept of a daemon's or program's explanation, in bytes: refusals name a peer or a brick a line.
const maxText = 4096

// bounded is the beginning of a long text, which says that it is one.
func bounded(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + fmt.Sprintf(" ... (%d bytes in all)", len(text))
}

// notNumber is an error of strconv's that quotes no more of a text than a person reads.
func notNumber(err error) error {
	const enough = 64 // bytes
	if number, ok := errors.AsType[*strconv.NumError](err); ok && len(number.Num) > enough {
		return &strconv.NumError{Func: number.Func, Num: number.Num[:enough] + "...", Err: number.Err}
	}
	return err
}

// Unwrap gives the kind and the error below.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// refusal makes the error of a request that GlusterFS answered with op_ret -1. The
// texts are those of glusterd 10.3; the numbers alone do not tell, since most refusals carry 30800.
func refusal(op, object string, code int, text string) *Error {
	e := &Error{Op: op, Object: object, Code: code, Text: bounded(strings.TrimSpace(text)), Kind: ErrRefused}
	switch {
	case code == codeAnotTrans,
		// A peer's lock: glusterd-syncop.c and glusterd-mgmt.c, one line for each peer.
		strings.Contains(text, "Locking failed"),
		strings.Contains(text, "Another transaction"),
		strings.Contains(text, "Another Transaction"):
		e.Kind = ErrTransaction
	case code == codeNoVolume, strings.Contains(text, "does not exist") && strings.HasPrefix(strings.ToLower(text), "volume "):
		e.Kind = ErrNoSuchVolume
	case strings.Contains(text, "already started"), strings.Contains(text, "already in peer list"),
		op == "volume profile" && strings.Contains(text, "is not started"),
		op == "volume stop" && strings.Contains(text, "is not in the started state"):
		e.Kind = ErrAlready
	// The brick is named as the one and as the other brick: it cannot be new (glusterd-reset-brick.c, 10.3).
	case op == "volume reset-brick" && strings.Contains(text, "When destination brick is new"):
		e.Kind = ErrUntold
	case strings.Contains(text, "Probe on localhost not needed"):
		e.Kind = ErrItself
	case code == int(syscall.ENOTCONN), strings.Contains(text, "Peer in Cluster' state"), strings.Contains(text, "glusterds are not running"):
		e.Kind = ErrUnreachable
	}
	return e
}

// unreachable makes the error of a request that was not answered, or not carried out.
func unreachable(op, object string, err error) *Error {
	e := &Error{Op: op, Object: object, Err: err}
	_, rejected := errors.AsType[*rpc.RejectedError](err)
	switch {
	case rejected:
		e.Kind = ErrRefused
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind = ErrTimeout
	case errors.Is(err, ErrForeign):
		// It is named by the error below.
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		e.Kind = ErrNotRunning
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		e.Kind = ErrUnreachable
	}
	return e
}

// malformed makes the error of an answer that could not be decoded.
func malformed(op, object string, err error) *Error {
	return &Error{Op: op, Object: object, Kind: ErrMalformed, Err: err}
}
