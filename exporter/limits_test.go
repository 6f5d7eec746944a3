package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"

	"brickyard/exporter/collector"
	"brickyard/exporter/node"
)

func TestAClientIsAnAddressOrANetwork(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"10.0.0.1:4711": "10.0.0.1", "[::ffff:10.0.0.1]:1": "10.0.0.1", "[fd77::1]:1": "fd77::/64", "[fd77::2:3:4:5]:9": "fd77::/64",
		"[fd77:0:0:1::1]:1": "fd77:0:0:1::/64", "[fe80::1%eth0]:1": "fe80::/64", "@": "@", "": "",
	} {
		if got := client(remote); got != want {
			t.Errorf("%q is %q, want %q", remote, got, want)
		}
	}
}

func TestTheLastTurnIsForWhoHasNone(t *testing.T) {
	t.Parallel()
	turns := newTurns(3)
	for i, want := range []bool{true, true, false} {
		if turns.take("a") != want {
			t.Errorf("turn %d of a: not %t", i, want)
		}
	}
	if !turns.take("b") || turns.take("c") || turns.take("b") {
		t.Error("the last turn was b's, and there was no other")
	}
	turns.giveBack("a")
	if turns.take("a") || !turns.take("c") {
		t.Error("the turn that is free is for c")
	}
	for _, who := range []string{"a", "b", "c"} {
		turns.giveBack(who)
	}
	if turns.taken != 0 || len(turns.of) != 0 {
		t.Errorf("%+v", turns)
	}
	if one := newTurns(1); !one.take("a") || one.take("b") {
		t.Error("one scrape at a time")
	}
	unlimited := newTurns(0)
	for range 100 {
		if !unlimited.take("a") {
			t.Error("any number")
		}
	}
}

func TestTheTimeOfAScrapeIsBounded(t *testing.T) {
	t.Parallel()
	usual := WebFlags{ScrapeTimeout: 10 * time.Second}
	for header, want := range map[string]time.Duration{"": 10 * time.Second, "5": 5 * time.Second, "86400": longestScrape} {
		if got, err := scrapeTimeout(usual, header); got != want || err != nil {
			t.Errorf("%q: %s, %v, want %s", header, got, err, want)
		}
	}
	if got, err := scrapeTimeout(WebFlags{ScrapeTimeout: time.Minute}, "50"); got != 50*time.Second || err != nil {
		t.Errorf("where scrapes may take a minute: %s, %v", got, err)
	}
	for _, header := range []string{"0", "-1", "NaN", "Inf", "x"} {
		if got, err := scrapeTimeout(usual, header); err == nil {
			t.Errorf("%q: %s", header, got)
		}
	}
}

// busy is an exporter whose glusterd takes connections and never answers, with room for so many scrapes and
// connections.
func busy(t *testing.T, requests, open int) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "busy") // its path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) //nolint:errcheck // below /tmp
	glusterd, err := net.Listen("unix", filepath.Join(dir, "glusterd.socket"))
	if err != nil {
		t.Fatal(err)
	}
	n := node.New(node.Config{Socket: filepath.Join(dir, "glusterd.socket"), Workdir: dir, Proc: "/proc"})
	f := WebFlags{TelemetryPath: "/metrics", MaxRequests: requests, ScrapeTimeout: patience}
	log := promslog.NewNopLogger()
	handler, err := routes(f, collector.NewSet(n, nil, log), prometheus.NewRegistry(), log)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: patience, IdleTimeout: patience, ConnState: newConnections(open).changed}
	go server.Serve(l) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { _, _, _ = server.Close(), glusterd.Close(), n.Close() })
	return l.Addr().String()
}

// from connects from one of this machine's many loopback addresses.
func from(t *testing.T, source, to string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	conn, err := d.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) //nolint:errcheck // the server may have
	return conn
}

const scrapeForever = "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 86000\r\n\r\n"

// scrape asks from an address and returns the status.
func scrape(t *testing.T, source, to string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	c := &http.Client{Transport: &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+to+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.2")
	answer, err := c.Do(r)
	if err != nil {
		t.Errorf("from %s: %v", source, err)
		return 0
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Errorf("from %s: %v", source, err)
	}
	return answer.StatusCode
}

func TestWhoHoldsScrapesKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	to := busy(t, 5, 100)
	for range 10 {
		if _, err := fmt.Fprint(from(t, "127.0.0.2", to), scrapeForever); err != nil {
			t.Fatal(err)
		}
	}
	// Four of them are held as long as a scrape may take, the others were refused.
	waitFor(t, "who holds all turns but one to be refused the last one", func() bool { return scrape(t, "127.0.0.2", to) == http.StatusServiceUnavailable })
	for range 3 {
		if got := scrape(t, "127.0.0.3", to); got != http.StatusOK {
			t.Errorf("another client: status %d", got)
		}
	}
}

func TestWhoHoldsConnectionsKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	const room = 20
	to := busy(t, 5, room)
	kept := from(t, "127.0.0.3", to) // as Prometheus keeps one
	if _, err := fmt.Fprint(kept, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := kept.Read(make([]byte, 1<<12)); n == 0 || err != nil {
		t.Fatal(err)
	}
	var idle []net.Conn
	for i := range 10 * room {
		conn := from(t, "127.0.0.2", to)
		if i%3 == 0 { // some begin a request and never end it
			_, _ = fmt.Fprint(conn, "GET /metrics HTT") //nolint:errcheck // it may have been ended
		}
		idle = append(idle, conn)
	}
	if got := scrape(t, "127.0.0.4", to); got != http.StatusOK {
		t.Errorf("another client: status %d", got)
	}
	// All but the last few are ended, and none of those of others.
	for i, conn := range idle[:len(idle)-room-5] {
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
			t.Fatalf("connection %d of %d is open: %v", i, len(idle), err)
		}
	}
	if _, err := fmt.Fprint(kept, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := kept.Read(make([]byte, 1<<12)); n == 0 || err != nil {
		t.Errorf("the connection that Prometheus kept: %v", err)
	}
}
