package gluster_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
	"brickyard/gluster/dict"
	"brickyard/gluster/xdr"
)

const recordedNode = "../internal/simulated/recorded/glusterfs-10.3/"

func TestARecordedProfileIsUnderstood(t *testing.T) {
	p, err := gluster.DecodeProfile(read(t, recordedNode+"brick-profile.bin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.FOPs {
		if f.Name == "OPEN" {
			if want := (gluster.FOP{Name: "OPEN", Hits: 26, AverageLatency: 153113.653846}); f != want {
				t.Errorf("%+v, want %+v", f, want)
			}
		}
	}
	if len(p.FOPs) < 20 || p.FOPs[0].Name != "STAT" || p.Seconds == 0 || p.BytesWritten == 0 || len(p.WriteSizes) == 0 {
		t.Errorf("%+v", p)
	}
}

func TestRecordedCrawlsAreUnderstood(t *testing.T) {
	crawls, served, err := gluster.DecodeCrawls(read(t, recordedNode+"heal-statistics.bin"), 2)
	if err != nil || !served {
		t.Fatalf("served %t, %v", served, err)
	}
	// The latest of three crawls of the first set, and of two of the second.
	if diff := cmp.Diff([]gluster.Crawl{{Set: 0, Brick: 0, Failed: 8}, {Set: 1, Brick: 0}}, crawls); diff != "" {
		t.Error(diff)
	}
}

// brickAnswer is a reply with these pairs.
func brickAnswer(pairs map[string]string) []byte {
	b := xdr.AppendInt32(xdr.AppendInt32(nil, 0), 0)
	return xdr.AppendOpaque(xdr.AppendOpaque(b, dict.New(pairs).Marshal()), "")
}

func TestTheLatestCrawlIsTheOneThatCountNames(t *testing.T) {
	one := map[string]string{
		"statistics-1-2-count": "11", "statistics_healed_cnt-1-2-9": "5", "statistics_healed_cnt-1-2-10": "7", "statistics_sb_cnt-1-2-10": "1",
		"statistics_inprogress-1-2-10": "1", "statistics_heal_failed_cnt-1-2-3": "4", "statistics_crawl_type-1-2-10": "INDEX",
	}
	for name, tc := range map[string]struct {
		with   map[string]string
		want   []gluster.Crawl
		served bool
	}{
		"of many":                         {one, []gluster.Crawl{{Set: 1, Brick: 2, Healed: 7, SplitBrain: 1, Running: true}}, true},
		"none, of a daemon that knows":    {map[string]string{"0-0-status": "Brick is remote"}, nil, true},
		"none, of a daemon that does not": {map[string]string{}, nil, false},
		"of a set that there is not":      {map[string]string{"statistics-2-0-count": "1", "statistics_healed_cnt-2-0-0": "5"}, nil, false},
		"with keys that are no numbers":   {map[string]string{"statistics-x-0-count": "1", "statistics_healed_cnt-0--0": "5", "-": "", "statistics-0-0-count": "many"}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			crawls, served, err := gluster.DecodeCrawls(brickAnswer(tc.with), 2)
			if diff := cmp.Diff(tc.want, crawls); err != nil || served != tc.served || diff != "" {
				t.Errorf("served %t, %v\n%s", served, err, diff)
			}
		})
	}
}

func TestAProfileThatCannotBeUnderstood(t *testing.T) {
	good := map[string]string{"-1-total-read": "1", "-1-total-write": "2", "-1-duration": "3"}
	if _, err := gluster.DecodeProfile(brickAnswer(good)); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]map[string]string{
		"a total that is no number": {"-1-total-read": "many"}, "hits that are no number": {"-1-13-hits": "-5"}, "a latency that is no number": {"-1-13-avglatency": "long"},
		"a size that is no number": {"-1-read-big": "5"}, "a count that is no number": {"-1-write-4096": "x"},
	} {
		pairs := maps.Clone(good)
		maps.Copy(pairs, bad)
		if p, err := gluster.DecodeProfile(brickAnswer(pairs)); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if p, err := gluster.DecodeProfile(brickAnswer(nil)); err == nil {
		t.Errorf("no totals: %+v", p)
	}
}
