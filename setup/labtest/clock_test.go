package labtest_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"brickyard/internal/lab"
	"brickyard/setup/powerloss"
)

// withClock builds the program with a clock that can be wrong, once.
var withClock = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // as the program itself, which TestMain builds
	dir, err := os.MkdirTemp("", "clock") // below the directory that lab.Main removes
	if err == nil {
		err = os.Chmod(dir, 0o755) //nolint:gosec // nodes run what is in it
	}
	if err != nil {
		return "", err
	}
	return lab.ProgramWithClock(dir, "gluster-setup", "brickyard/setup")
})

// at runs the program on a node whose clock is ahead.
func (s *site) at(ahead time.Duration, n *lab.Node, command string, args ...string) outcome {
	s.t.Helper()
	path, err := withClock()
	if err != nil {
		s.t.Fatal(err)
	}
	argv := append([]string{"env", fmt.Sprintf("%s=%d", lab.Ahead, int64(ahead.Seconds())), path, command, "-f", s.file}, args...)
	cmd, out := n.Command(s.t.Context(), argv...), &lab.Transcript{}
	cmd.Stdout, cmd.Stderr = out, out
	return outcome{code: s.exit(cmd.Run()), out: out.String()}
}

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// Of two servers one has a clock that is wrong. One of them was allowed to stop: the other may not, whoever was the first.
func TestOfServersWithDifferentClocksOneMayStop(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, clusterFile(2, 0, 2))
	s.converge()
	first, second := s.Node(0), s.Node(1)
	for _, n := range s.Nodes() {
		s.waitFor(n.Name+" may be stopped alone", func() bool { return s.try(n, "ok-to-stop", "--look").code == 0 })
	}
	for _, ahead := range []time.Duration{-31 * time.Minute, 40 * day, year} {
		type asker struct {
			n     *lab.Node
			ahead time.Duration
		}
		right, wrong := asker{first, 0}, asker{second, ahead}
		for _, order := range [][2]asker{{right, wrong}, {wrong, right}} {
			a, b := order[0], order[1]
			what := fmt.Sprintf("the clock of %s is %s ahead, %s asks first", second.Name, ahead, a.n.Name)
			s.at(a.ahead, a.n, "ok-to-stop").check(t, what, 0)
			refused := a.n.Name + " was allowed to stop at "
			s.at(b.ahead, b.n, "ok-to-stop").check(t, what+": the other", 3, refused)
			// As the timers do: neither run of recover takes the word of the other back, or its own before it is over.
			s.at(b.ahead, b.n, "recover", "--timeout", "10m").check(t, what+": recover of the other", 0)
			s.at(a.ahead, a.n, "recover", "--timeout", "10m").check(t, what+": recover", 0)
			s.at(b.ahead, b.n, "ok-to-stop").check(t, what+": the other again", 3, refused)
			s.at(a.ahead, a.n, "ok-to-stop", "--release").check(t, what+": release", 0)
		}
		both := make([]outcome, 2)
		var running sync.WaitGroup
		for i, who := range []asker{right, wrong} {
			running.Go(func() { both[i] = s.at(who.ahead, who.n, "ok-to-stop") })
		}
		running.Wait()
		if both[0].code == 0 && both[1].code == 0 {
			t.Errorf("with a clock that is %s ahead both may stop:\n%s%s", ahead, both[0].out, both[1].out)
		}
		for _, o := range both {
			if o.code != 0 && o.code != 3 {
				t.Errorf("with a clock that is %s ahead: %d %s", ahead, o.code, o.out)
			}
		}
		for _, who := range []asker{right, wrong} {
			s.at(who.ahead, who.n, "ok-to-stop", "--release").check(t, "release", 0)
		}
	}
}

// A machine whose battery is empty boots, after a power cut, next year, in forty days, or in 1970. What was taken out of bricks
// and of glusterd's store must be there when a time server has set the clock, and the brick is compared and whole.
func TestABootWithAWrongClockRemovesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	s.converge()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	s.connected(client, s.Nodes()[:2])
	client.Run("bash", "-euc", `cd /client; mkdir dir; echo old >dir/lost`)
	s.expect(second, 0, nil, "recover", "--timeout", "10m") // has flushed the brick

	// What an earlier power cut, and an earlier repair of the store, left: first seen two days ago by a clock that was right.
	kept := []string{"/bricks/server/.gluster-setup-aside/20261101T000000Z-resync", "/var/lib/glusterd/.gluster-setup-aside/20261101T000000Z-server"}
	since := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(-2*day).Unix())) //nolint:gosec // after 1970
	for _, dir := range kept {
		second.Run("bash", "-euc", `mkdir -p "$0/below"; echo precious >"$0/below/file"; chmod 0700 "$(dirname "$0")"; setfattr -n trusted.brickyard.kept-since -v "$1" "$0"`, dir, "0x"+hex.EncodeToString(since))
	}
	for i, ahead := range []time.Duration{40 * day, year, -50 * year} {
		what := fmt.Sprintf("a boot with a clock that is %s ahead", ahead)
		lost := fmt.Sprintf("new%d", i)
		client.Run("bash", "-euc", "echo "+lost+" >/client/dir/lost; echo x >/client/dir/"+lost)
		cut(second)
		behind(second, "echo old >dir/lost; forget dir/"+lost)
		s.at(ahead, second, "guard").check(t, what+": guard", 0)
		if _, err := os.Stat(second.Path(onBrick)); err == nil {
			t.Errorf("%s: the brick is in its place before it was compared", what)
		}
		second.StartGlusterd()
		// glusterd's clock was as wrong as ours.
		second.Run("touch", "-d", fmt.Sprintf("@%d", time.Now().Add(ahead).Unix()), "/run/glusterd.socket")
		began := time.Now()
		s.at(ahead, second, "recover", "--timeout", "10m").check(t, what+": recover", 0, "compared after a power cut")
		s.waitFor("nothing to wait to be healed", func() bool { return s.healed() })
		t.Logf("%s: whole after %s", what, time.Since(began))
		if text, err := os.ReadFile(second.Path(onBrick + "/dir/lost")); err != nil || string(text) != lost+"\n" {
			t.Errorf("%s: %q, %v", what, text, err)
		}
		if a, b := tree(first), tree(second); a != b {
			t.Errorf("%s: the bricks differ.\nfirst:\n%s\nsecond:\n%s", what, a, b)
		}
		if !powerloss.Synchronized() { // else the kernel itself calls this clock right
			for _, dir := range kept {
				if text, err := os.ReadFile(second.Path(filepath.Join(dir, "below/file"))); err != nil || string(text) != "precious\n" {
					t.Errorf("%s: %s: %q, %v", what, dir, text, err)
				}
			}
		}
		// A time server sets it.
		s.expect(second, 0, nil, "recover", "--timeout", "10m")
		s.well(second)
	}
}
