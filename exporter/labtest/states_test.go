package labtest

import (
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// pair is a volume of two copies on two nodes, mounted on a third machine.
func pair(t *testing.T, options lab.Options, names ...string) *lab.Lab {
	t.Helper()
	options.Nodes, options.Clients = 2, 1
	l := lab.Start(t, options)
	l.Pool()
	for _, name := range names {
		var bricks []gluster.Brick
		for _, n := range l.Nodes()[:2] {
			bricks = append(bricks, gluster.Brick{Host: n.Name, Path: "/bricks/" + name})
		}
		run(t, l.Node(0), gluster.VolumeCreate(gluster.VolumeSpec{Name: name, Replica: 2, Bricks: bricks}))
	}
	return l
}

func startAndMount(t *testing.T, l *lab.Lab, name string) {
	t.Helper()
	run(t, l.Node(0), gluster.VolumeStart(name))
	l.Node(2).Run("mkdir", "-p", "/client")
	waitFor(t, "the volume to be mounted", func() bool {
		return l.Node(2).Command(t.Context(), "mount", "-t", "glusterfs", "n1:/"+name, "/client").Run() == nil
	})
}

// TestSplitBrainIsSeenAndCounted makes one file differ on two copies, neither of which knows what the other has.
func TestSplitBrainIsSeenAndCounted(t *testing.T) {
	t.Parallel()
	l := pair(t, lab.Options{}, "two")
	n1, n2, client := l.Node(0), l.Node(1), l.Node(2)
	run(t, n1, gluster.VolumeSet("two", "cluster.self-heal-daemon", "off", "cluster.data-self-heal", "off", "cluster.metadata-self-heal", "off", "cluster.entry-self-heal", "off"))
	startAndMount(t, l, "two")
	write := func(text string) {
		t.Helper()
		waitFor(t, "the file to be written", func() bool { return os.WriteFile(client.Path("/client/torn"), []byte(text), 0o600) == nil })
	}
	write("both")
	connected := func(count int) func() bool {
		return func() bool {
			out, err := client.Command(t.Context(), "sh", "-c", "cat /client/.meta/graphs/active/two-client-*/private | grep -c '^connected = 1'").Output()
			return (err == nil || count == 0) && string(out) == strconv.Itoa(count)+"\n"
		}
	}
	force := func() { run(t, n1, append(gluster.VolumeStart("two"), "force")) }
	n2.KillBrick("/bricks/two")
	waitFor(t, "the client to miss a brick", connected(1))
	write("only the first has this")
	force()
	waitFor(t, "the client to see both bricks", connected(2))
	n1.KillBrick("/bricks/two")
	waitFor(t, "the client to miss the other brick", connected(1))
	write("and only the second this")
	force()
	waitFor(t, "the client to see both bricks again", connected(2))
	run(t, n1, gluster.VolumeSet("two", "cluster.self-heal-daemon", "on"))

	e := start(t, n1, "--collector.heal-info", "--collector.heal-info.interval=1s")
	const of = `{brick="n1:/bricks/two",volume="two"}`
	waitFor(t, "the crawl to find it", func() bool {
		_ = n1.CLI().Run(t.Context(), gluster.VolumeHeal("two")) //nolint:errcheck // refused while the daemon starts
		time.Sleep(time.Second)
		return e.scrape()["gluster_heal_crawl_split_brain_entries"+of] > 0
	})
	s := e.until(t, "heal info to count it", samples{"gluster_heal_info_split_brain_entries" + of: 1, "gluster_heal_info_counted" + of: 1})
	if s["gluster_brick_heal_pending_entries"+of] < 1 {
		t.Error("the brick's index is empty")
	}
}

// TestBrickMultiplexing has one process serve the bricks of two volumes.
func TestBrickMultiplexing(t *testing.T) {
	t.Parallel()
	l := pair(t, lab.Options{}, "one", "other")
	n := l.Node(0)
	run(t, n, gluster.VolumeSet("all", "cluster.brick-multiplex", "on"))
	run(t, n, gluster.VolumeStart("one"))
	run(t, n, gluster.VolumeStart("other"))
	e := start(t, n)
	settled(t, e)
	bricks, err := gluster.BrickProcesses(n.Path("/proc"))
	if err != nil || len(bricks) != 1 {
		t.Fatalf("%d processes of bricks, %v: not multiplexed", len(bricks), err)
	}
	ups := []string{`gluster_brick_up{brick="n1:/bricks/one",volume="one"}`, `gluster_brick_up{brick="n1:/bricks/other",volume="other"}`}
	for _, up := range ups {
		e.scrape().want(t, up, 1)
	}
	n.Run("kill", "-KILL", strconv.Itoa(bricks[0].PID))
	waitFor(t, "both bricks to be down", func() bool { s := e.scrape(); return s[ups[0]] == 0 && s[ups[1]] == 0 })
}

// TestABrickThatNobodyUsesIsUp has a volume without a self-heal daemon: nobody is connected to its bricks while it is not mounted, and asked for
// its clients such a brick refuses.
func TestABrickThatNobodyUsesIsUp(t *testing.T) {
	t.Parallel()
	l := pair(t, lab.Options{}, "two")
	n := l.Node(0)
	n.Gluster("volume", "create", "dist", "n1:/bricks/dist", "n2:/bricks/dist")
	run(t, n, gluster.VolumeStart("dist"))
	run(t, n, gluster.VolumeStart("two"))
	e := start(t, n)
	up := func(name string) string {
		return `gluster_brick_up{brick="n1:/bricks/` + name + `",volume="` + name + `"}`
	}
	clients := func(name string) string {
		return `gluster_brick_clients{brick="n1:/bricks/` + name + `",volume="` + name + `"}`
	}
	alone := samples{up("dist"): 1, clients("dist"): 0, up("two"): 1, `gluster_exporter_collector_success{collector="bricks"}`: 1}
	e.until(t, "bricks without clients to be up", alone)

	client := l.Node(2)
	client.Run("mkdir", "-p", "/client")
	waitFor(t, "the volume to be mounted", func() bool {
		return client.Command(t.Context(), "mount", "-t", "glusterfs", "n1:/dist", "/client").Run() == nil
	})
	e.until(t, "the client to be counted", samples{up("dist"): 1, clients("dist"): 1})
	client.Run("umount", "/client")
	e.until(t, "the bricks to be up without it", alone)

	n.KillBrick("/bricks/dist")
	e.until(t, "a brick that was killed to be down", samples{up("dist"): 0, up("two"): 1})
}

// TestAVolumeWithoutBricksIsNotWritable asks each node, which knows that its own brick is dead and must not hope for the other's.
func TestAVolumeWithoutBricksIsNotWritable(t *testing.T) {
	t.Parallel()
	l := pair(t, lab.Options{}, "two")
	run(t, l.Node(0), gluster.VolumeStart("two"))
	exporters := []*exporter{start(t, l.Node(0)), start(t, l.Node(1))}
	for _, e := range exporters {
		settled(t, e)
	}
	for i := range exporters {
		l.Node(i).KillBrick("/bricks/two")
	}
	const set = `{subvolume="two-replicate-0",volume="two"}`
	for _, e := range exporters {
		e.until(t, "both bricks to be missed", samples{
			"gluster_subvolume_known" + set: 1, "gluster_subvolume_bricks_online" + set: 0, "gluster_subvolume_writable" + set: 0,
		})
	}
}

// TestANodeThatIsCutOffAndABrickThatHangs looks from the other node, and within the time that Prometheus gives.
func TestANodeThatIsCutOffAndABrickThatHangs(t *testing.T) {
	t.Parallel()
	l := pair(t, lab.Options{}, "two")
	n := l.Node(0)
	run(t, n, gluster.VolumeSet("two", "network.ping-timeout", "3"))
	startAndMount(t, l, "two")
	e := start(t, n)
	settled(t, e)
	const set = `{subvolume="two-replicate-0",volume="two"}`

	bricks, err := gluster.BrickProcesses(n.Path("/proc"))
	if err != nil || len(bricks) != 1 {
		t.Fatalf("%+v, %v", bricks, err)
	}
	pid := strconv.Itoa(bricks[0].PID)
	n.Freeze(bricks[0].PID)
	began := time.Now()
	status, body, err := e.get("/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "10")
	if took := time.Since(began); err != nil || status != http.StatusOK || took > patience {
		t.Fatalf("status %d after %s, %v", status, took, err)
	}
	hung := parse(t, body)
	up := hung["gluster_brick_up"].GetMetric()
	if len(up) != 1 || up[0].GetGauge().GetValue() != 0 {
		t.Errorf("a brick that hangs is up: %v", up)
	}
	timeouts := 0.0
	for _, m := range hung["gluster_exporter_collector_errors_total"].GetMetric() {
		for _, label := range m.GetLabel() {
			if label.GetName() == "class" && label.GetValue() == "timeout" {
				timeouts += m.GetCounter().GetValue()
			}
		}
	}
	if timeouts == 0 {
		t.Error("no error of class timeout is counted")
	}
	n.Run("kill", "-CONT", pid)
	settled(t, e)

	l.Node(1).Run("ip", "link", "set", "eth0", "down")
	e.until(t, "the other node to be missed", samples{
		"gluster_up":                                            1,
		`gluster_peer_connected{peer="n2"}`:                     0,
		"gluster_subvolume_bricks_online" + set:                 1,
		"gluster_subvolume_writable" + set:                      1,
		"gluster_subvolume_failures_tolerated" + set:            0,
		`gluster_brick_up{brick="n1:/bricks/two",volume="two"}`: 1,
	})
}

// TestAddressesOfTheSixthVersion has glusterd and names in IPv6.
func TestAddressesOfTheSixthVersion(t *testing.T) {
	t.Parallel()
	l := pair(t, lab.Options{IPv6: true}, "six")
	run(t, l.Node(0), gluster.VolumeStart("six"))
	s := settled(t, start(t, l.Node(0)))
	s.want(t, `gluster_brick_up{brick="n1:/bricks/six",volume="six"}`, 1)
	s.want(t, `gluster_peer_connected{peer="n2"}`, 1)
}

// TestANamesakeOfAnotherPoolIsNotMounted has two pools of one node each with a volume of the same name.
func TestANamesakeOfAnotherPoolIsNotMounted(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 2, Clients: 1})
	for _, n := range l.Nodes()[:2] {
		n.Gluster("volume", "create", "two", n.Name+":/bricks/two")
		n.Gluster("volume", "start", "two")
	}
	client := l.Node(2)
	client.Run("mkdir", "/client")
	client.Run("bash", "-c", "echo n1:/two /client glusterfs defaults,_netdev >/etc/fstab")
	mount := func(source string) {
		t.Helper()
		waitFor(t, "the mount of "+source, func() bool {
			return client.Command(t.Context(), "mount", "-t", "glusterfs", source, "/client").Run() == nil
		})
	}
	mount("n2:/two")
	e := start(t, client, "--probe.mount=/client", "--probe.interval=1s")
	const of = `{mountpoint="/client",volume="two"}`
	e.until(t, "the namesake to be told", samples{"gluster_mount_expected" + of: 1, "gluster_mount_mounted" + of: 0, "gluster_probe_success" + of: 0})
	waitFor(t, "a failed probe", func() bool {
		return e.scrape()[`gluster_probe_errors_total{class="not_mounted",mountpoint="/client",volume="two"}`] > 0
	})
	if out := l.Node(1).Run("ls", "-A", "/bricks/two"); out != ".glusterfs\n" {
		t.Errorf("somebody wrote into the other pool's volume: %s", out)
	}
	client.Run("umount", "/client")
	mount(l.Node(0).Address + ":/two")
	e.until(t, "the volume to be told", samples{"gluster_mount_expected" + of: 1, "gluster_mount_mounted" + of: 1, "gluster_probe_success" + of: 1})
}
