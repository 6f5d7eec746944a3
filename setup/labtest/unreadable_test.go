package labtest_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// onMemory is the place of every brick of cacheFile.
const onMemory = "/cache_server/brick"

// vol is glusterd's directory of the volume.
const vol = "/var/lib/glusterd/vols/server"

// asides counts what was moved out of a node's store.
func asides(n *lab.Node) int {
	entries, err := os.ReadDir(n.Path("/var/lib/glusterd/.gluster-setup-aside"))
	if err != nil {
		return 0
	}
	return len(entries)
}

// startsNot expects that glusterd ends by itself because it cannot read the volume.
func (s *site) startsNot(n *lab.Node) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n.Run("bash", "-c", ": >/var/log/glusterfs/glusterd.log")
	out, err := n.Command(ctx, "glusterd", "--no-daemon").CombinedOutput()
	if ctx.Err() != nil {
		s.t.Errorf("glusterd runs: %v\n%s", err, out)
	}
	log, err := os.ReadFile(n.Path("/var/log/glusterfs/glusterd.log"))
	if err != nil || !strings.Contains(string(log), "Unable to restore volume: server") {
		s.t.Errorf("glusterd ended for another reason: %v\n%s", err, log)
	}
}

// returns starts glusterd on a node and waits until it has the volume as the first node has it, and serves its brick.
func (s *site) returns(n *lab.Node) {
	s.t.Helper()
	n.StartGlusterd()
	stamps := func(n *lab.Node) string {
		out, err := n.Command(s.t.Context(), "bash", "-c", "cat "+vol+"/cksum; grep ^version= "+vol+"/info").Output()
		if err != nil {
			return ""
		}
		return string(out)
	}
	s.waitFor("the volume to be back on "+n.Name, func() bool {
		got := stamps(n)
		return got != "" && got == stamps(s.Node(0)) && n.Command(s.t.Context(), "gluster", "volume", "info", "server").Run() == nil
	})
	s.expect(n, 0, nil, "recover", "--timeout", "10m")
	s.waitFor("nothing to wait to be healed", func() bool { return s.healed() })
	s.well(n)
}

// well waits until status sees no problem on a node, and fails the test unless it then says all the words.
func (s *site) well(n *lab.Node, words ...string) {
	s.t.Helper()
	var o outcome
	defer func() { s.t.Helper(); o.check(s.t, n.Name+" status", 0, words...) }()
	s.waitFor("status of "+n.Name+" to be well", func() bool {
		o = s.try(n, "status")
		if strings.Contains(o.out, "no self-heal daemon of this node serves") {
			s.expect(n, 0, nil, "recover", "--timeout", "10m") // as its timer does: glusterd now and then starts without one
		}
		return o.code == 0
	})
}

// What a power cut leaves in the middle of a reset-brick, and where glusterd takes over what a peer knows newer. hack/test runs this
// test on the GlusterFS of each Debian.
func TestAVolumeThatGlusterdCannotReadComesBackFromThePeers(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Clients: 1, Names: names(4)}, cacheFile(3, 1, 3))
	s.converge()
	third, client := s.Node(2), s.Node(3)
	const file = vol + "/bricks/n3.example.com:-cache_server-brick"

	// A glusterd that runs is at it: nothing is wrong.
	third.Run("mv", file, "/root/file")
	s.expect(third, 0, nil, "guard")
	s.expect(third, 0, nil, "guard", "--store")
	third.Run("mv", "/root/file", file)
	if asides(third) != 0 {
		t.Fatal("a volume was moved aside while glusterd ran")
	}
	cut(third)
	if o := s.expect(third, 0, nil, "guard"); strings.Contains(o.out, "aside") || asides(third) != 0 {
		t.Fatalf("a healthy volume was moved aside: %s", o.out)
	}
	s.returns(third)

	for i, c := range []struct{ name, damage string }{
		{"a brick's file is missing", `rm "$file"`},
		{"a brick's file is empty", `: >"$file"`},
		{"all of them are missing, and info", `rm bricks/* info`},
		{"info is empty", `: >info`},
	} {
		name := "written" + strconv.Itoa(i)
		cut(third)
		third.Run("bash", "-euc", "file="+file+"; cd "+vol+"; "+c.damage)
		s.startsNot(third)
		if i == 0 { // It stays where nobody could give it back.
			third.Run("bash", "-euc", "cd /var/lib/glusterd; mv peers /root/; mkdir peers")
			s.expect(third, 0, []string{"glusterd cannot read a volume and will not start", "no peer could give it back"}, "guard", "--store")
			third.Run("bash", "-euc", "test -e "+vol+"/info; cd /var/lib/glusterd; rmdir peers; mv /root/peers .")
		}
		args := []string{}
		if i%2 == 1 {
			args = []string{"--store"} // as glusterd's unit does, without the other one
		}
		s.expect(third, 0, []string{"it is moved aside, and glusterd gets it from its peers"}, "guard", args...)
		if asides(third) != i+1 {
			t.Errorf("%s: %d directories aside", c.name, asides(third))
		}
		client.Run("touch", "/client/"+name)
		s.returns(third)
		if _, err := os.Stat(third.Path(onMemory + "/" + name)); err != nil {
			t.Errorf("%s: what was written meanwhile did not come to the brick: %v", c.name, err)
		}
		for _, n := range s.Nodes() {
			s.well(n)
		}
	}
	s.settled()
}

// Wherever in a reset-brick glusterd is killed: it starts when the guard has looked.
func TestGlusterdIsKilledWithinAResetBrickAndStartsAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Clients: 1, Names: names(4)}, cacheFile(3, 1, 3))
	s.converge()
	third := s.Node(2)
	brick := third.Name + ":" + onMemory
	reset := []string{"gluster", "--mode=script", "volume", "reset-brick", "server", brick}
	commit := append(append([]string{}, reset...), brick, "commit", "force")

	third.Run(append(reset, "start")...)
	began := time.Now()
	third.Run(commit...)
	took := time.Since(began)
	s.expect(third, 0, nil, "recover", "--timeout", "10m")

	const rounds = 10
	for i := range rounds {
		third.Run(append(reset, "start")...)
		after := took * (2*time.Duration(i) + 1) / (2 * rounds)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		cmd := third.Command(ctx, commit...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after)
		cut(third)
		_ = cmd.Wait() //nolint:errcheck // glusterd is gone
		cancel()
		before := asides(third)
		s.expect(third, 0, nil, "guard", "--store")
		t.Logf("killed %s after the start of a reset-brick that takes %s: moved aside: %t", after, took, asides(third) > before)
		s.returns(third)
	}
	for _, n := range s.Nodes() {
		s.well(n)
	}
}
