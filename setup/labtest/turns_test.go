package labtest_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// turnRoundsEnv is the environment variable with how often the programs are started in the test of their turns.
const turnRoundsEnv = "TURN_ROUNDS"

// work is one change, or one command of it, as the executor logged it.
type work struct {
	program, process, what string
	began, ended           time.Time
}

// logged reads the lines of the executor in what programs said.
func logged(t *testing.T, said string) (all []work) {
	t.Helper()
	field := func(line, name string) string {
		m := regexp.MustCompile(` ` + name + `=("(?:[^"\\]|\\.)*"|\S*)`).FindStringSubmatch(line)
		if m == nil {
			return ""
		}
		return strings.Trim(m[1], `"`)
	}
	for line := range strings.Lines(said) {
		if !strings.Contains(line, " began=") {
			continue
		}
		began, err := time.Parse(time.RFC3339Nano, field(line, "began"))
		took, terr := time.ParseDuration(field(line, "took"))
		if err != nil || terr != nil {
			t.Fatalf("%q: %v, %v", line, err, terr)
		}
		all = append(all, work{
			program: field(line, "program"), process: field(line, "process"), began: began, ended: began.Add(took),
			what: cmp.Or(field(line, "command"), field(line, "action")+" "+field(line, "object")),
		})
	}
	return all
}

// overlaps are the pairs of processes that worked at the same time. Times are logged in milliseconds, cut off.
func overlaps(all []work) (found []string) {
	slices.SortFunc(all, func(a, b work) int { return a.began.Compare(b.began) })
	for i, a := range all {
		for _, b := range all[i+1:] {
			if a.process != b.process && a.ended.Sub(b.began) > time.Millisecond {
				found = append(found, fmt.Sprintf("%s of %s (process %s, %s to %s) and %s of %s (process %s, from %s)", a.what, a.program, a.process,
					a.began.Format(time.TimeOnly+".000"), a.ended.Format(time.TimeOnly+".000"), b.what, b.program, b.process, b.began.Format(time.TimeOnly+".000")))
			}
		}
	}
	return found
}

// apply and recover are started at the same moment on both nodes, again and again, while bricks are killed and the file changes. Each
// of them has something to do in nearly every round.
func TestApplyAndRecoverTakeTurnsWhileBricksDie(t *testing.T) {
	t.Parallel()
	rounds := 4
	if text := os.Getenv(turnRoundsEnv); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	s.converge()
	client := s.Node(2)
	said := map[string]*strings.Builder{}
	for i := range rounds {
		what := fmt.Sprintf("round %d: ", i+1)
		s.write(clusterFile(2, 1, 2, fmt.Sprintf("options: {performance.cache-size: %dMB}", 32+i)))
		for j, n := range s.Nodes()[:2] {
			if i%3 == j || i%3 == 2 {
				n.KillBrick("/bricks/server/brick")
			}
		}
		if i%3 != 2 { // one brick of the two takes it, and the other one must get it
			client.Run("bash", "-c", fmt.Sprintf("echo %d >/client/%[1]d", i))
		}
		var runs []*running
		for _, n := range s.Nodes()[:2] {
			runs = append(runs, s.start(n, "apply", "--verbose", "--timeout", "10m"), s.start(n, "recover", "--timeout", "10m"))
		}
		for _, n := range s.Nodes()[:2] {
			s.waitFor(what+n.Name+" to have a brick", func() bool { return n.Run("bash", "-c", "pgrep -x glusterfsd || true") != "" })
		}
		for _, n := range s.Nodes()[:2] { // each is asked for the other's brick
			s.waitFor(what+n.Name+" to miss nothing", func() bool { return s.try(n, "ok-to-stop", "--look").code == 0 })
		}
		for k, r := range runs {
			n := s.Node(k / 2)
			if recovers := k%2 == 1; recovers && i < rounds-1 {
				// It goes on to watch a brick that ended several times within a minute. The next round is enough of that.
				if err := n.Signal(r.cmd, syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
				r.wait()
			} else {
				r.wait().check(t, what+r.what, 0)
			}
			if said[n.Name] == nil {
				said[n.Name] = &strings.Builder{}
			}
			said[n.Name].WriteString(r.out.String())
		}
		for n, b := range said {
			for _, pair := range overlaps(logged(t, b.String())) {
				t.Errorf("%s%s: two write at once: %s", what, n, pair)
			}
		}
		t.Logf("%sended at %s", what, time.Now().Format(time.TimeOnly))
		if t.Failed() {
			return
		}
	}
	for n, b := range said {
		made := map[string]int{}
		for _, w := range logged(t, b.String()) {
			made[w.program]++
		}
		t.Logf("%s: changes and commands by program: %v", n, made)
		if made["apply"] == 0 || made["recover"] == 0 {
			t.Errorf("%s: not both of them had something to do: %v", n, made)
		}
	}
	s.converge() // the client, too, gets the last file
	for i := range rounds {
		if i%3 != 2 && client.Run("cat", fmt.Sprintf("/client/%d", i)) != fmt.Sprintln(i) {
			t.Errorf("what was written in round %d is lost", i+1)
		}
	}
	s.waitFor("both bricks to have everything", func() bool {
		doc, code := s.check(s.Node(0))
		return code == 0 && doc.Equal
	})
}
