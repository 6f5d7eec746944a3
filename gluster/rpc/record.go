// Package rpc is the ONC RPC (RFC 5531) client of GlusterFS's daemons: record
// marking, call and reply headers, and one kept connection that serialises calls.
package rpc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// lastFragment marks the last fragment of a record (RFC 5531, section 11).
const lastFragment = 1 << 31

// ErrTooLarge says that a record is longer than the limit of the connection.
var ErrTooLarge = errors.New("record too large")

// maxFragments bounds the fragments of one record. GlusterFS sends one
// (rpc/rpc-transport/socket/src/socket.c, 10.3).
const maxFragments = 1024

// AppendRecord appends msg to b as a record of one fragment.
func AppendRecord(b, msg []byte) ([]byte, error) {
	if len(msg) >= lastFragment {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(msg))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(msg))|lastFragment) //nolint:gosec // checked above
	return append(b, msg...), nil
}

// ReadRecord reads one record of at most limit bytes. It returns io.EOF where the
// stream ends between records and io.ErrUnexpectedEOF where it ends inside one.
// What it allocates grows with what was received, not with what a header claims.
func ReadRecord(r io.Reader, limit int) ([]byte, error) {
	var msg []byte
	for i := 0; ; i++ {
		var head [4]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			if i > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		mark := binary.BigEndian.Uint32(head[:])
		size := int64(mark &^ lastFragment)
		if int64(len(msg))+size > int64(limit) || i >= maxFragments {
			return nil, fmt.Errorf("%w: more than %d bytes or %d fragments", ErrTooLarge, limit, maxFragments)
		}
		var err error
		if msg, err = appendN(msg, r, size); err != nil {
			return nil, err
		}
		if mark&lastFragment != 0 {
			return msg, nil
		}
	}
}

// chunk is how much is allocated ahead of what has arrived.
const chunk = 64 << 10

// appendN appends the next n bytes of r to b.
func appendN(b []byte, r io.Reader, n int64) ([]byte, error) {
	for n > 0 {
		step := int(min(n, chunk))
		start := len(b)
		b = append(b, make([]byte, step)...)
		if _, err := io.ReadFull(r, b[start:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		n -= int64(step)
	}
	return b, nil
}
