package labtest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// TestScrapesTakeNoClusterLock asks for the status of volumes, which takes their locks on all nodes and fails at once where somebody has one, as often as
// it goes: two who ask fail each other, and one beside as many scrapes as go on all nodes never fails.
func TestScrapesTakeNoClusterLock(t *testing.T) {
	t.Parallel()
	l := cluster(t)
	var exporters []*exporter
	for _, n := range l.Nodes()[:3] {
		e := start(t, n)
		settled(t, e)
		exporters = append(exporters, e)
	}
	if failed := storm(t, l.Node(0), l.Node(1)); failed == 0 {
		t.Fatal("two who asked for the status did not fail each other: this test shows nothing")
	}
	ctx, stop := context.WithCancel(t.Context())
	var scrapers sync.WaitGroup
	var scrapes atomic.Int64
	for _, e := range exporters {
		for range 2 {
			scrapers.Go(func() {
				for ctx.Err() == nil {
					if status, _, err := e.get("/metrics"); err != nil || status != http.StatusOK {
						t.Errorf("status %d, %v", status, err)
						return
					}
					scrapes.Add(1)
				}
			})
		}
	}
	waitFor(t, "scrapes", func() bool { return scrapes.Load() > 12 })
	before := scrapes.Load()
	failed := storm(t, l.Node(0))
	during := scrapes.Load() - before
	stop()
	scrapers.Wait()
	if failed > 0 || during == 0 {
		t.Errorf("%d of %d calls found a lock, beside %d scrapes", failed, calls, during)
	}
	t.Logf("%d calls that take a lock, none refused, beside %d scrapes", calls, during)
}

// calls is how many each of a storm makes.
const calls = 150

// storm has each node ask for the status of a volume, one call after the other, and returns how many calls found a lock.
func storm(t *testing.T, nodes ...*lab.Node) int64 {
	t.Helper()
	var failed atomic.Int64
	var askers sync.WaitGroup
	for _, n := range nodes {
		c := n.Client()
		askers.Go(func() {
			for range calls {
				_, err := c.VolumeStatus(t.Context(), "three", true)
				if errors.Is(err, gluster.ErrTransaction) {
					failed.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
	askers.Wait()
	return failed.Load()
}
