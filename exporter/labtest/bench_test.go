package labtest

import (
	"context"
	"encoding/json"
	"errors"
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

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// gatherEnv tells TestGather, run in a node, which volumes to ask the command line about and where to write what that took.
const gatherEnv = "EXPORTER_GATHER"

// scrapesPerRound is how many scrapes are made while the command line gathers once: of one the clock would say little.
const scrapesPerRound = 20

// BenchmarkScrape measures one scrape of the exporter against gathering the same facts by starting the gluster program, on three nodes with 2 and with
// 20 volumes of three copies, in turn within each round. The processor time is that of whoever asks, with children, and of every glusterd, brick and
// self-heal daemon of the cluster. Once with geo-replication as Debian installs it, which every gluster command starts, and once without.
func BenchmarkScrape(b *testing.B) {
	for _, georep := range []bool{true, false} {
		for _, volumes := range []int{2, 20} {
			name := map[bool]string{true: "installed", false: "absent"}[georep]
			b.Run(fmt.Sprintf("volumes=%d/geo-replication=%s", volumes, name), func(b *testing.B) { againstCLI(b, volumes, georep) })
		}
	}
}

func againstCLI(b *testing.B, volumes int, georep bool) {
	l := lab.Start(b, lab.Options{GeoReplication: georep})
	l.Pool()
	n := l.Node(0)
	var names []string
	for i := range volumes {
		v := gluster.VolumeSpec{Name: fmt.Sprintf("volume%02d", i), Replica: 3}
		for _, n := range l.Nodes() {
			v.Bricks = append(v.Bricks, gluster.Brick{Host: n.Name, Path: "/bricks/" + v.Name})
		}
		for _, c := range []gluster.Command{gluster.VolumeCreate(v), gluster.VolumeStart(v.Name)} {
			if err := n.CLI().Run(b.Context(), c); err != nil {
				b.Fatal(err)
			}
		}
		n.Gluster("volume", "profile", v.Name, "start")
		names = append(names, v.Name)
	}
	e := start(b, n)
	ready := settled(b, e)
	if up := count(ready, "gluster_brick_up{"); up != volumes {
		b.Fatalf("%d bricks are exported, want %d", up, volumes)
	}
	scrape := prometheus(e)
	own := func() time.Duration { return cpuOf(b, children(b, e.cmd.Process.Pid)) }
	// By unit; each way is the mean of a round, and ratios are taken within rounds.
	took := map[string][]float64{}
	note := func(unit string, value float64) { took[unit] = append(took[unit], value) }
	for b.Loop() {
		asked, before, began := daemons(b, l), own(), time.Now()
		for range scrapesPerRound {
			if err := scrape(); err != nil {
				b.Fatal(err)
			}
		}
		wall := ms(time.Since(began)) / scrapesPerRound
		client := ms(own()-before) / scrapesPerRound
		total := client + ms(daemons(b, l)-asked)/scrapesPerRound
		note("scrape-wall-ms", wall)
		note("scrape-client-cpu-ms", client)
		note("scrape-total-cpu-ms", total)

		asked = daemons(b, l)
		w, c := gather(b, n, names)
		sum := ms(c) + ms(daemons(b, l)-asked)
		note("cli-wall-ms", ms(w))
		note("cli-client-cpu-ms", ms(c))
		note("cli-total-cpu-ms", sum)
		note("x-wall", ms(w)/wall)
		note("x-client-cpu", ms(c)/client)
		note("x-total-cpu", sum/total)
	}
	for unit, of := range took {
		spread(b, unit, of)
	}
	b.ReportMetric(0, "ns/op")
}

// prometheus returns what scrapes as a Prometheus does: over one connection that stays, and compressed.
func prometheus(e *exporter) func() error {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DialContext: func(_ context.Context, network, address string) (conn net.Conn, err error) {
		e.node.Network(func() { conn, err = net.DialTimeout(network, address, patience) })
		return conn, err
	}}}
	url := "http://" + net.JoinHostPort(e.node.IPv4, "9189") + "/metrics"
	return func() error {
		resp, err := client.Get(url)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %s", resp.Status)
		}
		return errors.Join(err, resp.Body.Close())
	}
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// spread reports the median, the lowest and the highest.
func spread(b *testing.B, unit string, of []float64) {
	slices.Sort(of)
	b.ReportMetric(of[len(of)/2], unit)
	b.ReportMetric(of[0], unit+"-lowest")
	b.ReportMetric(of[len(of)-1], unit+"-highest")
}

// gather runs TestGather in a node, so that entering the node is not measured.
func gather(b *testing.B, n *lab.Node, volumes []string) (wall, cpu time.Duration) {
	b.Helper()
	file := filepath.Join(b.TempDir(), "took")
	cmd := n.Command(b.Context(), os.Args[0], "-test.run=^TestGather$")
	cmd.Env = append(os.Environ(), gatherEnv+"="+file+":"+strings.Join(volumes, ","))
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	doc, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	var took [2]time.Duration
	if err := json.Unmarshal(doc, &took); err != nil {
		b.Fatal(err)
	}
	return took[0], took[1]
}

// TestGather is the part of BenchmarkScrape that runs in a node; by itself it does nothing.
func TestGather(t *testing.T) {
	file, volumes, ok := strings.Cut(os.Getenv(gatherEnv), ":")
	if !ok {
		return
	}
	// What the exporter tells of the cluster, each with the command that tells it too; what it reads in /proc and of file systems is left out.
	commands := [][]string{
		{"pool", "list"},   // peers
		{"volume", "info"}, // volumes, their options and snapshots
		{"volume", "get", "all", "cluster.op-version"},
	}
	for v := range strings.SplitSeq(volumes, ",") {
		commands = append(
			commands,
			[]string{"volume", "status", v}, // self-heal daemons, which detail leaves out
			[]string{"volume", "status", v, "detail"},                 // bricks and their file systems
			[]string{"volume", "status", v, "clients"},                // who is connected to each brick, with its operating version
			[]string{"volume", "profile", v, "info", "cumulative"},    // I/O
			[]string{"volume", "heal", v, "statistics", "heal-count"}, // the backlog
			[]string{"volume", "heal", v, "statistics"},               // crawls: healed, failed, split-brain
		)
	}
	began, cpu := time.Now(), time.Duration(0)
	for _, c := range commands {
		cmd := exec.Command("gluster", append([]string{"--mode=script", "--xml"}, c...)...)
		out, err := cmd.Output()
		if err != nil || strings.Contains(string(out), "<opRet>-1") {
			t.Fatalf("%v: %v: %s", c, err, out)
		}
		cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() // with children that it waited for
	}
	doc, err := json.Marshal([2]time.Duration{time.Since(began), cpu})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
}

// children are the processes that a process started: nsenter becomes setpriv, and that the exporter, in a PID namespace through one more.
func children(t testing.TB, pid int) (pids []string) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	for child := range strings.FieldsSeq(string(text)) {
		pids = append(pids, "/proc/"+child)
	}
	return pids
}

// daemons is the processor time of all daemons of the cluster so far.
func daemons(t testing.TB, l *lab.Lab) (sum time.Duration) {
	t.Helper()
	for _, n := range l.Nodes() {
		p, err := gluster.ListProcesses(n.Path("/proc"))
		if err != nil {
			t.Fatal(err)
		}
		pids := slices.Clone(p.Glusterd)
		for _, b := range p.Bricks {
			pids = append(pids, b.PID)
		}
		for _, d := range p.SelfHeal {
			pids = append(pids, d.PID)
		}
		var dirs []string
		for _, pid := range pids {
			dirs = append(dirs, n.Path("/proc/"+strconv.Itoa(pid)))
		}
		sum += cpuOf(t, dirs)
	}
	return sum
}

// cpuOf is the processor time, in user and kernel mode, of the threads of processes, given by their directories in /proc.
func cpuOf(t testing.TB, processes []string) (sum time.Duration) {
	t.Helper()
	for _, p := range processes {
		files, err := filepath.Glob(p + "/task/*/schedstat")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				continue // a thread that has just ended
			}
			ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += time.Duration(ns)
		}
	}
	return sum
}
