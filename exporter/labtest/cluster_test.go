package labtest

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// cluster has three nodes and one client, and a volume of each shape: three copies, two copies over two sets, and two copies with an arbiter.
func cluster(t *testing.T) *lab.Lab {
	t.Helper()
	l := lab.Start(t, lab.Options{Nodes: 3, Clients: 1})
	l.Pool()
	b := func(node int, path string) gluster.Brick {
		return gluster.Brick{Host: l.Node(node).Name, Path: "/bricks/" + path}
	}
	for _, v := range []gluster.VolumeSpec{
		{Name: "three", Replica: 3, Bricks: []gluster.Brick{b(0, "three"), b(1, "three"), b(2, "three")}},
		{Name: "wide", Replica: 2, Bricks: []gluster.Brick{b(0, "wide"), b(1, "wide"), b(1, "wide-2"), b(2, "wide")}},
		{Name: "witness_1-x", Replica: 3, Arbiter: 1, Bricks: []gluster.Brick{b(0, "witness"), b(1, "witness"), b(2, "witness")}},
	} {
		run(t, l.Node(0), gluster.VolumeCreate(v))
		run(t, l.Node(0), gluster.VolumeStart(v.Name))
	}
	l.Node(3).Run("mkdir", "/client")
	waitFor(t, "the volume to be mounted", func() bool {
		return l.Node(3).Command(t.Context(), "mount", "-t", "glusterfs", "n1:/three", "/client").Run() == nil
	})
	return l
}

// settled waits until the exporter sees every brick and every self-heal daemon, and the daemons know their bricks.
func settled(t testing.TB, e *exporter) samples {
	t.Helper()
	var s samples
	waitFor(t, "all bricks to be online", func() bool {
		s = e.scrape()
		for name, value := range s {
			if strings.HasPrefix(name, "gluster_subvolume_bricks{") && s[strings.Replace(name, "bricks{", "bricks_online{", 1)] != value {
				return false
			}
			for _, up := range []string{"gluster_brick_up{", "gluster_self_heal_daemon_up{", "gluster_subvolume_known{"} {
				if strings.HasPrefix(name, up) && value != 1 {
					return false
				}
			}
		}
		return s["gluster_up"] == 1
	})
	return s
}

func TestAHealthyClusterIsExportedAsItIs(t *testing.T) {
	t.Parallel()
	l := cluster(t)
	n := l.Node(0)
	e := start(t, n)
	s := settled(t, e)

	s.want(t, "gluster_server", 1)
	s.want(t, "gluster_pool_nodes", 3)
	for _, peer := range []string{"n2", "n3"} {
		s.want(t, fmt.Sprintf("gluster_peer_connected{peer=%q}", peer), 1)
		s.want(t, fmt.Sprintf("gluster_peer_in_cluster{peer=%q}", peer), 1)
	}
	volumes, err := n.Client().Volumes(t.Context())
	if err != nil || len(volumes) != 3 {
		t.Fatalf("%+v, %v", volumes, err)
	}
	for _, v := range volumes {
		of := fmt.Sprintf("{volume=%q}", v.Name)
		s.want(t, "gluster_volume_started"+of, 1)
		s.want(t, "gluster_volume_bricks"+of, float64(len(v.Bricks)))
		s.want(t, "gluster_volume_subvolumes"+of, float64(len(v.ReplicaSets())))
		s.want(t, "gluster_volume_replicas"+of, float64(v.Replica))
		s.want(t, "gluster_volume_arbiters"+of, float64(v.Arbiter))
		s.want(t, "gluster_volume_profiling"+of, 0)
		sum := strings.TrimSpace(n.Run("sed", "-n", "s/^info=//p", "/var/lib/glusterd/vols/"+v.Name+"/cksum"))
		want, err := strconv.ParseFloat(sum, 64)
		if err != nil {
			t.Fatal(err)
		}
		s.want(t, "gluster_volume_config_checksum"+of, want)
	}
	// Every node's own bricks, and no others.
	for _, tc := range []struct{ volume, path, subvolume, role string }{
		{"three", "/bricks/three", "three-replicate-0", "data"},
		{"wide", "/bricks/wide", "wide-replicate-0", "data"},
		{"witness_1-x", "/bricks/witness", "witness_1-x-replicate-0", "data"},
	} {
		of := fmt.Sprintf("{brick=%q,volume=%q}", "n1:"+tc.path, tc.volume)
		s.want(t, fmt.Sprintf("gluster_brick_info{brick=%q,role=%q,subvolume=%q,version=%q,volume=%q}", "n1:"+tc.path, tc.role, tc.subvolume, version(n), tc.volume), 1)
		s.want(t, "gluster_brick_up"+of, 1)
		s.want(t, "gluster_brick_volume_id_matches"+of, 1)
		s.want(t, "gluster_brick_heal_pending_entries"+of, 0)
		var fs syscall.Statfs_t
		if err := syscall.Statfs(n.Path(tc.path), &fs); err != nil {
			t.Fatal(err)
		}
		s.want(t, "gluster_brick_size_bytes"+of, float64(fs.Blocks)*float64(fs.Frsize))
		s.want(t, "gluster_brick_inodes"+of, float64(fs.Files))
	}
	if up := count(s, "gluster_brick_up{"); up != 3 {
		t.Errorf("%d bricks are exported, 3 are on this node", up)
	}
	for subvolume, spare := range map[string]float64{
		`{subvolume="three-replicate-0",volume="three"}`:             1,
		`{subvolume="wide-replicate-0",volume="wide"}`:               1,
		`{subvolume="witness_1-x-replicate-0",volume="witness_1-x"}`: 1,
	} {
		s.want(t, "gluster_subvolume_writable"+subvolume, 1)
		s.want(t, "gluster_subvolume_failures_tolerated"+subvolume, spare)
		s.want(t, "gluster_subvolume_known"+subvolume, 1)
	}
	arbiterHasNoCapacity(t, l)
	wellFormed(t, e)
	clientOnly(t, l.Node(3))
}

// version is what the program of a node says.
func version(n *lab.Node) string {
	return strings.Fields(n.Run("glusterd", "--version"))[1]
}

func count(s samples, prefix string) (n int) {
	for name := range s {
		if strings.HasPrefix(name, prefix) {
			n++
		}
	}
	return n
}

func arbiterHasNoCapacity(t *testing.T, l *lab.Lab) {
	t.Helper()
	s := settled(t, start(t, l.Node(2)))
	const of = `{brick="n3:/bricks/witness",volume="witness_1-x"}`
	s.want(t, "gluster_brick_up"+of, 1)
	if _, there := s["gluster_brick_size_bytes"+of]; there {
		t.Error("the arbiter has a size")
	}
	if s["gluster_brick_inodes"+of] == 0 {
		t.Error("the arbiter has no inodes")
	}
	s.want(t, `gluster_subvolume_data_bricks{subvolume="witness_1-x-replicate-0",volume="witness_1-x"}`, 2)
	if _, there := s[`gluster_subvolume_bricks{subvolume="wide-replicate-0",volume="wide"}`]; there {
		t.Error("a replica set without a brick here is exported")
	}
}

// wellFormed looks at the whole page as Prometheus' own linter does.
func wellFormed(t *testing.T, e *exporter) {
	t.Helper()
	status, body, err := e.get("/metrics")
	if err != nil || status != http.StatusOK {
		t.Fatalf("status %d, %v", status, err)
	}
	problems, err := promlint.New(strings.NewReader(string(body))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for path, want := range map[string]int{
		"/": http.StatusOK, "/-/healthy": http.StatusOK, "/nosuch": http.StatusNotFound,
		"/metrics?collect[]=peers": http.StatusOK, "/metrics?collect[]=nosuch": http.StatusBadRequest, "/metrics?collect[]=peers&exclude[]=io": http.StatusBadRequest,
	} {
		if status, _, err := e.get(path); err != nil || status != want {
			t.Errorf("%s: status %d, %v, want %d", path, status, err, want)
		}
	}
	if status, _, err := e.get("/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "soon"); err != nil || status != http.StatusBadRequest {
		t.Errorf("a timeout that is no number: status %d, %v", status, err)
	}
}

// clientOnly is a machine that mounts and has no glusterd.
func clientOnly(t *testing.T, n *lab.Node) {
	t.Helper()
	e := start(t, n)
	want := samples{
		"gluster_up":     0,
		"gluster_server": 0,
		`gluster_mount_mounted{mountpoint="/client",volume="three"}`:           1,
		`gluster_mount_process_running{mountpoint="/client",volume="three"}`:   1,
		`gluster_mount_auto_invalidation{mountpoint="/client",volume="three"}`: 0, // as mount.glusterfs has it by itself
	}
	for name := range e.scrape() {
		if strings.HasPrefix(name, "gluster_exporter_collector_success{") {
			want[name] = 1
		}
	}
	e.until(t, "a machine without glusterd", want)
}

func TestWhatBreaksIsSeen(t *testing.T) {
	t.Parallel()
	l := cluster(t)
	n, client := l.Node(0), l.Node(3)
	e := start(t, n)
	settled(t, e)
	const brick = `{brick="n1:/bricks/three",volume="three"}`
	const set = `{subvolume="three-replicate-0",volume="three"}`

	// Work, to have counts, with profiling.
	run(t, n, gluster.ProfileStart("three"))
	write := func(name string) {
		t.Helper()
		if err := os.WriteFile(client.Path("/client/"+name), []byte(strings.Repeat(name, 4096)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		write(fmt.Sprintf("before-%d", i))
	}
	before := agreesWithProfile(t, n, e)
	before.want(t, `gluster_volume_profiling{volume="three"}`, 1)

	// A brick dies: down, not gone; the set has less to spare; what it misses is counted by the others.
	n.KillBrick("/bricks/three")
	for i := range 10 {
		write(fmt.Sprintf("away-%d", i))
	}
	down := e.until(t, "the brick to be seen down", samples{
		"gluster_subvolume_bricks_online" + set:      2,
		"gluster_brick_up" + brick:                   0,
		"gluster_subvolume_failures_tolerated" + set: 0,
		"gluster_subvolume_writable" + set:           1,
	})
	monotonic(t, before, down)
	other := start(t, l.Node(1))
	const pending = `gluster_brick_heal_pending_entries{brick="n2:/bricks/three",volume="three"}`
	waitFor(t, "the backlog to be counted as heal info counts it", func() bool {
		got, truth := other.scrape()[pending], healInfo(t, l.Node(1), "three")["n2:/bricks/three"]
		t.Logf("n2 counts %v entries to heal, heal info %v", got, truth)
		return got >= 10 && got == truth
	})

	// It comes back: counters go on, the backlog goes.
	run(t, n, append(gluster.VolumeStart("three"), "force"))
	e.until(t, "the brick to be up again", samples{"gluster_brick_up" + brick: 1})
	other.until(t, "the brick to be healed", samples{pending: 0})
	monotonic(t, down, e.scrape())

	// The self-heal daemon is killed.
	daemons, err := gluster.SelfHealProcesses(n.Path("/proc"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range daemons {
		n.Run("kill", "-KILL", strconv.Itoa(d.PID))
	}
	e.until(t, "the daemon to be missed", samples{
		`gluster_self_heal_daemon_up{volume="three"}`: 0,
		"gluster_subvolume_known" + set:               0,
		"gluster_subvolume_bricks_online" + set:       3,
	})

	// glusterd stops: the bricks go on, and so does what is known of them.
	n.StopGlusterd()
	s := e.until(t, "glusterd to be missed", samples{
		"gluster_up":               0,
		"gluster_server":           1,
		"gluster_brick_up" + brick: 1,
		`gluster_exporter_collector_success{collector="peers"}`: 0,
	})
	if s[`gluster_exporter_collector_errors_total{class="not_running",collector="peers"}`] == 0 {
		t.Error("no error of class not_running is counted")
	}
	n.StartGlusterd()
	waitFor(t, "glusterd to be seen again", func() bool { return e.scrape()["gluster_up"] == 1 })
	// No volume is deleted while any of the others misses a peer.
	for i := range 3 {
		waitFor(t, l.Node(i).Name+" to see both others", func() bool {
			return strings.Count(l.Node(i).Gluster("peer", "status"), "(Connected)") == 2
		})
	}

	// A volume is stopped and deleted.
	run(t, n, gluster.VolumeStop("wide"))
	e.until(t, "the volume to be seen stopped", samples{
		`gluster_volume_started{volume="wide"}`:                   0,
		`gluster_brick_up{brick="n1:/bricks/wide",volume="wide"}`: 0,
	})
	run(t, n, gluster.VolumeDelete("wide"))
	gone := e.scrape()
	if count(gone, `gluster_volume_started{volume="wide"}`)+count(gone, `gluster_brick_up{brick="n1:/bricks/wide"`) != 0 {
		t.Error("a deleted volume is still exported")
	}
}

// monotonic compares counters.
func monotonic(t *testing.T, before, after samples) {
	t.Helper()
	for name, value := range before {
		if !strings.HasPrefix(name, "gluster_brick_") || !strings.Contains(name, "_total{") && !strings.Contains(name, "_count{") {
			continue
		}
		if now, ok := after[name]; !ok || now < value {
			t.Errorf("%s was %v and is %v", name, value, now)
		}
	}
}

// profile is what the gluster program says that bricks did.
type profile struct {
	Bricks []struct {
		Name       string `xml:"brickName"`
		Cumulative struct {
			Written float64 `xml:"totalWrite"`
			FOPs    []struct {
				Name    string  `xml:"name"`
				Hits    float64 `xml:"hits"`
				Average float64 `xml:"avgLatency"`
			} `xml:"fopStats>fop"`
		} `xml:"cumulativeStats"`
	} `xml:"volProfile>brick"`
}

// writes are the samples of a brick's writes.
func (s samples) writes(brick string) samples {
	out := samples{}
	for name, value := range s {
		if strings.HasPrefix(name, "gluster_brick_") && strings.Contains(name, fmt.Sprintf("{brick=%q,", brick)) &&
			(strings.Contains(name, "_written_") || strings.Contains(name, `fop="CREATE"`) || strings.Contains(name, `fop="WRITE"`)) {
			out[name] = value
		}
	}
	return out
}

// agreesWithProfile compares with what the gluster program prints, again where writes went on meanwhile, and returns the scrape that was compared.
func agreesWithProfile(t *testing.T, n *lab.Node, e *exporter) samples {
	t.Helper()
	var doc profile
	var s samples
	waitFor(t, "the writes to end", func() bool {
		before := e.scrape().writes("n1:/bricks/three")
		doc = profile{}
		if err := xml.Unmarshal([]byte(n.Gluster("--xml", "volume", "profile", "three", "info", "cumulative")), &doc); err != nil {
			t.Fatal(err)
		}
		s = e.scrape()
		return len(before) > 0 && maps.Equal(before, s.writes("n1:/bricks/three"))
	})
	for _, b := range doc.Bricks {
		if b.Name != "n1:/bricks/three" {
			continue
		}
		s.want(t, `gluster_brick_written_bytes_total{brick="n1:/bricks/three",volume="three"}`, b.Cumulative.Written)
		compared := 0
		for _, f := range b.Cumulative.FOPs {
			if f.Name != "CREATE" && f.Name != "WRITE" {
				continue // others come from daemons that look now and then
			}
			of := fmt.Sprintf(`{brick="n1:/bricks/three",fop=%q,volume="three"}`, f.Name)
			s.want(t, "gluster_brick_fops_total"+of, f.Hits)
			unit, err := gluster.LatencyUnit(version(n))
			if err != nil {
				t.Fatal(err)
			}
			got, want := s["gluster_brick_fop_seconds_total"+of], f.Hits*f.Average*unit
			if want == 0 || got < 0.99*want || got > 1.01*want {
				t.Errorf("%s took %v s, the gluster program says %v", f.Name, got, want)
			}
			compared++
		}
		if compared != 2 {
			t.Errorf("%d operations compared", compared)
		}
		return s
	}
	t.Errorf("no brick of n1 in %+v", doc)
	return s
}

// healInfo counts what each brick says that waits to be healed.
func healInfo(t *testing.T, n *lab.Node, volume string) map[string]float64 {
	t.Helper()
	bricks, err := n.CLI().HealSummary(t.Context(), volume)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, b := range bricks {
		if b.Counted {
			out[b.Brick] = float64(b.Pending + b.Healing + b.SplitBrain)
		}
	}
	return out
}

func TestAMachineWithoutGlusterFS(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 1, Clients: 1, Stopped: true})
	e := start(t, l.Node(1))
	began := time.Now()
	s := e.scrape()
	s.want(t, "gluster_up", 0)
	s.want(t, "gluster_server", 0)
	if took := time.Since(began); took > patience {
		t.Errorf("a scrape took %s", took)
	}
	wellFormed(t, e)
}
