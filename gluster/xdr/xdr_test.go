package xdr_test

import (
	"bytes"
	"errors"
	"testing"

	"brickyard/gluster/xdr"
)

func TestDecoderReadsWhatWasAppended(t *testing.T) {
	msg := xdr.AppendUint32(nil, 4026531841)
	msg = xdr.AppendInt32(msg, -1)
	msg = xdr.AppendOpaque(msg, "")
	msg = xdr.AppendOpaque(msg, "abcde")
	msg = xdr.AppendOpaque(msg, []byte{0, 1, 2, 3})
	if want := 4 + 4 + 4 + 4 + 8 + 4 + 4; len(msg) != want {
		t.Errorf("%d bytes, want %d", len(msg), want)
	}
	d := xdr.NewDecoder(msg)
	if u, i, s, text, b := d.Uint32(), d.Int32(), d.String(), d.String(), d.Opaque(); u != 4026531841 || i != -1 ||
		s != "" || text != "abcde" || !bytes.Equal(b, []byte{0, 1, 2, 3}) {
		t.Errorf("%d %d %q %q %v", u, i, s, text, b)
	}
	if len(d.Rest()) != 0 || d.Err() != nil {
		t.Errorf("%v, %v", d.Rest(), d.Err())
	}
}

func TestDecoderRefuses(t *testing.T) {
	for _, tc := range []struct {
		name string
		msg  []byte
		want error
	}{
		{"nothing", nil, xdr.ErrShort},
		{"a length without bytes", []byte{0, 0, 0, 9, 1}, xdr.ErrShort},
		{"the longest length", []byte{255, 255, 255, 255, 1, 2, 3, 4}, xdr.ErrShort},
		{"missing padding", []byte{0, 0, 0, 1, 'a'}, xdr.ErrShort},
		{"padding that is not zero", []byte{0, 0, 0, 1, 'a', 0, 1, 0}, xdr.ErrPadding},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := xdr.NewDecoder(tc.msg)
			if v := d.Opaque(); v != nil || !errors.Is(d.Err(), tc.want) {
				t.Errorf("%v, %v", v, d.Err())
			}
			first := d.Err()
			if d.Uint32() != 0 || d.String() != "" || d.Rest() != nil || !errors.Is(d.Err(), first) {
				t.Error("goes on after an error")
			}
		})
	}
}

// FuzzDecoder checks that whatever decodes encodes to the same bytes, and that nothing is
// read beyond the message.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 5, 'a', 'b', 'c', 'd', 'e', 0, 0, 0, 9})
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, msg []byte) {
		d := xdr.NewDecoder(msg)
		n, s := d.Int32(), d.Opaque()
		rest := d.Rest()
		if d.Err() != nil {
			return
		}
		again := append(xdr.AppendOpaque(xdr.AppendInt32(nil, n), s), rest...)
		if !bytes.Equal(again, msg) {
			t.Errorf("%x became %x", msg, again)
		}
	})
}
