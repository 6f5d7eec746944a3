package check

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
	"brickyard/internal/mountns"
)

// TestMain adds -update, which writes the golden files, and a mount namespace of their own for tests that mount.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files")
	os.Exit(mountns.Main(m))
}

// results are what two replica sets came to: a complete one with differences, and one with a brick away.
func results() []SetResult {
	at := time.Date(2026, 11, 22, 3, 4, 5, 678e6, time.UTC)
	counts := Counts{
		Entries: 100000, Bytes: 1 << 30, Differing: map[Kind]int64{}, Different: 2, Waiting: 1, Busy: 3, Again: 40,
	}
	for _, k := range Kinds() {
		counts.Differing[k] = 0
	}
	none := Counts{Entries: 10, Differing: counts.Differing}
	counts.Differing = map[Kind]int64{}
	for _, k := range Kinds() {
		counts.Differing[k] = 0
	}
	counts.Differing[Size], counts.Differing[Mode], counts.Differing[Missing] = 1, 1, 1
	return []SetResult{
		{
			Volume: "server", Set: 1, Bricks: []string{"web1:/server/brick", "web2:/server/brick"}, Started: at, Duration: 100.5, Content: true, Complete: true, Counts: counts,
			Differences: []Difference{
				{Path: "/index.html", Findings: []Finding{{Kind: Mode, Values: []string{"0644", "0600"}}, {Kind: Size, Values: []string{"17", "0"}}}},
				{Path: "/old\n", Findings: []Finding{{Kind: Missing, Values: []string{"missing", "present"}}}},
			},
		},
		{
			Volume: "server", Set: 2, Bricks: []string{"web3:/server/brick"}, Started: at, Duration: 7, Counts: none,
			Problem: "web4:/server/brick: the brick does not answer", Differences: []Difference{},
		},
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs; run go test ./setup/check -update if that is right (-want +got):\n%s", path, diff)
	}
}

// TestTheRecord compares the file that the exporter reads, in a test of its own, with what is written.
func TestTheRecord(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "below", "check.json")
	old, err := ReadRecord(path)
	if err != nil {
		t.Fatal(err)
	}
	all := func(string, int) bool { return true }
	r := old.With(results(), time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC), all)
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/check.json", text)

	back, err := ReadRecord(path)
	if err != nil {
		t.Fatal(err)
	}
	second := results()[1]
	second.Entries = 7
	second.Differences = make([]Difference, recordedDifferences+5)
	back = back.With([]SetResult{second, {Volume: "alpha", Set: 1}}, time.Now(), func(v string, set int) bool { return v != "server" || set > 1 })
	if len(back.Sets) != 2 || back.Sets[0].Volume != "alpha" || back.Sets[1].Entries != 7 || back.Sets[1].LeftOut != 5 || len(back.Sets[1].Differences) != recordedDifferences {
		t.Errorf("%+v", back)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRecord(path); err == nil || !strings.Contains(err.Error(), path+": unexpected end of JSON input: remove the file") {
		t.Errorf("a broken file: %v", err)
	}
}

func TestTheText(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for _, d := range results()[0].Differences {
		if err := WriteDifference(&b, "server", 1, []gluster.Brick{{Host: "web1", Path: "/server/brick"}, {Host: "web2", Path: "/server/brick"}}, d); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteSummary(&b, results()); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/text.txt", b.Bytes())
	if complete, different := Sum(results()); complete || !different {
		t.Error("a brick was away, and entries differ")
	}
}

func TestSets(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/trusted.vol")
	if err != nil {
		t.Fatal(err)
	}
	sets, err := Sets(string(text), false)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]gluster.Brick{
		{{Host: "n1", Path: "/bricks/a"}, {Host: "n2", Path: "/bricks/a"}, {Host: "n3", Path: "/bricks/a", Arbiter: true}},
		{{Host: "n2", Path: "/bricks/b"}, {Host: "n3", Path: "/bricks/b"}, {Host: "n1", Path: "/bricks/b", Arbiter: true}},
	}
	if len(sets) != 2 || !cmp.Equal(sets[0].Bricks, want[0]) || !cmp.Equal(sets[1].Bricks, want[1]) {
		t.Fatalf("%+v", sets)
	}
	golden(t, "testdata/brick.vol", []byte(sets[1].volfiles[2]))
	six, err := Sets(string(text), true)
	if err != nil || !strings.Contains(six[0].volfiles[0], "option transport.address-family inet6\n") || strings.Contains(six[0].volfiles[0], "inet\n") {
		t.Errorf("%v: %s", err, six[0].volfiles[0])
	}
	for _, bad := range []string{"", "option x y\n", "volume a\n type b\n", "volume r\n type cluster/replicate\n subvolumes a b\nend-volume\n"} {
		if sets, err := Sets(bad, false); err == nil {
			t.Errorf("%q: %+v", bad, sets)
		}
	}
}

// FuzzSets reads any volfile: what is returned has a client for every brick, which reads back as itself.
func FuzzSets(f *testing.F) {
	text, err := os.ReadFile("testdata/trusted.vol")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("volume a\n type protocol/client\n option remote-host h\nend-volume\nvolume r\n type cluster/replicate\n subvolumes a a\nend-volume\n")
	f.Fuzz(func(t *testing.T, text string) {
		sets, err := Sets(text, true)
		if err != nil {
			return
		}
		for _, s := range sets {
			if len(s.Bricks) < 2 || len(s.Bricks) != len(s.volfiles) {
				t.Fatalf("%+v", s)
			}
			for i, v := range s.volfiles {
				blocks, err := blocksOf(v)
				if err != nil || len(blocks) != 1 || blocks[0].kind != "protocol/client" || blocks[0].options["remote-host"] != s.Bricks[i].Host || blocks[0].options["transport.address-family"] != "inet6" {
					t.Fatalf("%v: %+v", err, blocks)
				}
			}
		}
	})
}
