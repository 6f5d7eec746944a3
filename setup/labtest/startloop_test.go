package labtest_test

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"brickyard/internal/lab"
	"brickyard/setup/recovery"
)

// All ports that glusterd may give to bricks are taken, and it calls a start of a brick a success all the same: recover told
// it so once a second, for ever, and said nothing of it.
func TestABrickThatGlusterdCannotStartIsStartedLessAndLessOften(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, cacheFile(2, 0, 2))
	s.converge()
	n := s.Node(1)
	s.waitFor("all to be well", func() bool { return s.try(n, "recover", "--timeout", "30s").code == 0 })
	ended := func() int { return strings.Count(commands(t, n), "start server force") }
	before := ended()

	n.StopGlusterd()
	n.KillBrick("/cache_server/brick")
	n.Run("sed", "-i", "s/^ *#* *option base-port.*/    option base-port 49160/; s/^ *#* *option max-port.*/    option max-port 49160/", "/etc/glusterfs/glusterd.vol")
	taken := n.Command(t.Context(), "python3", "-c", "import socket,time; s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); s.bind(('0.0.0.0',49160)); s.listen(); print('taken',flush=True); time.sleep(3600)")
	out := &lab.Transcript{}
	taken.Stdout, taken.Stderr = out, out
	if err := taken.Start(); err != nil {
		t.Fatal(err)
	}
	s.waitFor("the port to be taken", func() bool { return strings.Contains(out.String(), "taken") })
	n.StartGlusterd()
	s.waitFor("the others to know it", func() bool { return strings.Contains(n.Gluster("peer", "status"), "(Connected)") })

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
	if err := taken.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = taken.Wait() //nolint:errcheck // it was killed
	n.Gluster("volume", "start", "server", "force")
	s.waitFor("the brick to serve", func() bool { return s.try(n, "status").code == 0 || strings.Contains(s.try(n, "status").out, "healed") })
	r.says("action=none")
	if got := ended() - before; got > 5 {
		t.Errorf("glusterd was told %d times, once by a person", got)
	}
}
