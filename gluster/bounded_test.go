package gluster_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/gluster/dict"
	"brickyard/gluster/rpc"
	"brickyard/gluster/xdr"
)

// reply is the longest one that is accepted, or less: the same pair as often as it fits.
func reply(size int, key, value string) []byte {
	var pairs []byte
	n := 0
	for len(pairs) < size-200 {
		pairs = binary.BigEndian.AppendUint32(pairs, uint32(len(key)))     //nolint:gosec // short
		pairs = binary.BigEndian.AppendUint32(pairs, uint32(len(value)+1)) //nolint:gosec // short
		pairs = append(append(append(append(pairs, key...), 0), value...), 0)
		n++
	}
	pairs = append(binary.BigEndian.AppendUint32(nil, uint32(n)), pairs...) //nolint:gosec // small
	b := xdr.AppendInt32(xdr.AppendInt32(nil, 0), 0)
	return xdr.AppendOpaque(xdr.AppendOpaque(b, pairs), "")
}

func TestAReplyMakesNoLongError(t *testing.T) {
	t.Parallel()
	const short = 8 << 10
	long := strings.Repeat("x", 1<<20)
	for name, decode := range map[string]func() error{
		"numbers that are none, many times": func() error {
			_, err := gluster.DecodeProfile(reply(4<<20, "-1-read-x", "y"))
			return err
		},
		"a long number": func() error {
			_, err := gluster.DecodeProfile(reply(1<<21, "-1-read-1", long))
			return err
		},
		"a long count": func() error {
			_, err := gluster.DecodeClients(reply(1<<21, "clientcount", long))
			return err
		},
		"more pairs than any answer has": func() error {
			_, err := gluster.DecodeProfile(reply(rpc.DefaultMaxRecord, "-1-read-x", "y"))
			return err
		},
		"a long brick": func() error {
			_, err := gluster.ParseBrick(long)
			return err
		},
		"a long explanation": func() error {
			return &gluster.Error{Op: "volume status", Text: long}
		},
		"a long error below": func() error {
			return &gluster.Error{Op: "volume status", Err: errors.New(long)} //nolint:err113 // of this test
		},
	} {
		if err := decode(); err == nil || len(err.Error()) > short {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}

func TestAReplyTakesLittleMoreMemoryThanItHasBytes(t *testing.T) {
	const n = (rpc.DefaultMaxRecord - 64) / 9
	pairs := append(binary.BigEndian.AppendUint32(nil, n), make([]byte, 9*n)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := dict.Unmarshal(pairs)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, dict.ErrFormat) || used > 1<<20 {
		t.Errorf("%d bytes for %d pairs: %v", used, n, err)
	}
}

func TestAProgramThatPrintsWithoutAnEndIsEnded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gluster")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec cat /dev/zero\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	err := gluster.CLI{Path: path}.Run(t.Context(), gluster.VolumeStart("v"))
	wantError(t, err, gluster.ErrMalformed, "prints without an end")
}
