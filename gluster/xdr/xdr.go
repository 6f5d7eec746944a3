// Package xdr encodes and decodes the few XDR types (RFC 4506) that GlusterFS's
// remote procedures use: 32-bit integers, strings and opaque byte sequences.
package xdr

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of a Decoder. They are wrapped with the offset at which decoding stopped.
var (
	// ErrShort says that the message ended inside a value.
	ErrShort = errors.New("message ends inside a value")
	// ErrPadding says that the filling of a string or opaque was not zero (RFC 4506, section 4.10).
	ErrPadding = errors.New("padding is not zero")
)

// AppendUint32 appends v as four big-endian bytes.
func AppendUint32(b []byte, v uint32) []byte {
	return binary.BigEndian.AppendUint32(b, v)
}

// AppendInt32 appends v in two's complement as four big-endian bytes.
func AppendInt32(b []byte, v int32) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(v)) //nolint:gosec // the wire form of a negative number
}

// AppendOpaque appends the length of v, v itself and zeroes up to a multiple of four bytes.
// It also serves XDR strings, which have the same form.
func AppendOpaque[T ~string | ~[]byte](b []byte, v T) []byte {
	b = AppendUint32(b, uint32(len(v))) //nolint:gosec // what we send is far below 4 GiB
	b = append(b, v...)
	for range pad(len(v)) {
		b = append(b, 0)
	}
	return b
}

// pad is the number of bytes that fill n up to a multiple of four.
func pad(n int) int { return -n & 3 }

// Decoder reads values from the front of one message. After the first error every
// further read returns a zero value, so that callers check Err once at the end.
// It never allocates more than the message it was given holds.
type Decoder struct {
	msg []byte
	off int
	err error
}

// NewDecoder returns a Decoder of msg. The opaque values it returns alias msg.
func NewDecoder(msg []byte) *Decoder { return &Decoder{msg: msg} }

// Uint32 reads four bytes.
func (d *Decoder) Uint32() uint32 {
	b := d.take(4)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

// Int32 reads four bytes as a number in two's complement.
func (d *Decoder) Int32() int32 {
	return int32(d.Uint32()) //nolint:gosec // the wire form of a negative number
}

// Opaque reads a byte sequence with its length in front and its padding behind.
// The result aliases the message.
func (d *Decoder) Opaque() []byte {
	n := d.Uint32()
	if d.err != nil {
		return nil
	}
	if uint64(n) > uint64(d.remaining()) {
		d.fail(ErrShort)
		return nil
	}
	v := d.take(int(n))
	for _, c := range d.take(pad(int(n))) {
		if c != 0 {
			d.fail(ErrPadding)
			return nil
		}
	}
	if d.err != nil {
		return nil
	}
	return v
}

// String reads a string in the same form as Opaque.
func (d *Decoder) String() string { return string(d.Opaque()) }

// Rest returns what has not been read yet. It aliases the message.
func (d *Decoder) Rest() []byte {
	if d.err != nil {
		return nil
	}
	return d.msg[d.off:]
}

// Err returns the first error met, with the offset in bytes where it was met.
func (d *Decoder) Err() error { return d.err }

func (d *Decoder) remaining() int { return len(d.msg) - d.off }

func (d *Decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n > d.remaining() {
		d.fail(ErrShort)
		return nil
	}
	v := d.msg[d.off : d.off+n : d.off+n]
	d.off += n
	return v
}

func (d *Decoder) fail(err error) {
	d.err = fmt.Errorf("xdr: offset %d: %w", d.off, err)
}
