package dict_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"brickyard/gluster/dict"
	"brickyard/gluster/xdr"
)

func TestValues(t *testing.T) {
	d := dict.New(map[string]string{"volname": "server"})
	d.SetInt("cmd", -3)
	d.SetString("size", "18446744073709551615")
	d["uuid"] = []byte{1, 0, 2, 0}
	again, err := dict.Unmarshal(d.Marshal())
	if err != nil || !maps.EqualFunc(d, again, bytes.Equal) {
		t.Fatalf("%v became %v, %v", d, again, err)
	}
	if n, err := again.Int("cmd"); err != nil || n != -3 {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := again.Uint64("size"); err != nil || n != 1<<64-1 {
		t.Errorf("%d, %v", n, err)
	}
	if again.String("volname") != "server" || again.String("none") != "" || !again.Has("cmd") || again.Has("none") {
		t.Errorf("%v", again)
	}
	for _, key := range []string{"none", "volname"} {
		if _, err := again.Int(key); err == nil {
			t.Errorf("%s is a number", key)
		}
		if _, err := again.Uint64(key); err == nil {
			t.Errorf("%s is a size", key)
		}
		if again.IntOr(key, 7) != 7 {
			t.Errorf("%s has a number", key)
		}
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	pair := func(count, keyLen, valLen uint32, rest string) []byte {
		b := binary.BigEndian.AppendUint32(nil, count)
		b = binary.BigEndian.AppendUint32(b, keyLen)
		b = binary.BigEndian.AppendUint32(b, valLen)
		return append(b, rest...)
	}
	for name, b := range map[string][]byte{
		"less than a count":                 {0, 0},
		"more pairs than bytes":             pair(1000, 1, 1, "k\x00v"),
		"the largest count":                 pair(0xffffffff, 1, 1, "k\x00v"),
		"a key beyond the end":              pair(1, 100, 1, "k\x00v"),
		"a value beyond the end":            pair(1, 1, 100, "k\x00v"),
		"lengths whose sum overflows":       pair(1, 0xffffffff, 0xffffffff, "k\x00v"),
		"no NUL byte behind the key":        pair(1, 1, 1, "kkv"),
		"an end inside the second's header": append(pair(2, 9, 1, "123456789\x00v"), 0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			if d, err := dict.Unmarshal(b); !errors.Is(err, dict.ErrFormat) {
				t.Errorf("%v, %v", d, err)
			}
		})
	}
	if d, err := dict.Unmarshal(nil); err != nil || len(d) != 0 {
		t.Errorf("nothing: %v, %v", d, err)
	}
}

// FuzzUnmarshal checks that whatever decodes survives another round, and that it is no larger than its input.
// Its seeds are dicts that daemons of several versions sent.
func FuzzUnmarshal(f *testing.F) {
	files, err := filepath.Glob("../testdata/glusterfs-*/*.bin")
	if err != nil || len(files) == 0 {
		f.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file) //nolint:gosec // test data
		if err != nil {
			f.Fatal(err)
		}
		x := xdr.NewDecoder(b)
		x.Uint32()
		x.Uint32()
		if first, second := x.Opaque(), x.Opaque(); len(first) > 0 { // LIST_FRIENDS has no text
			f.Add(first)
		} else {
			f.Add(second)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := dict.Unmarshal(b)
		if err != nil {
			return
		}
		size := 4
		for _, k := range slices.Sorted(maps.Keys(d)) {
			size += 8 + len(k) + 1 + len(d[k])
		}
		if size > max(len(b), 4) {
			t.Errorf("%d bytes from %d", size, len(b))
		}
		again, err := dict.Unmarshal(d.Marshal())
		if err != nil || !maps.EqualFunc(d, again, bytes.Equal) {
			t.Errorf("%v became %v, %v", d, again, err)
		}
	})
}
