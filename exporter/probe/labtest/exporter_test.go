package labtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"brickyard/exporter/probe"
	"brickyard/internal/lab"
)

const (
	interval = 500 * time.Millisecond
	// patient is the probes' timeout where no mount is to hang. It also counts what the machine needs to start the child.
	patient = lab.Patience
	// hasty is the one where mounts hang.
	hasty = time.Second
	// grace is how long a child that is to end tries to remove its files: endGrace of package probe.
	grace = 2 * time.Second
	// scrapeLimit is what a scrape may take on a machine that does many other things; one that waits for a mount takes longer: see pingTimeout.
	scrapeLimit = lab.Patience
	// pingTimeout is network.ping-timeout, in seconds: until then the client itself keeps what is asked of it.
	pingTimeout = "600"
)

// exporter is an exporter that runs in a node of the lab.
type exporter struct {
	t      *testing.T
	node   *lab.Node
	config probe.Config
	cmd    *exec.Cmd
	client *http.Client
	said   *lab.Transcript
	ended  chan struct{}
}

// start starts an exporter in a node, which probes mounts.
func start(t *testing.T, node *lab.Node, timeout time.Duration, mounts ...string) *exporter {
	t.Helper()
	return startWith(t, node, probe.Config{Mounts: mounts, Interval: interval, Timeout: timeout})
}

func startWith(t *testing.T, node *lab.Node, cfg probe.Config) *exporter {
	t.Helper()
	config, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "probe") // short, as names of sockets are
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	e := &exporter{t: t, node: node, config: cfg, said: &lab.Transcript{}, ended: make(chan struct{})}
	e.cmd = node.Command(context.Background(), program)
	// The race detector's second at the end of each process would count as the child's.
	e.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", configVariable+"="+string(config), socketVariable+"="+socket)
	e.cmd.Stderr = e.said
	e.client = &http.Client{Timeout: scrapeLimit, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = e.cmd.Wait()
		close(e.ended)
	}()
	t.Cleanup(func() {
		_ = e.cmd.Process.Kill()
		<-e.ended // what it has used is read at the end of the lab
		if t.Failed() {
			t.Logf("%s: the exporter said:\n%s", node.Name, e.said)
		}
	})
	e.until("it answers", func() bool {
		conn, err := net.Dial("unix", socket) // that the socket is there does not say that anybody listens
		return err == nil && conn.Close() == nil
	})
	return e
}

func (e *exporter) until(what string, done func() bool) time.Duration {
	e.t.Helper()
	return until(e.t, e.node, what, done)
}

// until waits for something to become true.
func until(t *testing.T, node *lab.Node, what string, done func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	lab.WaitFor(t, node.Name+": "+what, done)
	return time.Since(began)
}

// page is what one scrape returned.
type page map[string]*dto.MetricFamily

// scrape returns all metrics, and fails when that takes longer than scrapes may take.
func (e *exporter) scrape() page {
	e.t.Helper()
	resp, err := e.client.Get("http://exporter/metrics")
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return families
}

// find returns the metric of a family that has all the given labels, as "name=value"; nil where none has.
func (p page) find(family string, labels ...string) *dto.Metric {
	for _, m := range p[family].GetMetric() {
		has := map[string]bool{}
		for _, l := range m.GetLabel() {
			has[l.GetName()+"="+l.GetValue()] = true
		}
		all := true
		for _, l := range labels {
			all = all && has[l]
		}
		if all {
			return m
		}
	}
	return nil
}

// value returns a gauge or counter, and -1 where there is none.
func (p page) value(family string, labels ...string) float64 {
	m := p.find(family, labels...)
	switch {
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue()
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	}
	return -1
}

func (e *exporter) find(family string, labels ...string) *dto.Metric {
	e.t.Helper()
	return e.scrape().find(family, labels...)
}

func (e *exporter) value(family string, labels ...string) float64 {
	e.t.Helper()
	return e.scrape().value(family, labels...)
}

func (e *exporter) success() bool { return e.value("gluster_probe_success") == 1 }

func (e *exporter) errors(class string) float64 {
	return e.value("gluster_probe_errors_total", "class="+class)
}

// pid is the exporter's process.
func (e *exporter) pid() int {
	e.t.Helper()
	pids := children(e.cmd.Process.Pid)
	if len(pids) != 1 {
		e.t.Fatalf("nsenter has the children %v", pids)
	}
	return pids[0]
}

// probes are the processes that the exporter has started.
func (e *exporter) probes() []int { return children(e.pid()) }

func (e *exporter) descriptors() int {
	e.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", e.pid()))
	if err != nil {
		e.t.Fatal(err)
	}
	return len(entries)
}

// children are the processes whose parent a process is, those included that have ended and are not yet waited for.
func children(pid int) []int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var all []int
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for field := range strings.FieldsSeq(string(b)) {
			if id, err := strconv.Atoi(field); err == nil {
				all = append(all, id)
			}
		}
	}
	return all
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// stop ends the exporter as its service does, and returns how long that took.
func (e *exporter) stop() time.Duration {
	e.t.Helper()
	began := time.Now()
	if err := e.node.Signal(e.cmd, syscall.SIGTERM); err != nil {
		e.t.Fatal(err)
	}
	select {
	case <-e.ended:
	case <-time.After(lab.Patience):
		e.t.Fatal("the exporter does not end")
	}
	return time.Since(began)
}

// leavesNothing ends an exporter and looks what is left. Where that took so long that its children may have given up, one more starts and ends in its place.
func leavesNothing(e *exporter, end func(*exporter) time.Duration, left func() []string) {
	e.t.Helper()
	for range 20 {
		took := end(e)
		names := left()
		if len(names) == 0 {
			return
		}
		e.t.Logf("%s: left after %s: %q", e.node.Name, took, names)
		if took < grace {
			break
		}
		e = startWith(e.t, e.node, e.config)
		for _, m := range e.config.Mounts {
			e.until("success", func() bool { return e.value("gluster_probe_success", "mountpoint="+m) == 1 })
		}
	}
	e.t.Errorf("%s: files are left", e.node.Name)
}

// echoes waits until at least three echoes of a peer, and more than half of them all, have taken no more than a second each.
func (e *exporter) echoes(peer string) {
	e.t.Helper()
	var h *dto.Histogram
	e.until("echoes of "+peer, func() bool {
		h = e.find("gluster_probe_echo_seconds", "peer="+peer).GetHistogram()
		return slices.ContainsFunc(h.GetBucket(), func(b *dto.Bucket) bool {
			return b.GetUpperBound() == 1 && b.GetCumulativeCount() >= 3 && 2*b.GetCumulativeCount() > h.GetSampleCount()
		})
	})
	e.t.Logf("%s: %d echoes of %s, mean %.4f s", e.node.Name, h.GetSampleCount(), peer, h.GetSampleSum()/float64(h.GetSampleCount()))
}

// hidden are the names in the probers' directory as a mount shows them; nil where there is no such directory.
func hidden(t *testing.T, mount string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(mount, ".gluster_exporter"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// owned are the names that are a node's.
func owned(names []string, node string) (own []string) {
	for _, name := range names {
		if strings.HasPrefix(name, node+"@") {
			own = append(own, name)
		}
	}
	return own
}

// mountVolume mounts a volume, whose bricks may just be starting.
func mountVolume(t *testing.T, node *lab.Node, args ...string) {
	t.Helper()
	until(t, node, "the volume is mounted", func() bool {
		return node.Command(t.Context(), append([]string{"mount", "-t", "glusterfs"}, args...)...).Run() == nil
	})
}

// patiently runs a command in a node until it succeeds.
func patiently(node *lab.Node, command string) {
	node.Run("bash", "-c", "until "+command+"; do sleep 0.02; done")
}

// fuseClient finds the process that serves a mount of a node, by its number in the node.
func fuseClient(t *testing.T, node *lab.Node, mount string) string {
	t.Helper()
	files, _ := filepath.Glob(node.Path("/proc") + "/[0-9]*/cmdline")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		args := strings.Split(strings.TrimRight(string(b), "\x00"), "\x00")
		if filepath.Base(args[0]) == "glusterfs" && args[len(args)-1] == mount {
			return filepath.Base(filepath.Dir(f))
		}
	}
	t.Fatalf("%s: no process serves %s", node.Name, mount)
	return ""
}
