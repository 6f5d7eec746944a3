package labtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

// onBrick is the place of every brick of these tests.
const onBrick = "/bricks/server/brick"

// checked is the document of check.
type checked struct {
	Equal    bool `json:"equal"`
	Complete bool `json:"complete"`
	Sets     []struct {
		Bricks      []string       `json:"bricks"`
		Complete    bool           `json:"complete"`
		Problem     string         `json:"problem"`
		Entries     int            `json:"entries"`
		Bytes       int            `json:"bytes_compared"`
		Different   int            `json:"different"`
		Differing   map[string]int `json:"differing"`
		Waiting     int            `json:"waiting_for_heal"`
		Busy        int            `json:"busy"`
		Again       int            `json:"looked_again"`
		Duration    float64        `json:"duration_seconds"`
		Differences []struct {
			Path     string `json:"path"`
			Findings []struct {
				Kind   string   `json:"kind"`
				Values []string `json:"values"`
			} `json:"findings"`
		} `json:"differences"`
	} `json:"sets"`
}

// check runs check on a node and returns its document and exit code.
func (s *site) check(n *lab.Node, args ...string) (checked, int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := n.Command(ctx, append([]string{os.Getenv(program), "check", "-f", s.file, "--output", "json"}, args...)...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	code := s.exit(cmd.Run())
	var doc checked
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		s.t.Fatalf("check on %s: exit code %d: %v\n%s%s", n.Name, code, err, out.Bytes(), stderr.Bytes())
	}
	return doc, code
}

// kinds is what a document says of each path.
func (c checked) kinds() map[string][]string {
	out := map[string][]string{}
	for _, s := range c.Sets {
		for _, d := range s.Differences {
			for _, f := range d.Findings {
				out[d.Path] = append(out[d.Path], f.Kind)
			}
		}
	}
	return out
}

// nothingToHeal fails the test unless GlusterFS sees no difference.
func (s *site) nothingToHeal() {
	s.t.Helper()
	if !s.healed() {
		s.t.Fatal("something waits to be healed")
	}
}

func (s *site) healed() bool {
	s.t.Helper()
	out := s.Node(0).Gluster("volume", "heal", "server", "info")
	if n := strings.Count(out, "Number of entries: 0\n"); n == 0 || n != strings.Count(out, "Number of entries:") {
		s.t.Log(out)
		return false
	}
	return true
}

// healNow has the self-heal daemons look for what is to be healed now; a brick that is just starting refuses.
func (s *site) healNow() bool {
	s.t.Helper()
	return s.Node(0).Command(s.t.Context(), "gluster", "--mode=script", "volume", "heal", "server").Run() == nil
}

// connected waits until the mount of a client writes to all bricks and nothing waits to be healed.
func (s *site) connected(client *lab.Node, servers []*lab.Node) {
	s.t.Helper()
	number := 0
	s.waitFor("the client to reach all bricks", func() bool {
		number++
		name := fmt.Sprintf("reached%d", number)
		path := client.Path("/client/" + name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			s.t.Fatal(err)
		}
		defer func() {
			if err := os.Remove(path); err != nil {
				s.t.Error(err)
			}
		}()
		return !slices.ContainsFunc(servers, func(n *lab.Node) bool {
			_, err := os.Stat(n.Path(onBrick + "/" + name))
			return err != nil
		})
	})
	s.waitFor("nothing to wait to be healed", func() bool { return s.healed() || s.healNow() && s.healed() })
}

// behind changes a brick behind GlusterFS's back. GlusterFS keeps a second name of everything, by its gfid: forget removes a
// file with that name, adopt gives a file or link, or a directory below the root, a gfid and that name.
func behind(n *lab.Node, script string) {
	n.Run("bash", "-euc", "cd "+onBrick+`
		gfid() { getfattr -h -n trusted.gfid -e hex --absolute-names "$1" | sed -n 's/^trusted.gfid=0x//p'; }
		handle() { echo ".glusterfs/${1:0:2}/${1:2:2}/${1:0:8}-${1:8:4}-${1:12:4}-${1:16:4}-${1:20}"; }
		forget() { local h; h=$(handle "$(gfid "$1")"); rm -r "$1"; rm -f "$h"; }
		adopt() {
			setfattr -h -n trusted.gfid -v "0x$2" "$1"; mkdir -p "$(dirname "$(handle "$2")")"
			if [ -d "$1" ]; then ln -s "../../$(handle "$(gfid "$(dirname "$1")")" | cut -d/ -f2-)/$(basename "$1")" "$(handle "$2")"; else ln -P "$1" "$(handle "$2")"; fi
		}
		`+script)
}

func TestCheckFindsWhatHealInfoCannotSee(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	s.converge()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	s.connected(client, s.Nodes()[:2])
	client.Run("bash", "-euc", `cd /client
		mkdir -p dir/below dir/lost/deep wide
		for f in missing extra size content mode owner type; do echo "the text of $f" >dir/below/$f; done
		echo attribute >dir/xattr; setfattr -n user.mime -v text dir/xattr
		ln -s here dir/link; echo x >dir/lost/deep/file
		for i in $(seq 200); do echo $i >wide/$i; done`)
	if doc, code := s.check(first, "--content"); code != 0 || !doc.Equal || !doc.Complete || doc.Sets[0].Entries != 215 || doc.Sets[0].Bytes == 0 {
		t.Fatalf("a healthy volume: exit code %d, %+v", code, doc)
	}

	behind(second, `forget dir/below/missing; forget dir/lost
		truncate -s 3 dir/below/size; touch half
		printf THE | dd of=dir/below/content conv=notrunc status=none
		chmod 0600 dir/below/mode; chown 7:8 dir/below/owner
		setfattr -n user.mime -v other dir/xattr; setfattr -n user.more -v 1 wide`)
	behind(first, `forget dir/below/extra
		id=$(gfid dir/link); forget dir/link; ln -s there dir/link; adopt dir/link "$id"
		forget dir/below/type; mkdir dir/below/type; adopt dir/below/type 0123456789abcdef0123456789abcdef`)
	s.nothingToHeal()
	want := map[string][]string{
		"/half": {"no_gfid"}, "/wide": {"xattr"}, "/dir/xattr": {"xattr"}, "/dir/link": {"target"}, "/dir/lost": {"missing"},
		"/dir/below/missing": {"missing"}, "/dir/below/extra": {"missing"}, "/dir/below/size": {"size"}, "/dir/below/content": {"content"},
		"/dir/below/mode": {"mode"}, "/dir/below/owner": {"owner"}, "/dir/below/type": {"type"},
	}
	doc, code := s.check(second, "--content")
	if diff := cmp.Diff(want, doc.kinds()); diff != "" || code != 3 || doc.Equal || !doc.Complete {
		t.Errorf("exit code %d, equal %t, complete %t, differences (-want +got):\n%s", code, doc.Equal, doc.Complete, diff)
	}
	// Looking has changed nothing: GlusterFS knows of nothing, and the name without a gfid has none.
	s.nothingToHeal()
	if out, err := second.Command(t.Context(), "getfattr", "-n", "trusted.gfid", onBrick+"/half").CombinedOutput(); err == nil {
		t.Errorf("the unfinished name has got a gfid:\n%s", out)
	}
	delete(want, "/dir/below/content")
	if doc, code = s.check(first); code != 3 || !cmp.Equal(want, doc.kinds()) {
		t.Errorf("without contents: exit code %d, (-want +got):\n%s", code, cmp.Diff(want, doc.kinds()))
	}
	s.expect(first, 3, []string{
		"volume server, replica set 1: /dir/below/size", "size n1.example.com:" + onBrick + " 17", "n2.example.com:" + onBrick + " 3",
		"11 DIFFER (missing 3, type 1, size 1, mode 1, owner 1, target 1, xattr 2, no_gfid 1)", "What to do",
	}, "check")
	s.remedies()
}

// remedies does what check says, and expects that nothing differs any more.
func (s *site) remedies() {
	s.t.Helper()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	for _, f := range []string{"size", "content"} {
		text, err := os.ReadFile(first.Path(onBrick + "/dir/below/" + f))
		if err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(client.Path("/client/dir/below/"+f+".right"), text, 0o644); err != nil { //nolint:gosec // as it was
			s.t.Fatal(err)
		}
	}
	second.Run("rm", onBrick+"/half")
	behind(first, "forget dir/below/type")
	time.Sleep(1100 * time.Millisecond) // what the client's kernel remembers
	client.Run("bash", "-euc", `cd /client/dir
		stat below/missing below/type >/dev/null; find lost >/dev/null; rm below/extra
		for f in size content; do mv below/$f.right below/$f; done
		chmod 0644 below/mode; chown 0:0 below/owner; rm link; ln -s here link
		setfattr -n user.mime -v text xattr; setfattr -n user.more -v 1 ../wide`)
	// The self-heal daemons fill what was brought back in their own time.
	for end := time.Now().Add(patience); ; {
		first.Gluster("volume", "heal", "server")
		doc, code := s.check(first, "--content")
		if code == 0 && doc.Equal {
			break
		}
		if time.Now().After(end) {
			s.t.Fatalf("the bricks do not become equal: exit code %d, %+v", code, doc)
		}
	}
	if _, err := os.Stat(first.Path(onBrick + "/dir/below/extra")); err == nil {
		s.t.Error("the removed file is there")
	}
}

// churn changes files as fast as a volume can, and knows how often and how long a change took.
type churn struct {
	mu      sync.Mutex
	changes int
	at      time.Time     // the end of the last operation
	longest time.Duration // of the operations since somebody asked
}

// did notes the end of an operation and returns its error.
func (c *churn) did(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.longest, c.at = max(c.longest, now.Sub(c.at)), now
	return err
}

// slowest is how long the longest operation since the last call took, the one that goes on included.
func (c *churn) slowest() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	slowest := max(c.longest, time.Since(c.at))
	c.longest = 0
	return slowest
}

func (c *churn) changed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changes
}

// run changes files below a directory until the context ends.
func (c *churn) run(ctx context.Context, t *testing.T, dir string) {
	in := func(name string, args ...any) string { return filepath.Join(dir, fmt.Sprintf(name, args...)) }
	for i := 0; ctx.Err() == nil; i++ {
		n := i % 40
		text := fmt.Appendf(nil, "%d\n", i)
		log, err := os.OpenFile(in("appended"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if c.did(err) == nil {
			_, err = log.Write(text)
			err = c.did(errors.Join(err, log.Close()))
		}
		err = errors.Join(
			err,
			c.did(os.WriteFile(in("f%d", n), text, 0o644)), c.did(os.Rename(in("f%d", n), in("g%d", n))), c.did(os.Chmod(in("g%d", n), os.FileMode(0o600+i%2*0o44))), //nolint:gosec // few bits
			c.did(os.WriteFile(in("same"), text, 0o644)), c.did(os.WriteFile(in("log.tmp"), text, 0o644)), c.did(os.Rename(in("log.tmp"), in("log"))),
			c.did(os.MkdirAll(in("d%d/e", n), 0o755)), c.did(os.WriteFile(in("d%d/e/x", n), text, 0o644)),
			c.did(os.RemoveAll(in("link"))), c.did(os.Symlink(string(text), in("link"))),
		)
		if n == 20 {
			for k := range 20 {
				err = errors.Join(err, c.did(os.RemoveAll(in("d%d", k))), c.did(os.Remove(in("g%d", k))))
			}
		}
		if err != nil {
			t.Errorf("write through the mount: %v", err)
			return
		}
		c.mu.Lock()
		c.changes++
		c.mu.Unlock()
	}
}

func TestCheckReportsNothingOfAHealthyVolumeThatChanges(t *testing.T) {
	t.Parallel()
	for name, more := range map[string][]string{"replica 2": nil, "arbiter": {"arbiter: 1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := 2 + len(more)
			s := newSite(t, lab.Options{Nodes: servers, Clients: 1, Names: names(servers + 1)}, clusterFile(servers, 1, servers, more...))
			s.converge()
			client := s.Node(servers)
			s.connected(client, s.Nodes()[:servers])
			client.Run("bash", "-euc", `mkdir /client/still; cd /client/still; for i in $(seq 500); do echo $i >$i; done`)
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			defer running.Wait()
			defer stop()
			writers := make([]*churn, 2)
			for i := range writers {
				dir := fmt.Sprintf("/client/writer%d", i)
				client.Run("mkdir", dir)
				writers[i] = &churn{at: time.Now()}
				running.Go(func() { writers[i].run(ctx, t, client.Path(dir)) })
			}
			// Check looks again after 4 s. What is half done for that long, on a very busy machine, differs: such a check says nothing.
			const limit, most = 4 * time.Second, 200
			changes := func() int { return writers[0].changed() + writers[1].changed() }
			slowest := func() time.Duration { return max(writers[0].slowest(), writers[1].slowest()) }
			again := 0
			for i, try := 0, 0; i < 4 || changes() < 20; try++ {
				if try == most || t.Failed() {
					t.Fatalf("%d checks that say something and %d changes in %d tries", i, changes(), try)
				}
				slowest()
				doc, code := s.check(s.Node(try%servers), "--content", "--rate", "0")
				took := slowest()
				t.Logf("%d entries in %.1f s, %d looked at again, %d changed at every look; the longest operation took %s",
					doc.Sets[0].Entries, doc.Sets[0].Duration, doc.Sets[0].Again, doc.Sets[0].Busy, took)
				if took >= limit {
					continue
				}
				if code != 0 || !doc.Equal || !doc.Complete || doc.Sets[0].Entries < 500 {
					t.Errorf("exit code %d: %+v", code, doc)
				}
				again += doc.Sets[0].Again
				i++
			}
			stop()
			running.Wait()
			t.Logf("%d rounds of changes, %d names looked at again", changes(), again)
		})
	}
}

func TestCheckSaysWhatItCouldNotCompare(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Clients: 1, Names: names(4)}, clusterFile(3, 1, 3, "options: {cluster.self-heal-daemon: off, network.ping-timeout: 600}"))
	s.converge()
	first, third, client := s.Node(0), s.Node(2), s.Node(3)
	s.connected(client, s.Nodes()[:3])
	client.Run("bash", "-euc", `mkdir /client/dir; for i in $(seq 20); do echo $i >/client/dir/$i; done`)
	third.KillBrick(onBrick)
	behind(first, "chmod 0600 dir/1")
	doc, code := s.check(first)
	if got := doc.kinds(); code != 3 || doc.Complete || len(doc.Sets[0].Bricks) != 2 || !slices.Equal(got["/dir/1"], []string{"mode"}) || len(got) != 1 {
		t.Errorf("with two of three bricks: exit code %d, %+v", code, doc)
	}
	behind(first, "chmod 0644 dir/1")
	client.Run("bash", "-euc", "echo later >/client/dir/new; echo other >/client/dir/2")
	if doc, code = s.check(first); code != 4 || doc.Complete || !strings.Contains(doc.Sets[0].Problem, "n3.example.com:"+onBrick) {
		t.Errorf("with a brick away: exit code %d, %+v", code, doc)
	}
	first.Gluster("volume", "start", "server", "force")
	s.waitFor("the third brick", func() bool { return accepts(third) })
	if doc, code = s.check(first); code != 4 || !doc.Sets[0].Complete || doc.Sets[0].Different > 0 || doc.Sets[0].Waiting < 2 {
		t.Errorf("with heals that wait: exit code %d, %+v", code, doc)
	}

	bricks, err := gluster.BrickProcesses(third.Path("/proc"))
	if err != nil || len(bricks) != 1 {
		t.Fatal(bricks, err)
	}
	pid := fmt.Sprint(bricks[0].PID)
	freeze(t, third, pid)
	began := time.Now() // what hangs does so for the ten minutes of the ping-timeout
	if doc, code = s.check(first, "--timeout", "4s"); code != 1 || doc.Complete || doc.Sets[0].Problem != "the time of --timeout is over" || time.Since(began) > lab.Patience {
		t.Errorf("with a brick that hangs: exit code %d after %s, %+v", code, time.Since(began), doc)
	}
	signal(third, syscall.SIGCONT, pid)
	if out := first.Run("ls", "/run/brickyard"); strings.Contains(out, "check\n") {
		t.Errorf("something is left: %s", out)
	}
	s.expect(client, 3, []string{"n4.example.com has no bricks: run check on one of n1.example.com, n2.example.com, n3.example.com"}, "check")
	s.expect(first, 1, []string{"volume other is not in"}, "check", "other")
}
