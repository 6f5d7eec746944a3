// Package labtest runs the exporter on real glusterds and compares what it exports with what GlusterFS's own programs and the kernel say.
package labtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// patience bounds every wait for something that happens by itself, on a machine that does many other things, too.
const patience = lab.Patience

// unhurried is what a scrape gets that nothing keeps waiting, and longer than patience: a scrape that is to end sooner did not where it takes that long.
const unhurried = 2 * patience

// program is the environment variable with the path of the exporter, for all tests.
const program = "GLUSTER_EXPORTER_UNDER_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(gatherEnv) != "" { // a part of a benchmark, in a node
		os.Exit(m.Run())
	}
	os.Exit(lab.Main(m, func(dir string) error {
		path, err := lab.Program(dir, "gluster_exporter", "brickyard/exporter")
		if err != nil {
			return err
		}
		return os.Setenv(program, path)
	}))
}

// exporter is one that runs on a node.
type exporter struct {
	t    testing.TB
	node *lab.Node
	cmd  *exec.Cmd
	log  string
}

// start starts an exporter on a node; it is stopped with the test.
func start(t testing.TB, n *lab.Node, args ...string) *exporter {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	e := &exporter{t: t, node: n, log: filepath.Join(t.TempDir(), "exporter.log")}
	e.cmd = n.Command(ctx, append([]string{os.Getenv(program), "--web.listen-address=" + net.JoinHostPort(n.IPv4, "9189"), "--web.scrape-timeout=" + unhurried.String()}, args...)...)
	log, err := os.Create(e.log)
	if err != nil {
		t.Fatal(err)
	}
	e.cmd.Stdout, e.cmd.Stderr = log, log
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = e.cmd.Wait() //nolint:errcheck // it was killed
		if text, err := os.ReadFile(e.log); err == nil && t.Failed() {
			t.Logf("log of the exporter on %s:\n%s", n.Name, text)
		}
	})
	waitFor(t, "the exporter to listen", func() bool { _, _, err := e.get("/-/healthy"); return err == nil })
	return e
}

// get asks for a page from inside the node's network. header has names and values in turn.
func (e *exporter) get(path string, header ...string) (status int, body []byte, err error) {
	address := net.JoinHostPort(e.node.IPv4, "9189")
	var conn net.Conn
	e.node.Network(func() { conn, err = net.DialTimeout("tcp", address, patience) })
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close() //nolint:errcheck // read only
	ctx, cancel := context.WithTimeout(context.Background(), 2*unhurried)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	// Another goroutine than this one would connect in the machine's own network.
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// families scrapes and parses.
func (e *exporter) families(path string) map[string]*dto.MetricFamily {
	e.t.Helper()
	status, body, err := e.get(path)
	if err != nil || status != http.StatusOK {
		e.t.Fatalf("%s: status %d, %v\n%s", path, status, err, body)
	}
	return parse(e.t, body)
}

func parse(t testing.TB, body []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return families
}

// samples are the values of a scrape, by name and labels as they are written.
type samples map[string]float64

func (e *exporter) scrape() samples {
	e.t.Helper()
	out := samples{}
	for name, f := range e.families("/metrics") {
		for _, m := range f.GetMetric() {
			labels := ""
			for _, l := range m.GetLabel() {
				labels += fmt.Sprintf(",%s=%q", l.GetName(), l.GetValue())
			}
			if labels != "" {
				labels = "{" + labels[1:] + "}"
			}
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				out[name+labels] = m.GetCounter().GetValue()
			case dto.MetricType_GAUGE:
				out[name+labels] = m.GetGauge().GetValue()
			case dto.MetricType_HISTOGRAM:
				out[name+"_count"+labels] = float64(m.GetHistogram().GetSampleCount())
				out[name+"_sum"+labels] = m.GetHistogram().GetSampleSum()
			default:
			}
		}
	}
	return out
}

// want compares one sample.
func (s samples) want(t *testing.T, name string, value float64) {
	t.Helper()
	got, ok := s[name]
	if !ok {
		t.Errorf("no %s", name)
	} else if got != value {
		t.Errorf("%s is %v, want %v", name, got, value)
	}
}

// has reports whether all of want are there with their values.
func (s samples) has(want samples) bool {
	for name, value := range want {
		if got, ok := s[name]; !ok || got != value {
			return false
		}
	}
	return true
}

// until waits for one scrape that has all of want, and returns it.
func (e *exporter) until(t *testing.T, what string, want samples) samples {
	t.Helper()
	var s samples
	defer func() {
		t.Helper()
		for name, value := range want { // says which of them never came
			s.want(t, name, value)
		}
	}()
	waitFor(t, what, func() bool {
		s = e.scrape()
		return s.has(want)
	})
	return s
}

func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	lab.WaitFor(t, what, done)
}

func run(t *testing.T, n *lab.Node, c gluster.Command) {
	t.Helper()
	if err := n.CLI().Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}
