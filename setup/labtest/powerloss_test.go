package labtest_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// resynced is what these tests read of recovery.json.
type resynced struct {
	Unclean []struct {
		Withheld bool     `json:"withheld"`
		TakenOut []string `json:"taken_out"`
	} `json:"unclean"`
	Resynced []struct {
		Source    string   `json:"source"`
		Unproven  bool     `json:"unproven"`
		Entries   int      `json:"entries"`
		Marked    int      `json:"marked"`
		TakenOut  int      `json:"taken_out"`
		Copied    int      `json:"copied"`
		Undecided int      `json:"undecided"`
		Aside     string   `json:"aside"`
		Listed    []string `json:"listed"`
	} `json:"resynced"`
}

func (s *site) journal(n *lab.Node) (j resynced) {
	s.t.Helper()
	text, err := os.ReadFile(n.Path("/var/lib/brickyard/recovery.json"))
	if err == nil {
		err = json.Unmarshal(text, &j)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

// cut ends every process of GlusterFS on a node at once, as a power cut does. What the brick had not written to its disk
// is taken away by the test.
func cut(n *lab.Node) {
	n.Run("bash", "-c", "pkill -KILL -x glusterd; pkill -KILL -x glusterfsd; pkill -KILL -x glusterfs; while pgrep -x 'glusterd|glusterfsd|glusterfs' >/dev/null; do sleep 0.1; done")
}

// boot does what the units do.
func (s *site) boot(n *lab.Node) {
	s.t.Helper()
	s.expect(n, 0, nil, "guard")
	n.StartGlusterd()
}

// tree lists a brick as a node has it: names, types, sizes and contents.
func tree(n *lab.Node) string {
	return n.Run("bash", "-c", "cd "+onBrick+` && find . -path ./.glusterfs -prune -o ! -name '.glusterfs-anonymous*' -printf '%p %y %s %m %l\n' | grep -v '^\. ' | sed 's/ d [0-9]*/ d/' | sort; find . -path ./.glusterfs -prune -o -type f -exec md5sum {} + | sort -k2`)
}

func TestABrickThatLostPowerIsComparedBeforeAnybodyReadsFromIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	s.converge()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	s.connected(client, s.Nodes()[:2])
	client.Run("bash", "-euc", `cd /client
		mkdir -p dir/below gone/deep old; for f in stale same empty mode kept; do echo "old text of $f" >dir/below/$f; done
		echo x >gone/deep/file; echo y >old/removed; echo z >old/renamed; ln old/renamed old/second; for i in $(seq 300); do echo $i >old/$i; done`)
	s.expect(second, 0, nil, "recover", "--timeout", "10m") // has flushed the brick
	client.Run("bash", "-euc", `cd /client
		echo "new text of stale, longer" >dir/below/stale; echo "new text of same" >dir/below/same; chmod 0600 dir/below/mode
		echo new >dir/below/created; mkdir dir/made; echo below >dir/made/file; ln -s there dir/link
		rm old/removed; rm -r gone; mv old/renamed dir/moved`)
	cut(second)
	// What had not reached the disk is gone: new names, new texts; what was removed is there again.
	behind(second, `forget dir/below/created; forget dir/made/file; forget dir/made; forget dir/link
		echo "old text of stale" >dir/below/stale; echo "old text of same" >dir/below/same; : >dir/below/empty; chmod 0644 dir/below/mode
		echo y >old/removed; adopt old/removed 0123456789abcdef0123456789abcd01
		mkdir gone; adopt gone 0123456789abcdef0123456789abcd02; echo x >gone/file; adopt gone/file 0123456789abcdef0123456789abcd03
		mv dir/moved old/renamed; touch dir/half`)
	client.Run("bash", "-euc", `cd /client; echo later >dir/later; rm old/7`)

	s.boot(second)
	if out := second.Run("bash", "-c", "sleep 2; pgrep -x glusterfsd || echo none"); strings.TrimSpace(out) != "none" {
		t.Errorf("the brick was started before it was compared: %s", out)
	}
	began := time.Now()
	s.expect(second, 0, []string{"compared after a power cut"}, "recover", "--timeout", "10m")
	t.Logf("recovered after %s", time.Since(began))
	s.waitFor("nothing to wait to be healed", func() bool { return s.healed() })
	if a, b := tree(first), tree(second); a != b {
		t.Errorf("the bricks differ.\nfirst:\n%s\nsecond:\n%s", a, b)
	}
	if doc, code := s.check(first, "--content"); code != 0 || !doc.Equal {
		t.Errorf("check: exit code %d, %+v", code, doc)
	}
	j := s.journal(second)
	if len(j.Unclean) != 1 || !j.Unclean[0].Withheld || len(j.Resynced) != 1 {
		t.Fatalf("journal: %+v", j)
	}
	r := j.Resynced[0]
	slices.Sort(r.Listed)
	if want := []string{"/dir/half", "/gone", "/old/7", "/old/removed", "/old/renamed"}; !slices.Equal(r.Listed, want) || r.TakenOut != len(want) || r.Copied+r.Undecided != 0 || r.Entries < 310 {
		t.Errorf("taken out %q, want %q: %+v", r.Listed, want, r)
	}
	if r.Marked > 20 {
		t.Errorf("%d files and directories were marked: more than differ", r.Marked)
	}
	if text, err := os.ReadFile(second.Path(filepath.Join(r.Aside, "gone/file"))); err != nil || string(text) != "x\n" {
		t.Errorf("set aside: %q, %v", text, err)
	}
	// A file that came back would be one that somebody removed.
	if out := client.Run("bash", "-c", "sleep 1.2; cat /client/dir/below/same /client/dir/moved; ls /client/old | grep -c . ; ls -d /client/gone /client/old/removed 2>&1 | grep -c 'No such'"); out != "new text of same\nz\n300\n2\n" {
		t.Errorf("through the client:\n%s", out)
	}
	s.settled()

	// After a clean stop nothing is compared.
	second.StopGlusterd()
	second.KillBrick(onBrick)
	s.expect(second, 0, nil, "guard", "--stopped")
	s.boot(second)
	s.expect(second, 0, nil, "recover", "--timeout", "10m")
	if j := s.journal(second); len(j.Unclean) != 1 || len(j.Resynced) != 1 {
		t.Errorf("after a clean stop: %+v", j)
	}
}

func TestBothLosePowerAndNothingIsLostSilently(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	s.converge()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	s.connected(client, s.Nodes()[:2])
	client.Run("bash", "-euc", `cd /client; mkdir dir; for f in both one two differs; do echo "text of $f" >dir/$f; done; umount -l /client`)
	cut(first)
	cut(second)
	behind(first, `forget dir/two; echo "TEXT of differs" >dir/differs`)
	behind(second, `forget dir/one`)
	s.boot(first)
	// One alone proves nothing, and shows nothing.
	s.expect(first, 1, []string{"waiting for a majority of the pool's servers"}, "recover", "--timeout", s.deadline(first, 20*time.Second))
	s.expect(first, 1, []string{"waiting for a majority of the pool's servers"}, "status")
	if _, err := os.Stat(first.Path(onBrick)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the brick is in its place before it was compared: %v", err)
	}
	s.boot(second)
	for i, o := range s.everywhere(s.Nodes()[:2], "recover", "--timeout", "10m") {
		o.check(t, s.Node(i).Name+" recover", 0)
		t.Logf("%s:\n%s", s.Node(i).Name, o.out)
	}
	s.expect(first, 0, nil, "recover", "--timeout", "10m") // as the timer does
	s.waitFor("nothing to wait to be healed", func() bool { return s.healed() })
	if a, b := tree(first), tree(second); a != b {
		t.Errorf("the bricks differ.\nfirst:\n%s\nsecond:\n%s", a, b)
	}
	for _, f := range []string{"both", "one", "two"} {
		if text, err := os.ReadFile(first.Path(onBrick + "/dir/" + f)); err != nil || string(text) != "text of "+f+"\n" {
			t.Errorf("%s: %q, %v", f, text, err)
		}
	}
	j := s.journal(second)
	if len(j.Resynced) != 1 || j.Resynced[0].Copied != 1 || !slices.Equal(j.Resynced[0].Listed, []string{"/dir/differs"}) {
		t.Fatalf("second: %+v", j.Resynced)
	}
	if text, err := os.ReadFile(second.Path(filepath.Join(j.Resynced[0].Aside, "dir/differs"))); err != nil || string(text) != "text of differs\n" {
		t.Errorf("kept aside: %q, %v", text, err)
	}
	if j := s.journal(first); len(j.Resynced) != 1 || !j.Resynced[0].Unproven || j.Resynced[0].Source != "" {
		t.Errorf("first: %+v", j.Resynced)
	}
	for _, n := range s.Nodes()[:2] {
		s.well(n)
	}
}

// What a brick lost may be on one that was away when it was compared; one that was away must not be believed where
// another knows better.
func TestABrickThatLostPowerIsComparedWithAllOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Clients: 1, Names: names(4)}, clusterFile(3, 1, 3))
	s.converge()
	first, second, third, client := s.Node(0), s.Node(1), s.Node(2), s.Node(3)
	s.connected(client, s.Nodes()[:3])
	client.Run("bash", "-euc", `cd /client; mkdir dir; for f in all second old; do echo "text of $f" >dir/$f; done`)
	third.StopGlusterd()
	third.KillBrick(onBrick)
	s.expect(third, 0, nil, "guard", "--stopped")
	client.Run("bash", "-euc", `cd /client; echo "new text of old" >dir/old; echo "while third was away" >dir/late; mkdir dir/made; echo x >dir/made/file`)
	cut(second)
	behind(second, `echo "text of old" >dir/old; : >dir/second`)

	s.boot(second)
	recovery := s.start(second, "recover", "--timeout", "10m")
	recovery.says("compared after a power cut")
	s.waitFor("a name that only first had", func() bool {
		text, err := os.ReadFile(second.Path(onBrick + "/dir/late"))
		return err == nil && string(text) == "while third was away\n"
	})
	const missed = "n3.example.com:" + onBrick + ", which is away (to give it up: gluster-setup recover --give-up NODE)"
	recovery.says(missed)
	if err := second.Signal(recovery.cmd, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	recovery.wait().check(t, "a recover that is terminated", 1)
	s.expect(second, 1, []string{missed}, "recover", "--timeout", s.deadline(second, 20*time.Second))
	s.boot(third)
	s.expect(second, 0, []string{"which was away", "compared after a power cut"}, "recover", "--timeout", "10m")
	s.waitFor("nothing to wait to be healed", func() bool { return s.healed() })
	a, b, c := tree(first), tree(second), tree(third)
	if a != b || a != c {
		t.Errorf("the bricks differ.\nfirst:\n%s\nsecond:\n%s\nthird:\n%s", a, b, c)
	}
	if out := client.Run("bash", "-c", "sleep 1.2; cat /client/dir/old /client/dir/second /client/dir/late /client/dir/made/file"); out != "new text of old\ntext of second\nwhile third was away\nx\n" {
		t.Errorf("through the client:\n%s", out)
	}
	j := s.journal(second)
	if len(j.Resynced) != 2 || strings.Contains(j.Resynced[0].Source, "n3.") || !strings.Contains(j.Resynced[1].Source, "n3.") || j.Resynced[1].TakenOut+j.Resynced[1].Undecided != 0 {
		t.Errorf("journal: %+v", j.Resynced)
	}
	for _, n := range s.Nodes()[:3] {
		s.well(n)
	}
}
