package gluster_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

const (
	// measureEnv tells TestMeasure, run in a node, what to measure and where to write it.
	measureEnv = "GLUSTER_MEASURE"
	// callsPerBlock is how many calls of one way are made before the other has its turn.
	callsPerBlock = 25
)

// sample is what one read cost the process that made it, with the processes that it started.
type sample struct {
	Wall, CPU time.Duration
}

// BenchmarkStatus reads the status of a volume of three bricks on three nodes by socket and by command
// line, in turn, and reports for each the median duration and the mean CPU time (user and
// system) of the client with its children, the CPU time of all daemons of the cluster, and the ratios.
// It does so without geo-replication, and as Debian installs GlusterFS, where every
// gluster command starts a Python program of geo-replication.
func BenchmarkStatus(b *testing.B) {
	l := cluster(b, lab.Options{})
	b.Run("geo-replication=absent", func(b *testing.B) { bySocketAndCLI(b, l) })
	found, err := filepath.Glob("/usr/lib/*/glusterfs/gsyncd")
	if err != nil || len(found) == 0 {
		b.Fatalf("no gsyncd on this machine: install the package glusterfs-common (%v)", err)
	}
	program, err := os.ReadFile(found[0])
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(l.Node(0).Path(found[0]), program, 0o755); err != nil { //nolint:gosec // a program
		b.Fatal(err)
	}
	b.Run("geo-replication=installed", func(b *testing.B) { bySocketAndCLI(b, l) })
}

func bySocketAndCLI(b *testing.B, l *lab.Lab) {
	var samples [2][]sample
	var daemons [2]time.Duration
	for b.Loop() {
		for i, way := range []string{"socket", "cli"} {
			before := daemonCPU(b, l)
			samples[i] = append(samples[i], measure(b, l.Node(0), way)...)
			daemons[i] += daemonCPU(b, l) - before
		}
	}
	var wall, client, total [2]float64
	for i, way := range []string{"socket", "cli"} {
		n := len(samples[i])
		slices.SortFunc(samples[i], func(a, b sample) int { return int(a.Wall - b.Wall) })
		wall[i] = ms(samples[i][n/2].Wall)
		for _, s := range samples[i] {
			client[i] += ms(s.CPU) / float64(n)
		}
		total[i] = client[i] + ms(daemons[i])/float64(n)
		b.ReportMetric(wall[i], way+"-wall-ms")
		b.ReportMetric(client[i], way+"-client-cpu-ms")
		b.ReportMetric(total[i]-client[i], way+"-daemons-cpu-ms")
	}
	b.ReportMetric(wall[1]/wall[0], "x-wall")
	b.ReportMetric(client[1]/client[0], "x-client-cpu")
	b.ReportMetric(total[1]/total[0], "x-total-cpu")
	b.ReportMetric(0, "ns/op") // a block of both ways says nothing
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// measure runs TestMeasure in a node, so that entering the node is not measured.
func measure(b *testing.B, n *lab.Node, way string) []sample {
	b.Helper()
	file := filepath.Join(b.TempDir(), "samples")
	cmd := n.Command(b.Context(), os.Args[0], "-test.run=^TestMeasure$")
	cmd.Env = append(os.Environ(), measureEnv+"="+way+":"+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	doc, err := os.ReadFile(file) //nolint:gosec // our own
	if err != nil {
		b.Fatal(err)
	}
	var samples []sample
	if err := json.Unmarshal(doc, &samples); err != nil {
		b.Fatal(err)
	}
	return samples
}

// TestMeasure is the part of BenchmarkStatus that runs in a node; by itself it does nothing.
func TestMeasure(t *testing.T) {
	way, file, ok := strings.Cut(os.Getenv(measureEnv), ":")
	if !ok {
		return
	}
	c := gluster.NewClient("unix", "")
	read := map[string]func() (time.Duration, error){
		"socket": func() (time.Duration, error) {
			_, err := c.VolumeStatus(t.Context(), "three", false)
			return 0, err
		},
		"cli": func() (time.Duration, error) {
			cmd := exec.Command("gluster", "--mode=script", "--xml", "volume", "status", "three")
			out, err := cmd.Output()
			if err == nil && !strings.Contains(string(out), "<opRet>0</opRet>") {
				err = fmt.Errorf("%s", out)
			}
			return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
		},
	}[way]
	var samples []sample
	for i := range callsPerBlock + 1 {
		started, before := time.Now(), ownCPU(t)
		children, err := read()
		s := sample{Wall: time.Since(started), CPU: ownCPU(t) - before + children}
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 { // the first one connects and warms up
			samples = append(samples, s)
		}
	}
	doc, err := json.Marshal(samples)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
}

func ownCPU(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// daemonCPU is the CPU time of all glusterds so far.
func daemonCPU(t testing.TB, l *lab.Lab) time.Duration {
	t.Helper()
	var sum time.Duration
	for _, n := range l.Nodes() {
		pid := strings.TrimSpace(n.Run("cat", "/run/glusterd.pid"))
		files, err := filepath.Glob(n.Path("/proc/" + pid + "/task/*/schedstat"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f) //nolint:gosec // below the node's root
			if err != nil {
				t.Fatal(err)
			}
			text, _, _ := strings.Cut(string(b), " ")
			ns, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += time.Duration(ns)
		}
	}
	return sum
}
