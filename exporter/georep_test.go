package main

import (
	"encoding/binary"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"brickyard/internal/simulated"
)

// geoReplicated gives the simulated node a session of its first volume, with what gsyncd of GlusterFS 10.3 left of a real one.
type geoReplicated struct {
	t       *testing.T
	cluster *simulated.Cluster
	volume  string
	dir     string // gsyncd's of the session
	pid     *os.File
}

func geoReplicate(t *testing.T, c *simulated.Cluster) *geoReplicated {
	t.Helper()
	g := &geoReplicated{t: t, cluster: c, volume: c.Volumes()[0]}
	g.dir = filepath.Join(c.Dir, "workdir", "geo-replication", g.volume+"_n3_copy")
	g.must(os.MkdirAll(g.dir, 0o755))
	info := filepath.Join(c.Dir, "workdir", "vols", g.volume, "info")
	text, err := os.ReadFile(info)
	g.must(err)
	line := regexp.MustCompile("(?m)^secondary1=.*\n").FindString(string(g.recorded("info.txt")))
	g.must(os.WriteFile(info, append(text, line...), 0o644))
	g.write("monitor.status", "monitor.status")
	g.write("gsyncd.conf", "gsyncd.conf")
	id := regexp.MustCompile("(?m)^volume-id=(.*)$").FindStringSubmatch(string(text))[1]
	mark := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 1795718014), 250000)
	for i, brick := range g.bricks() {
		g.write(statusFile(brick), []string{"active.json", "passive.json"}[i%2])
		g.must(unix.Setxattr(brick, "trusted.glusterfs."+id+".xtime", mark, 0))
	}
	g.lock()
	return g
}

func (g *geoReplicated) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// bricks are the directories of the volume's bricks on this node.
func (g *geoReplicated) bricks() []string {
	all, err := filepath.Glob(filepath.Join(g.cluster.Dir, "bricks", g.volume+"-*"))
	g.must(err)
	if len(all) != 2 {
		g.t.Fatalf("bricks of %s here: %v", g.volume, all)
	}
	return all
}

func statusFile(brick string) string { return "brick_" + url.QueryEscape(brick) + ".status" }

func (g *geoReplicated) recorded(name string) []byte {
	text, err := os.ReadFile("../gluster/testdata/glusterfs-10.3/georep-" + name)
	g.must(err)
	return text
}

// write writes a recorded file where it belongs.
func (g *geoReplicated) write(file, recorded string) {
	g.must(os.WriteFile(filepath.Join(g.dir, file), g.recorded(recorded), 0o644))
}

// lock has the monitor run: it keeps its file locked. The lock is of the open file, since those of this process would not keep the exporter out, which is the same one here.
func (g *geoReplicated) lock() {
	var err error
	g.pid, err = os.Create(filepath.Join(g.cluster.Dir, "run", "gsyncd-"+g.volume+"-n3-copy.pid"))
	g.must(err)
	g.must(unix.FcntlFlock(g.pid.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}))
	g.t.Cleanup(func() { _ = g.pid.Close() }) //nolint:errcheck // a test may have closed it
}

// kill has the monitor end without saying so.
func (g *geoReplicated) kill() { g.must(g.pid.Close()) }

// series are the samples of the collector, and those about it, without the first brick's directory.
func (s *server) georep(g *geoReplicated) map[string]bool {
	s.t.Helper()
	status, body, err := s.get("/metrics")
	if err != nil || status != 200 {
		s.t.Fatalf("status %d, %v", status, err)
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "gluster_georep_") || strings.Contains(line, `collector="georep"`) && !strings.Contains(line, "duration") {
			line = strings.ReplaceAll(strings.TrimSpace(line), g.cluster.Dir, "DIR")
			for i, brick := range g.bricks() {
				line = strings.ReplaceAll(line, filepath.Base(brick), fmt.Sprint("brick", i))
			}
			out[line] = true
		}
	}
	return out
}

// wants compares what should be there, and what should not, written with ! before the beginning.
func (s *server) wants(what string, g *geoReplicated, lines ...string) {
	s.t.Helper()
	got := s.georep(g)
	bad := false
	for _, want := range lines {
		begin, absent := strings.CutPrefix(want, "!")
		found := got[want]
		if absent {
			found = true
			for line := range got {
				found = found && !strings.HasPrefix(line, begin)
			}
		}
		if !found {
			bad = true
			s.t.Errorf("%s: %s", what, want)
		}
	}
	if bad {
		for line := range got {
			s.t.Log(line)
		}
	}
}

const (
	georepSession = `{secondary="n3::copy",volume="volume0000"} `
	georepFirst   = `{brick="n1:DIR/bricks/brick0",secondary="n3::copy",volume="volume0000"} `
	georepSecond  = `{brick="n1:DIR/bricks/brick1",secondary="n3::copy",volume="volume0000"} `
)

func georepWorker(subvolume int, status, crawl string) string {
	return fmt.Sprintf(`gluster_georep_worker_info{brick="n1:DIR/bricks/brick%d",crawl=%q,secondary="n3::copy",status=%q,subvolume="volume0000-replicate-%d",volume="volume0000"} 1`, subvolume, crawl, status, subvolume)
}

func TestAMachineWithoutSessionsExportsNone(t *testing.T) {
	t.Parallel()
	c := simulate(t, simulated.Size{Volumes: 2, Peers: 3})
	g := &geoReplicated{t: t, cluster: c, volume: c.Volumes()[0]}
	serving(t, c).wants("without a session", g, "!gluster_georep_", `gluster_exporter_collector_success{collector="georep"} 1`)
}

// TestASessionInEveryState goes through what was seen on a real session.
func TestASessionInEveryState(t *testing.T) {
	t.Parallel()
	c := simulate(t, simulated.Size{Volumes: 2, Peers: 3})
	g := geoReplicate(t, c)
	s := serving(t, c)
	s.wants("it copies", g,
		`gluster_georep_session_info{secondary="n3::copy",secondary_volume_id="615e91c8-26af-409e-a843-4b6a2b74f8e3",status="Started",user="root",volume="volume0000"} 1`,
		"gluster_georep_session_started"+georepSession+"1", "gluster_georep_session_paused"+georepSession+"0", "gluster_georep_monitor_up"+georepSession+"1",
		"gluster_georep_checkpoint_timestamp_seconds"+georepSession+"1.795718012e+09",
		georepWorker(0, "Active", "Changelog Crawl"), georepWorker(1, "Passive", "N/A"),
		"gluster_georep_worker_up"+georepFirst+"1", "gluster_georep_worker_active"+georepFirst+"1",
		"gluster_georep_worker_up"+georepSecond+"1", "gluster_georep_worker_active"+georepSecond+"0",
		"gluster_georep_last_synced_timestamp_seconds"+georepFirst+"1.795718015e+09", "gluster_georep_last_change_timestamp_seconds"+georepFirst+"1.79571801425e+09",
		"gluster_georep_pending_data_operations"+georepFirst+"0", "gluster_georep_failures_total"+georepFirst+"0",
		"gluster_georep_checkpoint_reached"+georepFirst+"1", "gluster_georep_checkpoint_completion_timestamp_seconds"+georepFirst+"1.795718019e+09",
		`gluster_exporter_collector_success{collector="georep"} 1`)

	g.write(statusFile(g.bricks()[0]), "faulty.json")
	s.wants("the secondary is away", g, georepWorker(0, "Faulty", "N/A"), "gluster_georep_worker_up"+georepFirst+"0", "gluster_georep_monitor_up"+georepSession+"1",
		"!gluster_georep_pending_data_operations"+georepFirst, "gluster_georep_last_synced_timestamp_seconds"+georepFirst+"1.795718015e+09")
	g.write(statusFile(g.bricks()[0]), "initializing.json")
	s.wants("it tries again", g, georepWorker(0, "Initializing...", "N/A"), "gluster_georep_worker_up"+georepFirst+"0", "!gluster_georep_last_synced_timestamp_seconds"+georepFirst,
		"gluster_georep_checkpoint_reached"+georepFirst+"0", "!gluster_georep_checkpoint_completion_timestamp_seconds"+georepFirst)
	g.write(statusFile(g.bricks()[0]), "active.json")

	g.must(os.WriteFile(filepath.Join(g.dir, "monitor.status"), []byte("Paused"), 0o644))
	s.wants("paused", g, "gluster_georep_session_paused"+georepSession+"1", "gluster_georep_session_started"+georepSession+"0", georepWorker(0, "Paused", "N/A"),
		"gluster_georep_worker_up"+georepFirst+"0", "gluster_georep_monitor_up"+georepSession+"1")
	g.write("monitor.status", "monitor.status")

	g.kill()
	s.wants("the monitor was killed", g, "gluster_georep_monitor_up"+georepSession+"0", "gluster_georep_session_started"+georepSession+"1", georepWorker(0, "Stopped", "N/A"),
		"gluster_georep_worker_up"+georepFirst+"0", "gluster_georep_worker_active"+georepFirst+"0", `gluster_exporter_collector_success{collector="georep"} 1`)
	g.must(os.WriteFile(filepath.Join(g.dir, "monitor.status"), []byte("Created"), 0o644))
	s.wants("the monitor ended before it noted that it runs", g, "gluster_georep_session_started"+georepSession+"1", georepWorker(0, "Created", "N/A"))
	g.must(os.Remove(g.pid.Name()))
	s.wants("never started", g, "gluster_georep_session_started"+georepSession+"0", "gluster_georep_monitor_up"+georepSession+"0")

	g.must(os.RemoveAll(g.dir))
	s.wants("its directory is lost", g, "gluster_georep_monitor_up"+georepSession+"0", "gluster_georep_worker_up"+georepFirst+"0", "gluster_georep_failures_total"+georepFirst+"0",
		"gluster_georep_last_change_timestamp_seconds"+georepFirst+"1.79571801425e+09", `gluster_exporter_collector_success{collector="georep"} 1`)

	info := filepath.Join(c.Dir, "workdir", "vols", g.volume, "info")
	text, err := os.ReadFile(info)
	g.must(err)
	g.must(os.WriteFile(info+".tmp", regexp.MustCompile("(?m)^secondary1=.*\n").ReplaceAll(text, nil), 0o644))
	g.must(os.Rename(info+".tmp", info))
	s.wants("deleted", g, "!gluster_georep_")
}

// TestFilesOfASessionThatCannotBeUnderstood shows the rest, and names the class of the error.
func TestFilesOfASessionThatCannotBeUnderstood(t *testing.T) {
	t.Parallel()
	c := simulate(t, simulated.Size{Volumes: 2, Peers: 3})
	g := geoReplicate(t, c)
	s := serving(t, c)
	count := 0
	for _, file := range []string{"monitor.status", "gsyncd.conf", statusFile(g.bricks()[1])} {
		path := filepath.Join(g.dir, file)
		text, err := os.ReadFile(path)
		g.must(err)
		g.must(os.WriteFile(path, []byte(`checkpoint={"worker`), 0o644))
		s.wants(file, g, `gluster_exporter_collector_success{collector="georep"} 0`, "gluster_georep_monitor_up"+georepSession+"1", "gluster_georep_failures_total"+georepFirst+"0")
		count++
		g.must(os.WriteFile(path, text, 0o644))
		s.wants("mended", g, `gluster_exporter_collector_success{collector="georep"} 1`, fmt.Sprintf(`gluster_exporter_collector_errors_total{class="parse",collector="georep"} %d`, count))
	}
}

// TestAnErrorInTheFirstScrapeIsAStep has a Prometheus see a counter rise that it never saw before.
func TestAnErrorInTheFirstScrapeIsAStep(t *testing.T) {
	t.Parallel()
	c := simulate(t, simulated.Size{Volumes: 2, Peers: 3})
	g := geoReplicate(t, c)
	g.must(os.WriteFile(filepath.Join(g.dir, "monitor.status"), []byte("?"), 0o644))
	s := serving(t, c)
	const errors = `gluster_exporter_collector_errors_total{class="parse",collector="georep"} `
	s.wants("the first scrape", g, errors+"0", `gluster_exporter_collector_success{collector="georep"} 0`)
	g.write("monitor.status", "monitor.status")
	s.wants("the second", g, errors+"1", `gluster_exporter_collector_success{collector="georep"} 1`)
}

// TestGlusterdThatDoesNotRunIsZero takes its process away.
func TestGlusterdThatDoesNotRunIsZero(t *testing.T) {
	t.Parallel()
	c := simulate(t, simulated.Size{Volumes: 1, Peers: 2})
	s := serving(t, c)
	running := func() string {
		_, body, err := s.get("/metrics")
		if err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(`(?m)^gluster_process_running\{daemon="glusterd",name=""\} .*$`).FindString(string(body))
	}
	if got := running(); !strings.HasSuffix(got, " 1") {
		t.Errorf("it runs: %q", got)
	}
	if err := os.RemoveAll(filepath.Join(c.Dir, "proc", "1000")); err != nil {
		t.Fatal(err)
	}
	if got := running(); !strings.HasSuffix(got, " 0") {
		t.Errorf("it does not: %q", got)
	}
}
