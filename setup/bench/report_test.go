package bench

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// golden compares with a file in testdata; UPDATE_GOLDEN=1 writes it instead.
func golden(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	var got bytes.Buffer
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// articles is a result with the article's two mounts and made-up times.
func articles(t *testing.T) Result {
	t.Helper()
	r := emptyResult(Config{Size: DefaultSize, Count: DefaultCount, Rounds: 5})
	for i, p := range []PathResult{
		{Path: "/cache_client", MountPoint: "/cache_client", FileSystemType: "fuse.glusterfs", Source: "cache1:/server", FreeBytes: 509_000_000},
		{Path: "/xfs_client", MountPoint: "/xfs_client", FileSystemType: "fuse.glusterfs", Source: "cache1:/disk", FreeBytes: 21_474_836_480},
	} {
		target := newTarget(local{}, Config{Size: 1}, p)
		for op := range opCount {
			if op == opFsync {
				continue
			}
			for n := range 5000 {
				target.recorders[op].add(time.Duration(op+1)*200*time.Microsecond + time.Duration(n*(i+1))*100*time.Nanosecond)
			}
		}
		for n := range 5 {
			target.result.RoundSeconds = append(target.result.RoundSeconds, 16+0.1*float64(n)+0.05*float64(i*(5-n)))
		}
		r.Paths = append(r.Paths, target.finish())
	}
	c, ok := compare(r.Paths[0], r.Paths[1])
	if !ok {
		t.Fatal("nothing to compare")
	}
	r.Comparisons = append(r.Comparisons, c)
	r.Complete = true
	return r
}

func TestReports(t *testing.T) {
	whole := articles(t)
	golden(t, "articles.txt", whole.WriteText)
	golden(t, "articles.json", whole.WriteJSON)

	partial := articles(t)
	partial.Complete, partial.DropCache, partial.Fsync = false, true, true
	partial.Paths[1].RoundSeconds = nil
	partial.Paths[1].AverageRoundSeconds = 0
	partial.Comparisons = nil
	partial.Warnings = []string{"/a and /b are on the same file system (xfs on /): the comparison says nothing about the storage"}
	partial.Notes = []string{"removed /a/.gluster-setup-bench-web1-17, left by a run that ended without cleaning up"}
	golden(t, "partial.txt", partial.WriteText)
	golden(t, "empty.json", emptyResult(Config{Size: 1, Count: 1, Rounds: 1}).WriteJSON)
}

func TestTheRatioIsTheMedianOfTheRoundsBothPathsFinished(t *testing.T) {
	base := PathResult{Path: "/a", RoundSeconds: []float64{1, 2, 4, 1, 10}}
	other := PathResult{Path: "/b", RoundSeconds: []float64{2, 2, 2, 3}}
	got, ok := compare(base, other)
	want := Comparison{BasePath: "/a", Path: "/b", Rounds: 4, MedianRatio: 1.5, FirstQuartileRatio: 0.875, ThirdQuartileRatio: 2.25, MinRatio: 0.5, MaxRatio: 3}
	if !ok {
		t.Fatal("nothing to compare")
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Error(diff)
	}
	if _, ok := compare(base, PathResult{}); ok {
		t.Error("compared with a path that finished no round")
	}
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name string
		c    Comparison
		want string
	}{
		{"few rounds", Comparison{Rounds: 3}, "Too few rounds for a verdict: use more --rounds."},
		{"always slower", Comparison{Path: "/b", Rounds: 4, MinRatio: 1.1, MaxRatio: 2}, "/b was slower in every round."},
		{"always faster", Comparison{Path: "/b", Rounds: 4, MinRatio: 0.1, MaxRatio: 0.9}, "/b was faster in every round."},
		{"mostly slower", Comparison{Path: "/b", Rounds: 4, MinRatio: 0.9, FirstQuartileRatio: 1.1, ThirdQuartileRatio: 1.2, MaxRatio: 2}, "/b was slower in most rounds."},
		{"mostly faster", Comparison{Path: "/b", Rounds: 4, MinRatio: 0.5, FirstQuartileRatio: 0.6, ThirdQuartileRatio: 0.9, MaxRatio: 2}, "/b was faster in most rounds."},
		{"mixed", Comparison{Path: "/b", Rounds: 4, MinRatio: 0.5, FirstQuartileRatio: 0.9, ThirdQuartileRatio: 1.1, MaxRatio: 2}, "No clear difference: the rounds differ among themselves as much as the paths do."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := verdict(tt.c); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestTimesArePrintedWithThreeDigits(t *testing.T) {
	for seconds, want := range map[float64]string{
		0:         "0.00 µs",
		0.0000005: "0.50 µs",
		0.000812:  "812 µs",
		0.0012:    "1.20 ms",
		0.0999:    "99.9 ms",
		16.26:     "16.3 s",
		120:       "120 s",
	} {
		if got := short(seconds); got != want {
			t.Errorf("short(%v) = %q, want %q", seconds, got, want)
		}
	}
}

func TestATimeBeyondTheHistogramStillCountsInMeanAndMax(t *testing.T) {
	r := newRecorder()
	r.add(3 * time.Hour)
	if o := r.operation("read"); o.MeanSeconds != 3*3600 || o.MaxSeconds != 3*3600 || o.P99Seconds < 3599 || o.P99Seconds > 3604 {
		t.Errorf("%+v", o)
	}
}
