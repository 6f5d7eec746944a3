// Package dict reads and writes GlusterFS's dict_t in the form in which it crosses
// the wire: a list of pairs without types, where every value but a few is text.
//
// Source: libglusterfs/src/dict.c, dict_serialize_lk and dict_unserialize
// (GlusterFS 10.3; unchanged from 3.12 to 11.1).
package dict

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// ErrFormat is wrapped by every error of Unmarshal.
var ErrFormat = errors.New("malformed dict")

// pairHeader is the size in bytes of the key and value lengths in front of a pair.
const pairHeader = 8

// Dict holds the pairs of a dict_t. Values are kept as they were on the wire, with
// the NUL byte that ends a text; use String and Int to read them.
type Dict map[string][]byte

// New makes a Dict of texts, as SetString does for each pair.
func New(pairs map[string]string) Dict {
	d := make(Dict, len(pairs))
	for k, v := range pairs {
		d.SetString(k, v)
	}
	return d
}

// SetString stores a text in the form GlusterFS expects, with the NUL byte behind it.
func (d Dict) SetString(key, value string) {
	d[key] = append([]byte(value), 0)
}

// SetInt stores a number as decimal text.
func (d Dict) SetInt(key string, value int) {
	d.SetString(key, strconv.Itoa(value))
}

// Has says whether the key is present.
func (d Dict) Has(key string) bool {
	_, ok := d[key]
	return ok
}

// String returns a text without its NUL byte, or "" where the key is missing.
func (d Dict) String(key string) string {
	return string(bytes.TrimSuffix(d[key], []byte{0}))
}

// Int returns a number that is stored as decimal text. A key that is missing or
// holds something else is an error that names the key.
func (d Dict) Int(key string) (int, error) {
	v, ok := d[key]
	if !ok {
		return 0, fmt.Errorf("dict: no key %q", key)
	}
	n, err := strconv.Atoi(string(bytes.TrimSuffix(v, []byte{0})))
	if err != nil {
		return 0, fmt.Errorf("dict: key %q: %w", key, err)
	}
	return n, nil
}

// IntOr returns the number of the key, or def where the key is missing or is not a number.
func (d Dict) IntOr(key string, def int) int {
	n, err := d.Int(key)
	if err != nil {
		return def
	}
	return n
}

// Uint64 returns a number that is stored as decimal text, such as a size in bytes.
func (d Dict) Uint64(key string) (uint64, error) {
	v, ok := d[key]
	if !ok {
		return 0, fmt.Errorf("dict: no key %q", key)
	}
	n, err := strconv.ParseUint(string(bytes.TrimSuffix(v, []byte{0})), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("dict: key %q: %w", key, err)
	}
	return n, nil
}

// Float returns a number that is stored as decimal text, such as a mean.
func (d Dict) Float(key string) (float64, error) {
	v, ok := d[key]
	if !ok {
		return 0, fmt.Errorf("dict: no key %q", key)
	}
	n, err := strconv.ParseFloat(string(bytes.TrimSuffix(v, []byte{0})), 64)
	if err != nil {
		return 0, fmt.Errorf("dict: key %q: %w", key, err)
	}
	return n, nil
}

// Marshal writes the pairs in the order of their keys.
func (d Dict) Marshal() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(d))) //nolint:gosec // a request holds a handful of pairs
	for _, k := range slices.Sorted(maps.Keys(d)) {
		v := d[k]
		b = binary.BigEndian.AppendUint32(b, uint32(len(k))) //nolint:gosec // see above
		b = binary.BigEndian.AppendUint32(b, uint32(len(v))) //nolint:gosec // see above
		b = append(b, k...)
		b = append(b, 0)
		b = append(b, v...)
	}
	return b
}

// Unmarshal reads what Marshal or GlusterFS wrote. An empty input is an empty Dict.
// Counts and lengths are checked against the input before anything is allocated for
// them. Values alias the input. The last of equal keys wins, as in GlusterFS.
func Unmarshal(b []byte) (Dict, error) {
	if len(b) == 0 {
		return Dict{}, nil
	}
	if len(b) < 4 {
		return nil, fmt.Errorf("%w: %d bytes", ErrFormat, len(b))
	}
	count := binary.BigEndian.Uint32(b)
	rest := b[4:]
	// A pair is at least its header and the NUL byte behind an empty key.
	if uint64(count)*(pairHeader+1) > uint64(len(rest)) {
		return nil, fmt.Errorf("%w: %d pairs in %d bytes", ErrFormat, count, len(b))
	}
	d := make(Dict, count)
	for i := range count {
		if len(rest) < pairHeader {
			return nil, fmt.Errorf("%w: pair %d of %d: ends inside the lengths", ErrFormat, i, count)
		}
		keyLen := uint64(binary.BigEndian.Uint32(rest))
		valLen := uint64(binary.BigEndian.Uint32(rest[4:]))
		rest = rest[pairHeader:]
		if keyLen+1+valLen > uint64(len(rest)) {
			return nil, fmt.Errorf("%w: pair %d of %d: %d+1+%d bytes in %d", ErrFormat, i, count, keyLen, valLen, len(rest))
		}
		if rest[keyLen] != 0 {
			return nil, fmt.Errorf("%w: pair %d of %d: no NUL byte behind the key", ErrFormat, i, count)
		}
		end := keyLen + 1 + valLen
		d[string(rest[:keyLen])] = rest[keyLen+1 : end : end]
		rest = rest[end:]
	}
	return d, nil
}
