package rpc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// Defaults of a Conn.
const (
	// DefaultTimeout bounds a call whose context has no deadline.
	DefaultTimeout = 5 * time.Second
	// DefaultMaxRecord is the longest reply accepted, in bytes. A volume status of a
	// thousand bricks with details is below 2 MiB.
	DefaultMaxRecord = 16 << 20
)

// Dialer opens the connection of a Conn. It honours the deadline of the context.
type Dialer func(ctx context.Context) (net.Conn, error)

// Conn makes calls over one connection, one at a time. It connects with the first call,
// keeps the connection, and connects again after an error. It is safe for
// concurrent use; a caller that waits for its turn honours its context.
type Conn struct {
	dial      Dialer
	timeout   time.Duration
	maxRecord int

	turn   chan struct{} // holds one token; whoever took it owns the fields below
	conn   net.Conn
	reader *bufio.Reader
	xid    uint32
}

// NewConn returns a Conn that opens connections with dial, bounds calls without a
// deadline to timeout and replies to maxRecord bytes; zero means the default.
func NewConn(dial Dialer, timeout time.Duration, maxRecord int) *Conn {
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	if maxRecord <= 0 {
		maxRecord = DefaultMaxRecord
	}
	c := &Conn{dial: dial, timeout: timeout, maxRecord: maxRecord, turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// Call calls p with args in XDR and returns the results in XDR.
//
// A call that found a kept connection broken, as after a restart of the daemon, is made
// once more on a new connection: use Call for procedures that only read.
// Errors: what the Dialer returned, context.DeadlineExceeded or context.Canceled where
// the time ran out, *RejectedError, ErrTooLarge, or an error of the connection. All but
// *RejectedError close the connection.
func (c *Conn) Call(ctx context.Context, p Procedure, args []byte) ([]byte, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	kept := c.conn != nil
	results, err := c.call(ctx, p, args)
	if kept && c.conn == nil && isBroken(err) && ctx.Err() == nil {
		results, err = c.call(ctx, p, args)
	}
	return results, err
}

// Close closes the connection, waiting for a call under way. A later Call connects again.
func (c *Conn) Close() error {
	<-c.turn
	defer func() { c.turn <- struct{}{} }()
	return c.drop()
}

func (c *Conn) call(ctx context.Context, p Procedure, args []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.conn == nil {
		conn, err := c.dial(ctx)
		if err != nil {
			return nil, inTime(ctx, err)
		}
		c.conn, c.reader = conn, bufio.NewReader(conn)
	}
	conn := c.conn
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, c.drop())
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // the read below reports it
	defer stop()

	results, err := c.exchange(p, args)
	if rejected, ok := errors.AsType[*RejectedError](err); ok {
		rejected.Procedure = p
		return nil, err
	}
	if err != nil {
		// What is left on the connection belongs to this call: nobody else may read it.
		_ = c.drop() //nolint:errcheck // the call's own error says more
		return nil, inTime(ctx, err)
	}
	return results, nil
}

func (c *Conn) exchange(p Procedure, args []byte) ([]byte, error) {
	c.xid++
	xid := c.xid
	msg := appendCall(make([]byte, 0, callHeadSize+len(args)), xid, p, args)
	record, err := AppendRecord(make([]byte, 0, len(msg)+4), msg)
	if err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(record); err != nil {
		return nil, err
	}
	for {
		reply, err := ReadRecord(c.reader, c.maxRecord)
		if err != nil {
			return nil, err
		}
		got, results, err := parseReply(reply)
		// glusterd tells its clients of changed volfiles by calls of program 52743234
		// (xlators/mgmt/glusterd/src/glusterd.c, glusterd_fetchspec_notify, 10.3).
		if errors.Is(err, errNotReply) {
			continue
		}
		if got != xid {
			return nil, fmt.Errorf("rpc: reply to call %d while waiting for %d", got, xid)
		}
		return results, err
	}
}

func (c *Conn) drop() error {
	if c.conn == nil {
		return nil
	}
	conn := c.conn
	c.conn, c.reader = nil, nil
	return conn.Close()
}

// inTime replaces what the connection says about a passed deadline by the context's own
// error, so that callers have one thing to compare with.
func inTime(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return context.DeadlineExceeded
	}
	return err
}

// isBroken says whether the other end has gone away before it answered.
func isBroken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}
