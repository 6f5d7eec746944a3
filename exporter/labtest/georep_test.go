package labtest

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// login stands in for ssh: it runs a command on the node with the secondary, without keys, a daemon or a port.
const login = `#!/usr/bin/python3 -S
import os, socket, sys, threading
args = sys.argv[1:]
while args and args[0].startswith("-"):
    args = args[2:] if args[0] in ("-i", "-p", "-S", "-l") else args[1:]
to = socket.socket(socket.AF_UNIX)
try:
    to.connect(os.path.dirname(os.path.abspath(__file__)) + "/socket")
except OSError as e:
    sys.exit("no way to %s: %s" % (args[0], e))
to.sendall(" ".join(args[1:]).encode() + b"\0")
def send():
    while data := os.read(0, 65536):
        to.sendall(data)
    to.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while data := to.recv(65536):
    os.write(1, data)
os._exit(0)
`

// way is how gsyncd's workers reach the node with the secondary.
type way struct {
	t      *testing.T
	node   *lab.Node
	dir    string
	listen *net.UnixListener
	cut    context.CancelFunc
	all    sync.WaitGroup
}

func newWay(t *testing.T, to *lab.Node, from ...*lab.Node) *way {
	t.Helper()
	dir, err := os.MkdirTemp("", "way")
	if err != nil {
		t.Fatal(err)
	}
	w := &way{t: t, node: to, dir: dir}
	t.Cleanup(func() {
		w.close()
		_ = os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	})
	if err := os.WriteFile(filepath.Join(dir, "login"), []byte(login), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, n := range append(from, to) {
		// gsyncd of 9.2 and 11.1 fails with the Python of the Debian that it comes in: it calls what Python 3.9 and 3.12 took away.
		n.Run("sh", "-c", `sed -i 's/\.readfp(/.read_file(/; s/\.isAlive(/.is_alive(/' /usr/lib/*/glusterfs/python/syncdaemon/*.py`)
	}
	for _, n := range from {
		conf := n.Path("/etc/glusterfs/gsyncd.conf")
		text, err := os.ReadFile(conf)
		if err != nil {
			t.Fatal(err)
		}
		for key, value := range map[string]string{"ssh-command": filepath.Join(dir, "login"), "remote-gsyncd": gsyncd(t), "sync-method": "tarssh"} {
			text = regexp.MustCompile(`(?m)^\[`+key+`\]\nvalue *=.*$`).ReplaceAll(text, []byte("["+key+"]\nvalue = "+value))
		}
		if err := os.WriteFile(conf, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func gsyncd(t *testing.T) string {
	found, err := filepath.Glob("/usr/lib*/*/glusterfs/gsyncd")
	if err != nil || len(found) == 0 {
		t.Fatalf("no gsyncd on this machine: install the package glusterfs-common (%v)", err)
	}
	return found[0]
}

func (w *way) open() {
	w.t.Helper()
	listen, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(w.dir, "socket"), Net: "unix"})
	if err != nil {
		w.t.Fatal(err)
	}
	var ctx context.Context
	ctx, w.cut = context.WithCancel(context.Background())
	w.listen = listen
	w.all.Go(func() {
		for {
			conn, err := listen.AcceptUnix()
			if err != nil {
				return
			}
			w.all.Go(func() { w.run(ctx, conn) })
		}
	})
}

// close ends what came this way, too.
func (w *way) close() {
	if w.listen == nil {
		return
	}
	w.cut()
	_ = w.listen.Close() //nolint:errcheck // it only accepted
	w.all.Wait()
	w.listen = nil
}

func (w *way) run(ctx context.Context, conn *net.UnixConn) {
	defer conn.Close() //nolint:errcheck // what is left of it shows at the other end
	var command []byte
	for b := make([]byte, 1); ; {
		if _, err := conn.Read(b); err != nil {
			return
		}
		if b[0] == 0 {
			break
		}
		command = append(command, b[0])
	}
	f, err := conn.File()
	if err != nil {
		w.t.Error(err)
		return
	}
	var said bytes.Buffer
	cmd := w.node.Command(ctx, "sh", "-c", "exec "+string(command)) // without exec only the shell would be killed
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, &said
	err = cmd.Start()
	_ = f.Close()    //nolint:errcheck // the program has its own
	_ = conn.Close() //nolint:errcheck // see above
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil && ctx.Err() == nil {
		w.t.Logf("%s: %v: %s", command, err, said.Bytes())
	}
}

// pairStatus is what GlusterFS's own command says of a brick.
type pairStatus struct {
	Node   string `xml:"primary_node"`
	Brick  string `xml:"primary_brick"`
	Status string `xml:"status"`
	Crawl  string `xml:"crawl_status"`
}

func georepStatus(t *testing.T, n *lab.Node) (out []pairStatus) {
	t.Helper()
	text := n.Run("gluster", "--mode=script", "--xml", "volume", "geo-replication", "web", "n3::copy", "status", "detail")
	text = strings.ReplaceAll(text, "master_", "primary_") // as 9 calls it
	var doc struct {
		Pairs []pairStatus `xml:"geoRep>volume>sessions>session>pair"`
	}
	if err := xml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Pairs) == 0 {
		t.Fatalf("%v in %s", err, text)
	}
	return doc.Pairs
}

// monitorEnded reports whether gsyncd's monitor has run on a node and has ended. The first thing that it does is to make its file, and whoever
// goes on for it has its command line.
func monitorEnded(t *testing.T, n *lab.Node) bool {
	t.Helper()
	if _, err := os.Stat(n.Path("/run/gluster/gsyncd-web-n3-copy.pid")); err != nil {
		return false
	}
	lines, err := filepath.Glob(n.Path("/proc") + "/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	return !slices.ContainsFunc(lines, func(path string) bool {
		line, _ := os.ReadFile(path) //nolint:errcheck // a process that ends has none
		return bytes.Contains(line, []byte("gsyncd")) && bytes.Contains(line, []byte("monitor"))
	})
}

// TestAGeoReplicationSession makes a real one between two pools, with gsyncd as it is installed, and takes away what it needs.
func TestAGeoReplicationSession(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 3, GeoReplication: true})
	n1, n2, n3 := l.Node(0), l.Node(1), l.Node(2)
	w := newWay(t, n3, n1, n2)
	t.Cleanup(func() {
		if t.Failed() {
			for _, n := range []*lab.Node{n1, n2} {
				t.Logf("%s: the end of gsyncd.log:\n%s", n.Name, n.Run("sh", "-c", "tail -n 25 /var/log/glusterfs/geo-replication/*/gsyncd.log || true"))
			}
		}
	})
	n1.Gluster("peer", "probe", n2.Name)
	waitFor(t, "the pool", func() bool {
		return n1.CLI().Run(t.Context(), gluster.VolumeCreate(gluster.VolumeSpec{Name: "web", Replica: 2, Bricks: []gluster.Brick{{Host: n1.Name, Path: "/bricks/web"}, {Host: n2.Name, Path: "/bricks/web"}}})) == nil
	})
	run(t, n1, gluster.VolumeSet("web", "changelog.rollover-time", "2"))
	run(t, n1, gluster.VolumeStart("web"))
	n3.Gluster("volume", "create", "copy", "n3:/bricks/copy")
	n3.Gluster("volume", "start", "copy")
	georep := func(args ...string) {
		t.Helper()
		n1.Gluster(append([]string{"volume", "geo-replication", "web", "n3::copy"}, args...)...)
	}
	exporters := []*exporter{start(t, n1), start(t, n2)}
	const session = `{secondary="n3::copy",volume="web"}`
	of := func(metric string, node int) string {
		return fmt.Sprintf(`gluster_georep_%s{brick="n%d:/bricks/web",secondary="n3::copy",volume="web"}`, metric, node+1)
	}
	worker := func(metric string, node int) float64 {
		value, ok := exporters[node].scrape()[of(metric, node)]
		if !ok {
			return -1
		}
		return value
	}
	wantSession := func(what string, started, monitor, up float64) {
		t.Helper()
		for i, e := range exporters {
			want := samples{
				"gluster_georep_session_started" + session:               started,
				"gluster_georep_monitor_up" + session:                    monitor,
				`gluster_exporter_collector_success{collector="georep"}`: 1,
			}
			want[of("worker_up", i)] = up
			e.until(t, e.node.Name+" to see the session "+what, want)
		}
		// The words are those of GlusterFS's own command, when nothing changes between the two.
		waitFor(t, "the words of GlusterFS's own command when "+what, func() bool {
			time.Sleep(time.Second) // the command starts a dozen Python programs
			same := true
			for _, p := range georepStatus(t, n1) {
				e := exporters[0]
				if p.Node == n2.Name {
					e = exporters[1]
				}
				info := fmt.Sprintf(`{brick="%s:%s",crawl=%q,secondary="n3::copy",status=%q,subvolume="web-replicate-0",volume="web"}`, p.Node, p.Brick, p.Crawl, p.Status)
				same = same && e.scrape()["gluster_georep_worker_info"+info] == 1
			}
			return same
		})
	}
	bothUp := func() bool { return worker("worker_up", 0) == 1 && worker("worker_up", 1) == 1 }

	if s := exporters[0].scrape(); len(s) == 0 || s["gluster_georep_monitor_up"+session] != 0 {
		t.Error("a session before there is one")
	}
	n1.Run("mkdir", "/mnt/web")
	waitFor(t, "the volume to be mounted", func() bool {
		return n1.Command(t.Context(), "mount", "-t", "glusterfs", "n1:/web", "/mnt/web").Run() == nil
	})
	n1.Run("sh", "-c", "mkdir -p /mnt/web/a; echo before >/mnt/web/a/before")
	georep("create", "no-verify")
	wantSession("created", 0, 0, 0)

	// The command says that it started, and there is no way: gsyncd's monitor ends before it has noted anything.
	georep("start")
	waitFor(t, "the monitors to end", func() bool { return monitorEnded(t, n1) && monitorEnded(t, n2) })
	wantSession("started without a way", 1, 0, 0)
	if got := georepStatus(t, n1)[0].Status; got != "Created" {
		t.Errorf("GlusterFS calls it %s now", got)
	}

	w.open()
	georep("start", "force")
	waitFor(t, "both workers", bothUp)
	waitFor(t, "one to copy", func() bool { return worker("worker_active", 0)+worker("worker_active", 1) == 1 })
	wantSession("started", 1, 1, 1)
	if monitorEnded(t, n1) || monitorEnded(t, n2) {
		t.Error("monitors that run are not found") // and were not above
	}
	copied := func(file, text string) func() bool {
		return func() bool {
			got, err := os.ReadFile(n3.Path("/bricks/copy/a/" + file))
			return err == nil && string(got) == text+"\n"
		}
	}
	waitFor(t, "the file that was there before to be copied", copied("before", "before"))
	var synced float64
	waitFor(t, "it to be known how far it came", func() bool {
		synced = worker("last_synced_timestamp_seconds", 0)
		return synced > 0
	})
	n1.Run("sh", "-c", "sleep 1; echo after >/mnt/web/a/after")
	waitFor(t, "the change to be noted on both bricks", func() bool {
		return worker("last_change_timestamp_seconds", 0) > synced && worker("last_change_timestamp_seconds", 1) > synced
	})
	changed := worker("last_change_timestamp_seconds", 0)
	time.Sleep(3 * time.Second) // the brick begins its next file of changes
	// A start looks for changes itself. A worker that runs waits for its brick to tell of them, which now and then it does not (10.3): then it stays Active and copies nothing.
	begun := time.Now()
	for again := begun; !copied("after", "after")(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(again) {
			georep("stop")
			wantSession("stopped", 0, 0, 0)
			georep("start")
			waitFor(t, "both workers again", bothUp)
			again = time.Now().Add(90 * time.Second)
		}
		if time.Since(begun) > 2*patience {
			t.Fatal("the change is not copied")
		}
	}
	// gsyncd notes the second before the end of the last file of changes that it copied: what changed in that second is copied and seems not to be.
	const short = 2
	waitFor(t, "both to be up to date", func() bool {
		return worker("last_synced_timestamp_seconds", 0) >= changed-short && worker("last_synced_timestamp_seconds", 1) >= changed-short
	})
	for name := range exporters[0].scrape() {
		if strings.HasPrefix(name, "gluster_process_") && strings.Contains(name, "gsyncd") {
			t.Errorf("%s has another name after each start of a worker", name)
		}
	}
	exporters[0].until(t, "gsyncd to run", samples{`gluster_process_running{daemon="geo-replication",name="web"}`: 1})

	georep("pause")
	exporters[0].until(t, "the pause", samples{"gluster_georep_session_paused" + session: 1})
	wantSession("paused", 0, 1, 0)
	georep("resume")
	wantSession("resumed", 1, 1, 1)

	w.close()
	for i, e := range exporters {
		s := e.until(t, "the worker to be missed", samples{
			of("worker_up", i): 0, "gluster_georep_monitor_up" + session: 1, "gluster_georep_session_started" + session: 1,
		})
		if got := s[of("last_synced_timestamp_seconds", i)]; got < changed-short {
			t.Errorf("%s forgot how far it came: %v", e.node.Name, got)
		}
	}

	pid, err := os.ReadFile(n1.Path("/run/gluster/gsyncd-web-n3-copy.pid"))
	number, perr := strconv.Atoi(strings.TrimSpace(string(pid)))
	if err := errors.Join(err, perr); err != nil {
		t.Fatal(err)
	}
	n1.Run("kill", "-KILL", strconv.Itoa(number))
	exporters[0].until(t, "the monitor to be missed", samples{"gluster_georep_monitor_up" + session: 0, "gluster_georep_session_started" + session: 1})
	exporters[1].until(t, "the other monitor", samples{"gluster_georep_monitor_up" + session: 1})

	georep("stop", "force")
	wantSession("stopped", 0, 0, 0)
	georep("delete")
	for _, e := range exporters {
		for name := range e.scrape() {
			if strings.HasPrefix(name, "gluster_georep_") {
				t.Errorf("after the session was deleted: %s", name)
			}
		}
	}
}
