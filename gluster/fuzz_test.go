package gluster_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/gluster/xdr"
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

// FuzzDaemons gives the decoders of what bricks, self-heal daemons and glusterd's volfile server say any reply. What
// comes out is no larger than the reply, and an error is short.
func FuzzDaemons(f *testing.F) {
	for _, file := range []string{"brick-profile.bin", "heal-statistics.bin"} {
		f.Add(read(f, recordedNode+file), 2)
	}
	for _, pairs := range []map[string]string{
		{"0-0-hardlinks": "0", "0-1-hardlinks": "3", "1-0-status": "Brick is not connected"},
		{"0-0-hardlinks": "-1", "0-1-hardlinks": "99999999999999999999"},
		{"statistics-1-2-count": "11", "statistics_healed_cnt-1-2-10": "7", "-1--0-status": "x", "0-9999999999-status": ""},
		{"-1-read-x": "y", "-1-total-read": "1", "-1-total-write": "-", "-1-duration": "", "-1-127-hits": "1", "-1-14-avglatency": "NaN"},
	} {
		f.Add(brickAnswer(pairs), 2)
	}
	f.Add(xdr.AppendOpaque(xdr.AppendInt32(xdr.AppendInt32(nil, 0), 0), "volume x\nend-volume\n"), 1)
	f.Fuzz(func(t *testing.T, body []byte, sets int) {
		sets = max(0, min(sets, 1000)) // as many as volumes have
		var errs []error
		heals, err := gluster.DecodePendingHeals(body, sets)
		if errs = append(errs, err); len(heals) > len(body) {
			t.Errorf("%d heals in %d bytes", len(heals), len(body))
		}
		for _, h := range heals {
			if h.Set < 0 || h.Set >= sets || h.Brick < 0 || h.Entries < 0 {
				t.Errorf("%+v of %d sets", h, sets)
			}
		}
		crawls, served, err := gluster.DecodeCrawls(body, sets)
		if errs = append(errs, err); len(crawls) > len(body) || len(crawls) > 0 && !served {
			t.Errorf("%d crawls in %d bytes, served: %t", len(crawls), len(body), served)
		}
		for _, c := range crawls {
			if c.Set < 0 || c.Set >= sets || c.Brick < 0 {
				t.Errorf("%+v of %d sets", c, sets)
			}
		}
		profile, err := gluster.DecodeProfile(body)
		if errs = append(errs, err); len(profile.FOPs)+len(profile.ReadSizes)+len(profile.WriteSizes) > len(body) {
			t.Errorf("%+v in %d bytes", profile, len(body))
		}
		for _, fop := range profile.FOPs { // with an error there are none
			if fop.Name == "" || fop.AverageLatency < 0 || math.IsNaN(fop.AverageLatency) || math.IsInf(fop.AverageLatency, 0) {
				t.Errorf("%+v", fop)
			}
		}
		text, err := gluster.DecodeSpec(body)
		if errs = append(errs, err); len(text) > len(body) {
			t.Errorf("%d bytes in %d", len(text), len(body))
		}
		for _, err := range errs {
			if err != nil && len(err.Error()) > 1<<10 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		}
	})
}

// FuzzArguments gives any bytes for the arguments of a process. Whatever it is taken for, it bears that name and has
// what is asked of it.
func FuzzArguments(f *testing.F) {
	for _, line := range []string{
		"", "\x00", "/usr/sbin/glusterd\x00-p\x00/run/glusterd.pid\x00", "glusterfsd\x00-S\x00/s\x00--brick-name\x00/b\x00--brick-port\x0049152\x00", "glusterfsd\x00-S\x00--brick-name=",
		"glusterfs\x00--volfile-id\x00shd/v\x00-S\x00/s\x00", "glusterfs\x00--volfile-id=/v\x00/mnt\x00", "glusterfs\x00-S\x00", "x/glusterfs\x00--process-name\x00/mnt",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		p, ours := gluster.SortProcess(line)
		if n := len(p.Glusterd) + len(p.Bricks) + len(p.SelfHeal) + len(p.Mounts); (n == 1) != ours || n > 1 {
			t.Fatalf("%q is %+v, ours: %t", line, p, ours)
		}
		for _, b := range p.Bricks {
			if b.Path == "" || b.Socket == "" {
				t.Errorf("%q is %+v", line, b)
			}
		}
		for _, d := range p.SelfHeal {
			if d.Socket == "" || d.Volfile == "" {
				t.Errorf("%q is %+v", line, d)
			}
		}
		for _, m := range p.Mounts {
			if !strings.HasPrefix(m.Path, "/") {
				t.Errorf("%q is %+v", line, m)
			}
		}
	})
}

// FuzzStore gives the readers of glusterd's own files any text.
func FuzzStore(f *testing.F) {
	for _, name := range []string{"info.txt", "gsyncd.conf"} {
		f.Add(read(f, recordedGeorep+name))
	}
	for _, text := range []string{"UUID=x\noperating-version=100000\n", "version=18446744073709551616\n", "info=-1", "rebalance_status=3\nrun-time=NaN\nsize=x", "==\n=\n"} {
		f.Add([]byte(text))
	}
	for _, key := range []string{"operating-version", "version", "info", "rebalance_status", "rebalance_status=3\nsize", "rebalance_status=3\nrun-time"} {
		f.Add([]byte("info=1\n" + key + "=" + strings.Repeat("\xff", 9000)))
	}
	dir := f.TempDir()
	s := gluster.Store{Dir: dir}
	one := filepath.Join(dir, "glusterd.info") // under all names
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "vols", "v"), 0o700), os.WriteFile(one, nil, 0o600)); err != nil {
		f.Fatal(err)
	}
	for _, file := range []string{"info", "cksum", "node_state.info"} {
		if err := os.Link(one, filepath.Join(dir, "vols", "v", file)); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(one, text, 0o600); err != nil {
			t.Fatal(err)
		}
		uuid, _, node := s.Node()
		if node != nil && uuid != "" {
			t.Errorf("%q has the identity %q, %v", text, uuid, node)
		}
		_, stamps := s.VolumeStamps("v")
		_, version := gluster.ParseVolumeVersion(string(text))
		r, err := s.Rebalance("v")
		if err == nil && (r.Seconds < 0 || math.IsNaN(r.Seconds) || math.IsInf(r.Seconds, 0)) {
			t.Errorf("%q is %+v", text, r)
		}
		to, secondaries := s.Secondaries("v")
		if len(to) > len(text) {
			t.Errorf("%d sessions in %d bytes", len(to), len(text))
		}
		for _, err := range []error{node, stamps, version, err, secondaries} {
			if err != nil && len(err.Error()) > 8<<10 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		}
	})
}

// FuzzPrograms gives the readers of what the gluster program prints any text.
func FuzzPrograms(f *testing.F) {
	for _, doc := range []string{
		"", "<cliOutput>", "<cliOutput><opRet>-1</opRet><opErrno>30800</opErrno><opErrstr>Locking failed</opErrstr></cliOutput>",
		"<cliOutput><healInfo><bricks><brick><name>n1:/b</name><numberOfEntriesInHealPending>3</numberOfEntriesInHealPending></brick></bricks></healInfo></cliOutput>",
		"<cliOutput><healInfo><bricks><brick><name>n1:/b</name><numberOfEntriesInHealPending>-</numberOfEntriesInHealPending></brick></bricks></healInfo></cliOutput>",
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		bricks, err := gluster.ParseHealSummary(doc)
		if len(bricks) > len(doc) {
			t.Errorf("%d bricks in %d bytes", len(bricks), len(doc))
		}
		for _, b := range bricks {
			if !b.Counted && b.Pending+b.SplitBrain+b.Healing > 0 {
				t.Errorf("%+v", b)
			}
		}
		for _, err := range []error{err, gluster.ParseCLI(gluster.VolumeStart("v"), doc)} {
			if err != nil && len(err.Error()) > 8<<10 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		}
	})
}
