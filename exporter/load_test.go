package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"brickyard/internal/simulated"
)

// small is a pool whose simulation takes little of the machine.
func small() simulated.Size { return simulated.Size{Volumes: 2, Peers: 3, Others: 5} }

// simulate starts a simulated node; it ends with the test.
func simulate(t testing.TB, size simulated.Size) *simulated.Cluster {
	t.Helper()
	c, err := simulated.Start(size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// server is the whole program, within the test.
type server struct {
	t      testing.TB
	addr   string
	client *http.Client
}

// serving runs the program on a simulated node until the end of the test, when it must stop by itself.
func serving(t testing.TB, c *simulated.Cluster, flags ...string) *server {
	t.Helper()
	return servingOn(t, append(c.Flags(), flags...)...)
}

// patience is what a scrape gets of whom nothing hurries, and how long a test waits for anything: only what hangs takes so long, on a busy machine too.
const patience = 10 * time.Minute

// servingOn is serving for a machine that the flags describe.
func servingOn(t testing.TB, flags ...string) *server {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &server{t: t, addr: freeAddress(t), client: &http.Client{Timeout: 2 * patience, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	var said bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, append([]string{"--web.listen-address=" + s.addr, "--log.level=error", "--web.scrape-timeout=" + patience.String()}, flags...), io.Discard, &said)
	}()
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		stop()
		if code := <-done; code != 0 {
			t.Errorf("exit status %d: %s", code, said.Bytes())
		}
	})
	waitFor(t, "the exporter to listen", func() bool {
		resp, err := s.client.Get("http://" + s.addr + "/-/healthy")
		return err == nil && resp.Body.Close() == nil
	})
	return s
}

// get reads a page. header has names and values in turn.
func (s *server) get(path string, header ...string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+s.addr+path, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// page is a scrape, by name.
func (s *server) page(header ...string) map[string]*dto.MetricFamily {
	s.t.Helper()
	status, body, err := s.get("/metrics", header...)
	if err != nil || status != http.StatusOK {
		s.t.Fatalf("status %d, %v\n%s", status, err, body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		s.t.Fatalf("%v\n%s", err, body)
	}
	return families
}

// succeeded are the collectors of a page by success.
func succeeded(page map[string]*dto.MetricFamily) (yes, no []string) {
	for _, m := range page["gluster_exporter_collector_success"].GetMetric() {
		name := m.GetLabel()[0].GetValue()
		if m.GetGauge().GetValue() == 1 {
			yes = append(yes, name)
		} else {
			no = append(no, name)
		}
	}
	return yes, no
}

// total is the sum of a family.
func total(page map[string]*dto.MetricFamily, name string) (sum float64) {
	for _, m := range page[name].GetMetric() {
		sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return sum
}

func TestASimulatedNodeIsExportedAsItIs(t *testing.T) {
	t.Parallel()
	c := simulate(t, simulated.Size{Volumes: 12, Peers: 5, Others: 20})
	page := serving(t, c).page()
	if yes, no := succeeded(page); len(no) > 0 || len(yes) != 15 {
		t.Errorf("collectors with success %v, without %v", yes, no)
	}
	local := float64(len(c.Bricks()))
	if want := 15.0; local != want { // 72 bricks on five nodes
		t.Errorf("%v bricks are on this node, want %v", local, want)
	}
	for name, want := range map[string]float64{
		"gluster_up": 1, "gluster_server": 1, "gluster_pool_nodes": 5, "gluster_peer_connected": 4, "gluster_volume_started": 12, "gluster_volume_bricks": 72,
		"gluster_volume_subvolumes": 24, "gluster_brick_up": local, "gluster_brick_clients": 4 * local, "gluster_brick_heal_pending_entries": 3 * local,
		"gluster_self_heal_daemon_up": 12, "gluster_brick_read_bytes_total": 5200 * local, "gluster_brick_written_bytes_total": 550000 * local,
		"gluster_heal_crawl_failed_entries": 0, "gluster_process_running": local + 3, "gluster_process_open_fds": 40 * (local + 3),
		"gluster_mount_expected": 1, "gluster_mount_mounted": 1, "gluster_mount_process_running": 1, "gluster_volume_profiling": 12,
	} {
		if got := total(page, name); got != want {
			t.Errorf("sum of %s is %v, want %v", name, got, want)
		}
	}
	if n := len(page["gluster_brick_fops_total"].GetMetric()); n < 20*int(local) {
		t.Errorf("%d kinds of file operations on %v bricks", n, local)
	}
	for _, m := range page["gluster_brick_info"].GetMetric() {
		if v := m.GetLabel()[3]; v.GetName() != "version" || v.GetValue() != "10.3" {
			t.Errorf("%v", m)
		}
	}
}

func TestTwoHundredScrapesAtOnce(t *testing.T) {
	c := simulate(t, simulated.Size{Volumes: 1, Peers: 3})
	s := serving(t, c, "--web.max-requests=0", "--no-collector.processes")
	busy := serving(t, c, "--no-collector.processes") // refuses what is too much for it
	var wg sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for range 200 {
		wg.Go(func() {
			status, body, err := s.get("/metrics")
			if err != nil || status != http.StatusOK || !bytes.Contains(body, []byte("\ngluster_up 1\n")) {
				t.Errorf("status %d, %v, %d bytes", status, err, len(body))
			}
			if bytes.Contains(body, []byte("success{collector=\"bricks\"} 0")) {
				t.Error("a scrape missed bricks, and nothing hurried it")
			}
		})
	}
	wg.Wait()
	for range 200 {
		wg.Go(func() {
			status, body, err := busy.get("/metrics")
			if err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
				t.Errorf("status %d, %v: %s", status, err, body)
			}
			mu.Lock()
			defer mu.Unlock()
			answers[status]++
		})
	}
	wg.Wait()
	if answers[http.StatusOK] == 0 {
		t.Errorf("answers by status: %v", answers)
	}
}

// TestSlowReaders keeps connections open that send half a request, nothing, or read next to nothing: others are answered meanwhile.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	s := serving(t, simulate(t, small()))
	var conns []net.Conn
	for i := range 60 {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		request := []string{"", "GET /met", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"}[i%3]
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
	}
	stop, slowly := make(chan struct{}), sync.WaitGroup{}
	for i := 2; i < len(conns); i += 3 {
		slowly.Go(func() {
			one := make([]byte, 1)
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Second):
				}
				if _, err := conns[i].Read(one); err != nil {
					return
				}
			}
		})
	}
	for range 5 {
		waitFor(t, "a turn", func() bool {
			status, _, err := s.get("/metrics")
			if err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
				t.Fatalf("status %d, %v", status, err)
			}
			return status == http.StatusOK
		})
	}
	// Whoever does not end its request is cut off.
	if err := conns[1].SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conns[1]); err != nil {
		t.Errorf("half a request: %v", err)
	}
	close(stop)
	slowly.Wait()
	for _, c := range conns {
		_ = c.Close() //nolint:errcheck // some have been closed by the other side
	}
}

func TestGarbageRequests(t *testing.T) {
	t.Parallel()
	s := serving(t, simulate(t, small()))
	for name, request := range map[string]string{
		"nothing":            "\r\n\r\n",
		"bytes":              "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\xff\r\n\r\n",
		"no version":         "GET /metrics\r\n\r\n",
		"another method":     "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
		"a way out":          "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
		"a long path":        "GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"a long header":      "GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 2<<20) + "\r\n\r\n",
		"many headers":       "GET /metrics HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: a\r\n", 200000) + "\r\n",
		"a body that lies":   "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"a timeout of words": "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: soon\r\n\r\n",
		"no time":            "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: -1\r\n\r\n",
		"no number":          "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: NaN\r\n\r\n",
		"a wrong collector":  "GET /metrics?collect[]=%00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"a broken escape":    "GET /metrics?collect[]=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read says so
		go func() {
			_, _ = io.WriteString(conn, request) //nolint:errcheck // the server may have had enough
		}()
		line, err := bufio.NewReader(conn).ReadString('\n')
		if good := regexp.MustCompile(`^HTTP/1\.[01] (2|4|3)\d\d `); err == nil && !good.MatchString(line) {
			t.Errorf("%s: %q", name, line)
		}
		_ = conn.Close() //nolint:errcheck // read only
	}
	s.page()
	if status, body, err := s.get("/metrics", "Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited, */*;q=0"); err != nil || status != http.StatusOK || len(body) == 0 {
		t.Errorf("as protocol buffers: status %d, %v, %d bytes", status, err, len(body))
	}
	for accept, encoding := range map[string]string{"gzip": "gzip", "deflate, gzip;q=1.0, *;q=0.5": "gzip", "gzip;q=0": "", "gzip;q=0.0": "", "br": "", "identity": ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+"/metrics", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", accept)
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		begin := make([]byte, 2)
		_, err = io.ReadFull(resp.Body, begin)
		if got := resp.Header.Get("Content-Encoding"); err != nil || got != encoding || (string(begin) == "\x1f\x8b") != (encoding != "") {
			t.Errorf("%s: %v, encoding %q, begins with %q", accept, err, got, begin)
		}
		_ = resp.Body.Close() //nolint:errcheck // read only
	}
	if status, body, err := s.get("/metrics?collect[]=nosuch"); err != nil || status != http.StatusBadRequest || !strings.Contains(string(body), "nosuch") {
		t.Errorf("an error to a client that takes gzip: status %d, %v, %q", status, err, body)
	}
}
