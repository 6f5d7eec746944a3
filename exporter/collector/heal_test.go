package collector

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

func TestASelfHealDaemonWithoutNewsIsAskedInEveryFourthScrape(t *testing.T) {
	t.Parallel()
	daemon, other := gluster.SelfHealProcess{PID: 7, Socket: "/a"}, gluster.SelfHealProcess{PID: 8, Socket: "/a"}
	for name, c := range map[string]struct {
		crawl   gluster.Crawl
		daemons []gluster.SelfHealProcess
		waiting bool
		times   int // that its last answer is taken for true
	}{
		"nothing to tell":          {gluster.Crawl{Healed: 3}, []gluster.SelfHealProcess{daemon}, false, quietScrapes},
		"something waits":          {gluster.Crawl{}, []gluster.SelfHealProcess{daemon}, true, 0},
		"it found a split-brain":   {gluster.Crawl{SplitBrain: 1}, []gluster.SelfHealProcess{daemon}, false, 0},
		"it could not heal":        {gluster.Crawl{Failed: 1}, []gluster.SelfHealProcess{daemon}, false, 0},
		"it is at work":            {gluster.Crawl{Running: true}, []gluster.SelfHealProcess{daemon}, false, 0},
		"another has its place":    {gluster.Crawl{}, []gluster.SelfHealProcess{other}, false, 0},
		"its process is not there": {gluster.Crawl{}, nil, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &healMetrics{last: map[string]*crawled{"v": {daemon: daemon, crawls: []gluster.Crawl{c.crawl}, again: quietScrapes}}}
			times := 0
			for range 2 * quietScrapes {
				crawls, known := m.remembered("v", c.daemons, c.waiting)
				if !known {
					break
				}
				if len(crawls) != 1 || crawls[0] != c.crawl {
					t.Fatalf("remembers %+v", crawls)
				}
				times++
			}
			if times != c.times {
				t.Errorf("taken for true %d times, want %d", times, c.times)
			}
		})
	}
}

func TestWhatWasSaidOfADeletedVolumeIsForgotten(t *testing.T) {
	t.Parallel()
	m := &healMetrics{last: map[string]*crawled{"gone": {again: 1}, "v": {again: 1}}}
	kept := &node.Volume{}
	kept.Name = "v"
	m.forget([]*node.Volume{kept})
	if len(m.last) != 1 || m.last["v"] == nil {
		t.Errorf("remembers %v", m.last)
	}
}

func TestAWordOfAMountThatWaitsMustBeFresh(t *testing.T) {
	t.Parallel()
	word := filepath.Join(t.TempDir(), "v")
	if heals(word) {
		t.Error("nobody left word")
	}
	if err := os.WriteFile(word, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !heals(word) {
		t.Error("somebody has just left word")
	}
	old := time.Now().Add(-2 * time.Minute)
	if err := os.Chtimes(word, old, old); err != nil {
		t.Fatal(err)
	}
	if heals(word) {
		t.Error("whoever left word is gone")
	}
}
