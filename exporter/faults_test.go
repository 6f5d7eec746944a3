package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"brickyard/internal/simulated"
)

// deadline is what a test's Prometheus waits, in seconds, and offset what the exporter leaves of it for making the page: on a busy machine that takes a while.
const (
	deadline = "7"
	offset   = "--web.timeout-offset=4s"
)

// within scrapes and fails the test where the answer comes after Prometheus has given up.
func within(t *testing.T, s *server) (page map[string]*dto.MetricFamily) {
	t.Helper()
	limit, err := time.ParseDuration(deadline + "s")
	if err != nil {
		t.Fatal(err)
	}
	began, lost := time.Now(), late()
	page = s.page("X-Prometheus-Scrape-Timeout-Seconds", deadline)
	if took, lost := time.Since(began), lost(); took >= limit+lost {
		t.Errorf("the answer took %s, of which a busy machine took %s", took, lost)
	}
	return page
}

// late measures, until what it returns is called, how much later than they asked those come to run who wait for a moment: what a
// busy machine takes of everybody's time.
func late() (lost func() time.Duration) {
	over, sum := make(chan struct{}), make(chan time.Duration)
	go func() {
		const moment = 5 * time.Millisecond
		var lost time.Duration
		for {
			began := time.Now()
			select {
			case <-over:
				sum <- lost
				return
			case <-time.After(moment):
				lost += time.Since(began) - moment
			}
		}
	}()
	return func() time.Duration {
		close(over)
		return <-sum
	}
}

// sooner expects that a page has nothing wrong, soon: on a busy machine a collector that has nothing to do with a fault may find no time
// within one scrape, but not in one scrape after the other.
func sooner(t *testing.T, s *server, when string, look func(page map[string]*dto.MetricFamily) (wrong []string)) {
	t.Helper()
	const scrapes = 20
	var wrong []string
	for range scrapes {
		if wrong = look(within(t, s)); len(wrong) == 0 {
			return
		}
	}
	t.Errorf("%s: in none of %d scrapes all was well, last: %s", when, scrapes, strings.Join(wrong, "; "))
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
			s := serving(t, c, offset)
			usual := within(t, s)
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
	s := serving(t, c, offset)
	usual := within(t, s)
	bricks := total(usual, "gluster_brick_up")
	for range 2 {
		// Their sockets stay behind, and nobody listens.
		c.Glusterd.Stop()
		page := within(t, s)
		if total(page, "gluster_up") != 0 || total(page, "gluster_brick_up") != bricks || total(page, "gluster_volume_started") != total(usual, "gluster_volume_started") {
			t.Errorf("without glusterd: up %v, %v of %v bricks, %v volumes", total(page, "gluster_up"), total(page, "gluster_brick_up"), bricks, total(page, "gluster_volume_started"))
		}
		c.Bricks()[0].Stop()
		c.SelfHeal.Stop()
		page = within(t, s)
		if total(page, "gluster_brick_up") != bricks-1 || total(page, "gluster_self_heal_daemon_up") != 0 {
			t.Errorf("%v of %v bricks are up, %v self-heal daemons", total(page, "gluster_brick_up"), bricks, total(page, "gluster_self_heal_daemon_up"))
		}
		for _, d := range []*simulated.Daemon{c.Glusterd, c.Bricks()[0], c.SelfHeal} {
			if err := d.Start(); err != nil {
				t.Fatal(err)
			}
		}
		page = within(t, s)
		if _, no := succeeded(page); len(no) > 0 || total(page, "gluster_up") != 1 || total(page, "gluster_brick_up") != bricks {
			t.Errorf("after all came back: no success of %v, up %v, %v of %v bricks", no, total(page, "gluster_up"), total(page, "gluster_brick_up"), bricks)
		}
	}
	before := total(usual, "gluster_brick_written_bytes_total")
	c.Work()
	name := c.Volumes()[0]
	within(t, s)
	if err := c.RestartBricks(name); err != nil {
		t.Fatal(err)
	}
	// Counters go on where a brick's process begins anew.
	if page := within(t, s); total(page, "gluster_brick_written_bytes_total") <= 2*before {
		t.Errorf("%v bytes were written, after %v", total(page, "gluster_brick_written_bytes_total"), 2*before)
	}
	added, err := c.AddVolume()
	if err != nil {
		t.Fatal(err)
	}
	if page := within(t, s); total(page, "gluster_volume_started") != 3 {
		t.Errorf("%v volumes, with a new one", total(page, "gluster_volume_started"))
	}
	if err := c.RemoveVolume(added); err != nil {
		t.Fatal(err)
	}
	if page := within(t, s); total(page, "gluster_volume_started") != 2 || total(page, "gluster_brick_up") != bricks {
		t.Errorf("%v volumes and %v bricks, without it", total(page, "gluster_volume_started"), total(page, "gluster_brick_up"))
	}
}
