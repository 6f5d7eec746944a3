package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"brickyard/internal/simulated"
)

// sizes of pools, small to large, and the largest again on a node that has every sixth brick.
func sizes() []simulated.Size {
	return []simulated.Size{
		{Volumes: 2, Peers: 3, Others: 300},
		{Volumes: 20, Peers: 3, Others: 300},
		{Volumes: 200, Peers: 20, Others: 300},
		{Volumes: 1000, Peers: 100, Others: 300},
		{Volumes: 1000, Peers: 100, LocalBricks: 1000, Others: 300},
	}
}

func sizeName(s simulated.Size, c *simulated.Cluster) string {
	return fmt.Sprintf("volumes=%d/peers=%d/local-bricks=%d", s.Volumes, s.Peers, len(c.Bricks()))
}

// warmUp and rest are how many scrapes are made before anything is measured, and how many in all before memory is.
const (
	warmUp = 10
	rest   = 100
)

// BenchmarkScrape scrapes a process of the exporter over HTTP, on nodes of several sizes. Beside the time of a scrape it reports the processor time, the
// allocations and the memory of that process alone, and the share of each collector in wall time.
func BenchmarkScrape(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "gluster_exporter")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for _, size := range sizes() {
		c, err := simulated.Start(size)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(sizeName(size, c), func(b *testing.B) { benchmarkScrape(b, binary, c) })
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkScrape(b *testing.B, binary string, c *simulated.Cluster) {
	e := child(b, binary, c)
	for range warmUp {
		e.scrape(b, "")
	}
	before := e.families(b)
	// Wall times of single scrapes: the median says more than the mean on a machine that does other things.
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		e.scrape(b, "")
		took = append(took, time.Since(began))
	}
	after := e.families(b)
	per := func(name string) float64 { // families scrapes as well
		return (value(after[name]) - value(before[name])) / float64(len(took)+1)
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op") // the mean
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms/scrape")
	b.ReportMetric(took[0].Seconds()*1000, "fastest-ms")
	b.ReportMetric(per("process_cpu_seconds_total")*1000, "cpu-ms/scrape")
	b.ReportMetric(per("go_memstats_mallocs_total"), "allocs/scrape")
	b.ReportMetric(per("go_memstats_alloc_bytes_total")/(1<<20), "MiB-allocated/scrape")
	for range max(0, rest-warmUp-len(took)) {
		e.scrape(b, "")
	}
	b.ReportMetric(e.memory(b, "VmRSS"), "MiB-resident")
	b.ReportMetric(e.memory(b, "VmHWM"), "MiB-peak")
	b.ReportMetric(float64(e.scrape(b, ""))/(1<<20), "MiB-page")
	series := 0
	for _, f := range after {
		series += len(f.GetMetric())
	}
	b.ReportMetric(float64(series), "metrics")
}

// BenchmarkCollector has one collector at a time scraped, and reports the processor time of the exporter for it, less that of a scrape without collectors.
func BenchmarkCollector(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "gluster_exporter")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for _, size := range sizes()[2:4] {
		c, err := simulated.Start(size)
		if err != nil {
			b.Fatal(err)
		}
		e := child(b, binary, c)
		for range warmUp {
			e.scrape(b, "")
		}
		for _, name := range e.collectors(b) {
			b.Run(sizeName(size, c)+"/"+name, func(b *testing.B) {
				query, n := "?collect[]="+name, 0
				before := e.cpu(b)
				var took []time.Duration
				for b.Loop() {
					began := time.Now()
					e.scrape(b, query)
					took = append(took, time.Since(began))
					n++
				}
				slices.Sort(took)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms/scrape")
				b.ReportMetric((e.cpu(b)-before)*1000/float64(n), "cpu-ms/scrape")
			})
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// process is a gluster_exporter that runs.
type process struct {
	cmd    *exec.Cmd
	url    string
	client *http.Client
}

// child starts the exporter for a node; it is stopped with the test.
func child(t testing.TB, binary string, c *simulated.Cluster) *process {
	t.Helper()
	address := freeAddress(t)
	cmd := exec.Command(binary, append(c.Flags(), "--web.listen-address="+address, "--log.level=error")...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() //nolint:errcheck // it has nothing to lose
		_ = cmd.Wait()         //nolint:errcheck // it was killed
	})
	p := &process{cmd: cmd, url: "http://" + address, client: &http.Client{Timeout: patience}}
	waitFor(t, "the exporter to listen", func() bool {
		resp, err := p.client.Get(p.url + "/-/healthy")
		return err == nil && resp.Body.Close() == nil
	})
	return p
}

// freeAddress is one on which nobody listens.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its address is wanted
	return l.Addr().String()
}

func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

// scrape reads a page and returns its size.
func (p *process) scrape(t testing.TB, query string) int64 {
	t.Helper()
	resp, err := p.client.Get(p.url + "/metrics" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return n
}

func (p *process) families(t testing.TB) map[string]*dto.MetricFamily {
	t.Helper()
	resp, err := p.client.Get(p.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// collectors are those that the exporter runs and which all succeed.
func (p *process) collectors(t testing.TB) (names []string) {
	t.Helper()
	for _, m := range p.families(t)["gluster_exporter_collector_success"].GetMetric() {
		name := m.GetLabel()[0].GetValue()
		if m.GetGauge().GetValue() != 1 {
			t.Errorf("collector %s has no success", name)
		}
		names = append(names, name)
	}
	return names
}

// cpu is the processor time that the exporter has used, in seconds.
func (p *process) cpu(t testing.TB) float64 {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // a thread that has just ended
		}
		ns, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += ns
	}
	return sum / 1e9
}

// memory is a line of /proc/PID/status, in MiB.
func (p *process) memory(t testing.TB, key string) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == key+":" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib / 1024
		}
	}
	t.Fatalf("no %s in\n%s", key, text)
	return 0
}

// value is that of a family of one metric.
func value(f *dto.MetricFamily) float64 {
	if len(f.GetMetric()) != 1 {
		return 0
	}
	m := f.GetMetric()[0]
	return m.GetCounter().GetValue() + m.GetGauge().GetValue()
}
