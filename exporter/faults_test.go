package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"brickyard/internal/simulated"
)

// within scrapes as a Prometheus that waits so long. Daemons that hang do so without an end, and other scrapes wait for them as long as patience: the answer
// that comes later by half of that is none that kept its time, however busy the machine.
func within(t *testing.T, s *server, wait time.Duration) (page map[string]*dto.MetricFamily) {
	t.Helper()
	began := time.Now()
	page = s.page("X-Prometheus-Scrape-Timeout-Seconds", strconv.FormatFloat(wait.Seconds(), 'f', -1, 64))
	if took := time.Since(began); took > wait+patience/2 {
		t.Errorf("the answer took %s, where Prometheus waits for %s", took, wait)
	}
	return page
}

// sooner expects that a page has nothing wrong. A busy machine may not come round within one scrape to a collector that has nothing to do with a fault: each
// one is given more time than the one before, and the last more than any machine needs.
func sooner(t *testing.T, s *server, when string, look func(page map[string]*dto.MetricFamily) (wrong []string)) {
	t.Helper()
	for wait := 2 * time.Second; ; wait *= 4 {
		wrong := look(within(t, s, wait))
		if len(wrong) == 0 {
			return
		}
		if wait > patience/2 {
			t.Fatalf("%s: in no scrape all was well, not in one of %s: %s", when, wait, strings.Join(wrong, "; "))
		}
	}
}

// TestDaemonsThatAnswerNonsense has every daemon in turn answer in every wrong way: the page comes in time, says whose answers were missing, and all is
// well as soon as the daemon is.
func TestDaemonsThatAnswerNonsense(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		daemon func(c *simulated.Cluster) *simulated.Daemon
		fails  []string // collectors that may have no success
		zero   string   // a sum that is less than usual
	}{
		"glusterd":         {func(c *simulated.Cluster) *simulated.Daemon { return c.Glusterd }, []string{"peers", "volumes", "config", "bricks", "sets", "heal", "io", "rebalance", "georep"}, "gluster_up"},
		"a brick":          {func(c *simulated.Cluster) *simulated.Daemon { return c.Bricks()[0] }, []string{"bricks", "io"}, "gluster_brick_up"},
		"self-heal daemon": {func(c *simulated.Cluster) *simulated.Daemon { return c.SelfHeal }, []string{"sets", "heal"}, "gluster_self_heal_daemon_up"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := simulate(t, small())
			s := serving(t, c)
			usual := s.page()
			for _, how := range simulated.Faults() {
				d := tc.daemon(c)
				d.Fail(how)
				sooner(t, s, how.String(), func(page map[string]*dto.MetricFamily) (wrong []string) {
					_, no := succeeded(page)
					for _, collector := range no {
						if !slices.Contains(tc.fails, collector) {
							wrong = append(wrong, fmt.Sprintf("collector %s has no success", collector))
						}
					}
					if got := total(page, tc.zero); got >= total(usual, tc.zero) {
						wrong = append(wrong, fmt.Sprintf("%s adds up to %v", tc.zero, got))
					}
					return wrong
				})
				d.Fail(simulated.Healthy)
				sooner(t, s, "after "+how.String(), func(page map[string]*dto.MetricFamily) (wrong []string) {
					if _, no := succeeded(page); len(no) > 0 || total(page, tc.zero) != total(usual, tc.zero) {
						wrong = append(wrong, fmt.Sprintf("no success of %v, %s adds up to %v", no, tc.zero, total(page, tc.zero)))
					}
					return wrong
				})
			}
		})
	}
}

func TestDaemonsThatGoAwayAndComeBack(t *testing.T) {
	t.Parallel()
	c := simulate(t, small())
	s := serving(t, c)
	usual := s.page()
	bricks := total(usual, "gluster_brick_up")
	for range 2 {
		// Their sockets stay behind, and nobody listens.
		c.Glusterd.Stop()
		page := s.page()
		if total(page, "gluster_up") != 0 || total(page, "gluster_brick_up") != bricks || total(page, "gluster_volume_started") != total(usual, "gluster_volume_started") {
			t.Errorf("without glusterd: up %v, %v of %v bricks, %v volumes", total(page, "gluster_up"), total(page, "gluster_brick_up"), bricks, total(page, "gluster_volume_started"))
		}
		c.Bricks()[0].Stop()
		c.SelfHeal.Stop()
		page = s.page()
		if total(page, "gluster_brick_up") != bricks-1 || total(page, "gluster_self_heal_daemon_up") != 0 {
			t.Errorf("%v of %v bricks are up, %v self-heal daemons", total(page, "gluster_brick_up"), bricks, total(page, "gluster_self_heal_daemon_up"))
		}
		for _, d := range []*simulated.Daemon{c.Glusterd, c.Bricks()[0], c.SelfHeal} {
			if err := d.Start(); err != nil {
				t.Fatal(err)
			}
		}
		page = s.page()
		if _, no := succeeded(page); len(no) > 0 || total(page, "gluster_up") != 1 || total(page, "gluster_brick_up") != bricks {
			t.Errorf("after all came back: no success of %v, up %v, %v of %v bricks", no, total(page, "gluster_up"), total(page, "gluster_brick_up"), bricks)
		}
	}
	before := total(usual, "gluster_brick_written_bytes_total")
	c.Work()
	name := c.Volumes()[0]
	s.page()
	if err := c.RestartBricks(name); err != nil {
		t.Fatal(err)
	}
	// Counters go on where a brick's process begins anew.
	if page := s.page(); total(page, "gluster_brick_written_bytes_total") <= 2*before {
		t.Errorf("%v bytes were written, after %v", total(page, "gluster_brick_written_bytes_total"), 2*before)
	}
	added, err := c.AddVolume()
	if err != nil {
		t.Fatal(err)
	}
	if page := s.page(); total(page, "gluster_volume_started") != 3 {
		t.Errorf("%v volumes, with a new one", total(page, "gluster_volume_started"))
	}
	if err := c.RemoveVolume(added); err != nil {
		t.Fatal(err)
	}
	if page := s.page(); total(page, "gluster_volume_started") != 2 || total(page, "gluster_brick_up") != bricks {
		t.Errorf("%v volumes and %v bricks, without it", total(page, "gluster_volume_started"), total(page, "gluster_brick_up"))
	}
}
