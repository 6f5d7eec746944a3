package gluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brickyard/gluster"
)

// FuzzReplies gives every decoder of replies what a broken or hostile daemon might send. Nothing may
// panic, and what decodes must be no larger than what was received.
func FuzzReplies(f *testing.F) {
	files, err := filepath.Glob("testdata/glusterfs-*/*.bin")
	if err != nil || len(files) == 0 {
		f.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		f.Add(read(f, file))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if peers, err := gluster.DecodePeers(body); err == nil && len(peers) > len(body) {
			t.Errorf("%d peers in %d bytes", len(peers), len(body))
		}
		if names, err := gluster.DecodeNames(body); err == nil && len(names) > len(body) {
			t.Errorf("%d volumes in %d bytes", len(names), len(body))
		}
		if v, err := gluster.DecodeVolume(body); err == nil {
			if len(v.Bricks) > len(body) {
				t.Errorf("%d bricks in %d bytes", len(v.Bricks), len(body))
			}
			n := 0
			for _, set := range v.ReplicaSets() {
				n += len(set)
			}
			if n > len(v.Bricks) {
				t.Errorf("%d bricks in sets, %d in all", n, len(v.Bricks))
			}
			_ = v.Type.String() + v.Status.String()
		}
		if s, err := gluster.DecodeStatus(body); err == nil && len(s.Bricks)+len(s.Services) > len(body) {
			t.Errorf("%d processes in %d bytes", len(s.Bricks)+len(s.Services), len(body))
		}
		if c, err := gluster.DecodeClients(body); err == nil && len(c) > len(body) {
			t.Errorf("%d clients in %d bytes", len(c), len(body))
		}
	})
}

// FuzzParseState gives the parser of states any text.
func FuzzParseState(f *testing.F) {
	files, err := filepath.Glob("testdata/glusterfs-*/get-state.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file) //nolint:gosec // test data
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("[Global]\nMYUUID: x\nop-version: 1\n[Volumes]\nVolume1.name: v\nVolume1.Brick1.path: fd77:::/b\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := gluster.ParseState(b)
		if err != nil {
			return
		}
		if len(s.Peers)+len(s.Volumes) > len(b) {
			t.Errorf("%d peers and %d volumes in %d bytes", len(s.Peers), len(s.Volumes), len(b))
		}
	})
}

// FuzzParseBrick checks that a brick that parses prints as it was given.
func FuzzParseBrick(f *testing.F) {
	for _, s := range []string{"n1:/bricks/x", "fd77::11:/b", "fd77:::/b", "10.0.0.1:/a:/b", ":/", "n1:", "n1:b", "a::/:/", "/:/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := gluster.ParseBrick(s)
		if err == nil && (b.String() != s || !strings.HasPrefix(b.Path, "/") || b.Host == "" || strings.Contains(b.Host, "/")) {
			t.Errorf("%q is %+v", s, b)
		}
	})
}

// FuzzGeorep gives the parsers of gsyncd's files, and of glusterd's line about a session, any text.
func FuzzGeorep(f *testing.F) {
	for _, name := range []string{"active.json", "passive.json", "faulty.json", "initializing.json", "gsyncd.conf", "monitor.status", "info.txt"} {
		f.Add(read(f, recordedGeorep+name))
	}
	for _, s := range []string{"", "u:ssh://n3::copy:id", "u:ssh://geo@fd77::13::copy", "u:ssh://@::@::", `{"data": 18446744073709551616}`, "checkpoint=9223372036854775808"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := gluster.ParseGeorepWorker(b)
		if w.Status == "" || w.Crawl == "" || w.LastSynced < 0 || w.CheckpointTime < 0 || w.CheckpointCompleted < 0 || err != nil && w.LastSynced != 0 {
			t.Errorf("%q is %+v, %v", b, w, err)
		}
		if word, err := gluster.ParseGeorepStatus(b); len(word) > len("Stopped") || err != nil && word != "" {
			t.Errorf("%q is %q, %v", b, word, err)
		}
		if checkpoint, err := gluster.ParseGeorepConfig(b); checkpoint < 0 || err != nil && checkpoint != 0 {
			t.Errorf("%q has the checkpoint %d, %v", b, checkpoint, err)
		}
		s, err := gluster.ParseSecondary(string(b))
		if err == nil && (s.Host == "" || s.Volume == "" || strings.Contains(s.String(), "/") || !strings.Contains(string(b), s.String())) {
			t.Errorf("%q is %+v", b, s)
		}
	})
}
