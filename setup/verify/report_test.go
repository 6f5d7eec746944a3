package verify

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// golden compares with a file in testdata; UPDATE_GOLDEN=1 writes it instead.
func golden(t *testing.T, file string, write func(io.Writer) error) {
	t.Helper()
	var got bytes.Buffer
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join("testdata", file)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestReports(t *testing.T) {
	ms := func(values ...int) (trips []time.Duration) {
		for _, v := range values {
			trips = append(trips, time.Duration(v)*time.Millisecond+120*time.Microsecond)
		}
		return trips
	}
	good := newResult(testConfig("web1.example.com", []string{"web1.example.com", "web2.example.com", "web10.example.com"}))
	good.Complete, good.RoundsCompleted, good.MeetingSeconds = true, 3, 1.234567
	good.Peers = []PeerResult{
		{Node: "web10.example.com", Seen: delays(ms(14, 12, 31), 7*time.Millisecond), Removed: delays(ms(1204, 20, 22), 7*time.Millisecond), Observed: Observed{FilesRead: 3, RemovalsSeen: 3}, Details: []string{}},
		{Node: "web2.example.com", Seen: delays(ms(16, 12, 17), 7*time.Millisecond), Removed: delays(ms(15, 20, 22), 7*time.Millisecond), Observed: Observed{FilesRead: 3, RemovalsSeen: 3}, Details: []string{}},
	}
	golden(t, "good.txt", good.WriteText)
	golden(t, "good.json", good.WriteJSON)

	bad := good
	bad.Peers = []PeerResult{
		good.Peers[0],
		{
			Node: "web2.example.com", Seen: delays(ms(16), 7*time.Millisecond), Failures: Failures{StillThere: 1}, Observed: Observed{FilesRead: 1, RemovalsSeen: 1, FilesWrong: 1},
			Details: []string{"round 1: still listed the file 30s after its removal, or did not answer", "its file of round 2 was wrong here: the file is empty"},
		},
	}
	bad.Notes = []string{"removed .gluster-setup-verify/server-ea87e8b0/run-aa-0-0-web9, left more than an hour ago"}
	golden(t, "bad.txt", bad.WriteText)
	golden(t, "bad.json", bad.WriteJSON)

	alone := newResult(testConfig("web1", []string{"web1"}))
	alone.Complete, alone.RoundsCompleted = true, 3
	golden(t, "alone.txt", alone.WriteText)
	golden(t, "incomplete.txt", newResult(testConfig("web1", []string{"web1", "web2"})).WriteText)
}

func TestEstimates(t *testing.T) {
	trips := []time.Duration{4 * time.Second, time.Second, 3 * time.Second, 2 * time.Second}
	got := delays(trips, median(trips)/2)
	want := Delays{Count: 4, MinRoundTripSeconds: 1, MedianRoundTripSeconds: 2.5, MaxRoundTripSeconds: 4, OneWayEstimateSeconds: 1.25}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := delays(trips[:1], 5*time.Second).OneWayEstimateSeconds; got != 0 {
		t.Errorf("an answer slower than the round trip makes %v s", got)
	}
}

func TestNamesSurviveTheirWayThroughAFileName(t *testing.T) {
	for _, n := range []name{
		{kind: kindRun, token: newToken(), node: "web-1.example.com"},
		{kind: kindSeen, token: "0a", round: 12, sum: "beef", node: "cache1"},
	} {
		if got, ok := parseName(n.String()); !ok || got != n {
			t.Errorf("%s became %+v, %v", n, got, ok)
		}
	}
	for _, bad := range []string{"", "run", "run-a-0-0-", "run--0-0-web1", "run-a-x-0-web1", "run-a--1-0-web1", "run-a-01-0-web1", "walk-a-0-0-web1", ".nfs0001"} {
		if n, ok := parseName(bad); ok {
			t.Errorf("%q was taken for %+v", bad, n)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("run-00ff-0-0-web1.example.com")
	f.Add("seen-00ff-3-beef-web-2")
	f.Fuzz(func(t *testing.T, text string) {
		if n, ok := parseName(text); ok && n.String() != text {
			t.Errorf("%q became %q", text, n)
		}
	})
}
