package labtest_test

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"brickyard/internal/lab"
	"brickyard/setup/recovery"
)

// All ports that glusterd may give to bricks are taken, and it calls a start of a brick a success all the same: recover told
// it so once a second, for ever, and said nothing of it. The machine has booted with a clock that was a year ahead, so everything
// that was made then is of next year.
func TestABrickThatGlusterdCannotStartIsStartedLessAndLessOften(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, cacheFile(2, 0, 2))
	s.converge()
	n := s.Node(1)
	s.waitFor("all to be well", func() bool { return s.try(n, "recover", "--timeout", "30s").code == 0 })
	ended := func() int { return strings.Count(commands(t, n), "start server force") }
	before := ended()

	free := s.takePorts(n)
	n.Run("touch", "-d", "next year", "/run/glusterd.socket")

	r := s.start(n, "recover")
	defer func() {
		if err := n.Signal(r.cmd, syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		r.wait()
	}()
	const words = "glusterd was told 3 times to start the brick and it does not run: see /var/log/glusterfs/glusterd.log and /var/log/glusterfs/bricks/cache_server-brick.log (\\\"All the ports in the range are exhausted"
	r.says(words)
	if got := ended() - before; got != 3 {
		t.Errorf("glusterd was told %d times", got)
	}
	s.expect(n, 1, []string{strings.ReplaceAll(words, `\`, "")}, "status")
	var j recovery.Journal
	text, err := os.ReadFile(n.Path("/var/lib/brickyard/recovery.json"))
	if err == nil {
		err = json.Unmarshal(text, &j)
	}
	if err != nil || len(j.Bricks) != 1 || j.Bricks[0].Action != recovery.Wait || j.Bricks[0].Starts != 3 || time.Since(j.Updated) > time.Since(j.Bricks[0].Started) {
		t.Errorf("%v\n%s", err, text)
	}
	r.says("glusterd was told 4 times") // and then it is a person's
	s.waitFor("a person to be needed", func() bool {
		text, err := os.ReadFile(n.Path("/var/lib/brickyard/recovery.json"))
		return err == nil && strings.Contains(string(text), `"action": "stop"`)
	})

	// What a person does: mend the cause, and what the reason says.
	free()
	n.Gluster("volume", "start", "server", "force")
	s.waitFor("the brick to serve", func() bool { return s.try(n, "status").code == 0 || strings.Contains(s.try(n, "status").out, "healed") })
	r.says("action=none")
	if got := ended() - before; got > 5 {
		t.Errorf("glusterd was told %d times, once by a person", got)
	}
}

// takePorts ends the brick of a node, whose glusterd finds no free port for it from then on, until the returned function is called.
func (s *site) takePorts(n *lab.Node) (free func()) {
	s.t.Helper()
	n.StopGlusterd()
	n.KillBrick("/cache_server/brick")
	n.Run("sed", "-i", "s/^ *#* *option base-port.*/    option base-port 49160/; s/^ *#* *option max-port.*/    option max-port 49160/", "/etc/glusterfs/glusterd.vol")
	taken := n.Command(s.t.Context(), "python3", "-c", "import socket,time; s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); s.bind(('0.0.0.0',49160)); s.listen(); print('taken',flush=True); time.sleep(3600)")
	out := &lab.Transcript{}
	taken.Stdout, taken.Stderr = out, out
	if err := taken.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.waitFor("the port to be taken", func() bool { return strings.Contains(out.String(), "taken") })
	n.StartGlusterd()
	s.waitFor("the others to know it", func() bool {
		return strings.Count(n.Gluster("peer", "status"), "Peer in Cluster (Connected)") == len(s.Nodes())-1
	})
	return func() {
		if err := taken.Process.Kill(); err != nil {
			s.t.Fatal(err)
		}
		_ = taken.Wait() //nolint:errcheck // it was killed
	}
}

// Each start of a volume's bricks holds the lock of the volume, and an administrator's command that comes meanwhile is refused.
func TestAnAdministratorIsNotRefusedBesideABrickThatCannotStart(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Names: names(3)}, cacheFile(3, 0, 3))
	s.converge()
	n := s.Node(1)
	s.waitFor("all to be well", func() bool { return s.try(n, "recover", "--timeout", "30s").code == 0 })
	// done are the commands of the whole pool with these words in them.
	done := func(words string) (lines []string) {
		for _, m := range s.Nodes() {
			for line := range strings.Lines(commands(t, m)) {
				if strings.Contains(line, words) && strings.Contains(line, " : volume ") {
					lines = append(lines, m.Name+" "+line)
				}
			}
		}
		return lines
	}
	const start = "volume start server force"
	s.takePorts(n)
	before, startsBefore := len(done("")), len(done(start))

	ctx, stop := context.WithCancel(t.Context())
	var timers sync.WaitGroup
	for _, m := range s.Nodes() {
		timers.Go(func() { s.timer(ctx, m) })
	}
	defer func() { stop(); timers.Wait() }()
	s.waitFor("the first start", func() bool { return len(done(start)) > startsBefore })

	const asked = 100
	refused := map[string]int{}
	for i := range asked {
		args := []string{"volume", "set", "server", "network.ping-timeout", strconv.Itoa(20 + i%7)}
		switch i % 4 {
		case 1:
			args = []string{"volume", "status", "server"}
		case 3:
			args = []string{"volume", "heal", "server"}
		}
		out, err := s.Node(i%3).Command(ctx, append([]string{"gluster", "--mode=script"}, args...)...).CombinedOutput()
		// A heal is refused by GlusterFS itself while any brick of the volume does not run, also where nobody runs recover.
		if err != nil && !strings.Contains(string(out), "Mgmt brick op 'Heal' failed") && !strings.Contains(string(out), "Self-heal daemon is not running") {
			refused[strings.Join(args, " ")+": "+strings.TrimSpace(string(out))]++
		}
	}
	if len(refused) > 0 {
		t.Errorf("refused: %v", refused)
	}
	all := done("")
	ours := len(all) - before - asked
	if ours < 1 || ours > 12 {
		t.Errorf("%d commands were the nodes' own:\n%s", ours, strings.Join(all, ""))
	}
	t.Logf("%d commands were the nodes' own, %d of them starts", ours, len(done(start))-startsBefore)
}

// timer runs recover on a node as its timer does, until the context ends.
func (s *site) timer(ctx context.Context, n *lab.Node) {
	for ctx.Err() == nil {
		cmd, out := s.command(ctx, n, "recover")
		if err := cmd.Run(); err != nil && ctx.Err() == nil && cmd.ProcessState.ExitCode() != 3 {
			s.t.Errorf("%s recover: %v\n%s", n.Name, err, out)
		}
		select {
		case <-ctx.Done():
		case <-time.After(15 * time.Second):
		}
	}
}
