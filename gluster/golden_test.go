package gluster_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
)

// TestRecordedReplies decodes what daemons of several versions sent, and compares it with what their own command line
// made of the same.
func TestRecordedReplies(t *testing.T) {
	replies, err := filepath.Glob("testdata/glusterfs-*/*.bin")
	if err != nil || len(replies) == 0 {
		t.Fatalf("%d recorded replies, %v", len(replies), err)
	}
	for _, file := range replies {
		dir, name := filepath.Split(strings.TrimSuffix(file, ".bin"))
		t.Run(filepath.Base(dir)+" "+name, func(t *testing.T) {
			body := read(t, file)
			doc := parseXML(t, string(read(t, strings.TrimSuffix(file, ".bin")+".xml")))
			var want, got any
			var err error
			switch kind, _, _ := strings.Cut(name, "-"); kind {
			case "pool":
				var peers []gluster.Peer
				for _, p := range doc.Peers {
					peers = append(peers, p.peer(t))
				}
				want = peers
				got, err = gluster.DecodePeers(body)
			case "volume":
				want = doc.Names
				got, err = gluster.DecodeNames(body)
			case "info":
				want = doc.Volumes[0].volume(t)
				got, err = gluster.DecodeVolume(body)
			case "status", "detail":
				s := doc.Status[0].status(t)
				s.Volume = "" // the reply does not tell
				want = s
				got, err = gluster.DecodeStatus(body)
			default:
				t.Fatalf("no decoder of %s", file)
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("command line (-), decoded (+)\n%s", diff)
			}
		})
	}
}

// TestRecordedStates parses the states that several versions wrote.
func TestRecordedStates(t *testing.T) {
	files, err := filepath.Glob("testdata/glusterfs-*/get-state.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			s, err := gluster.ParseState(read(t, file))
			if err != nil {
				t.Fatal(err)
			}
			if len(s.UUID) != 36 || s.OpVersion < 30000 || len(s.Peers) != 2 || len(s.Volumes) != 4 {
				t.Errorf("%+v", s)
			}
			for _, p := range s.Peers {
				if !p.Connected || p.State != gluster.PeerInCluster || !strings.HasPrefix(p.Names[0], "n") {
					t.Errorf("%+v", p)
				}
			}
			for _, v := range s.Volumes {
				started := v.Name != "idle"
				if started != (v.Status == gluster.Started) || v.Options["nfs.disable"] != "on" || v.ServerQuorum != "not_applicable" {
					t.Errorf("%+v", v)
				}
				local := v.Bricks[0]
				if !local.Local || local.Online != started || started != (local.Port > 0) || started && local.TotalBytes == 0 {
					t.Errorf("%s: %+v", v.Name, local)
				}
				arbiter := slices.IndexFunc(v.Bricks, func(b gluster.BrickState) bool { return b.Arbiter })
				if want := map[string]int{"witness": 2}[v.Name]; arbiter >= 0 && arbiter != want || v.Name == "witness" && arbiter < 0 {
					t.Errorf("%s: arbiter at %d", v.Name, arbiter)
				}
			}
		})
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file) //nolint:gosec // test data
	if err != nil {
		t.Fatal(err)
	}
	return b
}
