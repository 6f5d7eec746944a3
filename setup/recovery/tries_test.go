package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
)

// pool is one whose nodes each have a brick that ends as soon as, or some time after, glusterd has started it.
type pool struct {
	nodes int
	lives time.Duration
	err   error // of every command
	torn  bool  // its bricks serve, and an entry waits for ever to be healed

	mu     sync.Mutex
	starts []time.Duration // when somebody started the volume
}

// recoverFor runs recover on all nodes, as their timers do, and returns what their journals say at the end.
func (p *pool) recoverFor(t *testing.T, long time.Duration) (journals []Journal) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), long)
		defer cancel()
		var wg sync.WaitGroup
		for i := range p.nodes {
			wg.Go(func() {
				for ctx.Err() == nil {
					err := p.runner(i, began, filepath.Join(dir, fmt.Sprint(i))).Recover(ctx)
					if err != nil && !errors.Is(err, ErrPerson) && ctx.Err() == nil {
						t.Error(err)
					}
					select {
					case <-time.After(15 * time.Second):
					case <-ctx.Done():
					}
				}
			})
		}
		wg.Wait()
		for i := range p.nodes {
			j, err := ReadJournal(filepath.Join(dir, fmt.Sprint(i)))
			if err != nil {
				t.Error(err)
			}
			if age := time.Since(j.Updated); age > 20*time.Second {
				t.Errorf("node %d: the journal is %s old", i, age)
			}
			journals = append(journals, j)
		}
	})
	return journals
}

func (p *pool) runner(i int, began time.Time, journal string) *Runner {
	return &Runner{
		Observe: func(context.Context) ([]actual.Local, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			s := healed(set(brick("n1"), brick("n2"), brick("n3")))
			if p.err == nil {
				s.Starts = len(p.starts)
			}
			if p.torn {
				s.Healed, s.Pending = false, 1
				return []actual.Local{{Set: s, Own: i}}, nil
			}
			if n := len(p.starts); n == 0 || time.Since(began)-p.starts[n-1] >= p.lives {
				s.Bricks[i].Online = false
			}
			return []actual.Local{{Set: s, Own: i}}, nil
		},
		Run: func(_ context.Context, _ gluster.Command) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.starts = append(p.starts, time.Since(began))
			return p.err
		},
		Waiting: func(context.Context, string) ([]string, error) { return nil, nil },
		Reason:  func(string, time.Time) string { return ` ("all ports are taken")` },
		Log:     slog.New(slog.DiscardHandler), Status: func(string) {}, Journal: journal, Pause: time.Second, Now: time.Now,
	}
}

// What happened on real hosts (10.3): all ports were taken, glusterd said success, and each node had all bricks of the pool
// started once a second for ever, so that administrators' commands found the lock taken.
func TestABrickThatDoesNotComeUpIsStartedLessAndLessOften(t *testing.T) {
	for _, p := range []*pool{{nodes: 1}, {nodes: 3}, {nodes: 1, lives: 4 * time.Second}, {nodes: 1, lives: 40 * time.Second}, {nodes: 3, lives: 4 * time.Second}} {
		t.Run(fmt.Sprintf("%d nodes, it lives for %s", p.nodes, p.lives), func(t *testing.T) {
			journals := p.recoverFor(t, 10*time.Minute)
			if n := len(p.starts); n < 4 || n > 12 {
				t.Errorf("%d starts in ten minutes", n)
			}
			if p.starts[0] > 5*time.Second {
				t.Errorf("the first one after %s", p.starts[0])
			}
			last := 0
			defer func() {
				if t.Failed() {
					t.Logf("start %d of %v", last+1, p.starts)
				}
			}()
			for i := p.nodes; i < len(p.starts); i++ {
				pause := p.starts[i] - p.starts[i-1]
				if pause < time.Second {
					continue // two nodes at the same moment: glusterd refuses one of them
				}
				if pause < firstRepeat || p.nodes == 1 && i > 4 && pause < time.Minute {
					last = i
					t.Errorf("pause of %s before start %d", pause, i+1)
				}
			}
			if p.lives > 0 {
				return
			}
			for i, j := range journals {
				b := j.Bricks[0]
				if b.Action != Stop || !strings.HasPrefix(b.Reason, "glusterd was told ") || !strings.Contains(b.Reason, " times to start the brick and it does not run: see /var/log/glusterfs/glusterd.log and /var/log/glusterfs/bricks/b-brick.log (\"all ports are taken\")") {
					t.Errorf("node %d: %s: %s", i, b.Action, b.Reason)
				}
			}
		})
	}
}

func TestWhatIsRefusedIsTriedLessAndLessOften(t *testing.T) {
	p := &pool{nodes: 1, err: errors.New("quorum is not met")}
	journals := p.recoverFor(t, 10*time.Minute)
	if n := len(p.starts); n < 5 || n > 14 {
		t.Errorf("%d refused starts in ten minutes: %v", n, p.starts)
	}
	if b := journals[0].Bricks[0]; b.Starts != 0 {
		t.Errorf("what was refused counts as started: %+v", b)
	}
	now := time.Now()
	f := &refusal{action: Start, times: 9, last: now, world: "before"}
	if !f.hopeless(now.Add(time.Minute), Start, "before", time.Second) {
		t.Error("a refusal is forgotten at once")
	}
	if f.hopeless(now.Add(time.Second), Start, "after", time.Second) || f.hopeless(now.Add(time.Second), Finish, "before", time.Second) {
		t.Error("a refusal counts where the world has moved on")
	}
}

func TestAStartInVainIsRepeatedWhenNobodyElseChangesTheVolume(t *testing.T) {
	due := time.Now()
	for _, tc := range []struct {
		since, changed time.Duration // since it was due, and since somebody changed the volume
		want           bool
	}{
		{0, time.Second, true},
		{time.Minute, time.Second, true},
		{0, 11 * time.Second, false},
		{6 * time.Minute, time.Second, false},
	} {
		now := due.Add(tc.since)
		if got := busy(now, due, now.Add(-tc.changed), mostQuiet); got != tc.want {
			t.Errorf("%s after it was due, %s after a change: busy %t", tc.since, tc.changed, got)
		}
	}
	if busy(due, due, time.Time{}, mostQuiet) {
		t.Error("a volume that nobody changed is busy")
	}
}

func TestGlusterfsOwnWordsForAnError(t *testing.T) {
	since := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for line, want := range map[string]string{
		"[2026-11-28 12:00:00.123456 +0000] E [MSGID: 106005] [glusterd-pmap.c:1:pmap] 0-pmap: All the ports in the range are exhausted, can't assign\n":      "All the ports in the range are exhausted, can't assign",
		"[2026-11-28 12:00:00.123456] E [socket.c:1:bind] 0-tcp: binding to failed: Address already in use\n":                                                 "binding to failed: Address already in use",
		"[2026-11-28 12:00:01.000000 +0000] C [MSGID: 113081] [posix-common.c:1:posix_init] 0-v-posix: Extended attribute not supported, exiting. [{x}, {y}]": "Extended attribute not supported, exiting. [{x}, {y}]",
		"[2026-11-28 11:59:00.123456 +0000] E [MSGID: 106005] [f.c:1:f] 0-management: before\n":                                                               "",
		"[2026-11-28 12:00:00.123456 +0000] W [MSGID: 106005] [f.c:1:f] 0-management: a warning\n":                                                            "",
		"pending frames:\n":                    "",
		"[":                                    "",
		"[2026-11-28 12:00:00.123456 +0000] ":  "",
		"[2026-11-28 12:00:00.123456 +0000] E": "",
	} {
		if got, _ := parseError(line, since); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	if got := firstAbout("/b/brick", []string{"Invalid arguments", "no port for /b/brick", "Unable to start /b/brick"}); got != "no port for /b/brick" {
		t.Error(got)
	}
	if got := firstAbout("/b/brick", []string{"Quorum is not met"}) + firstAbout("/b/brick", nil); got != "Quorum is not met" {
		t.Error(got)
	}
	if got := brickLog("/cache_server/brick"); got != "/var/log/glusterfs/bricks/cache_server-brick.log" {
		t.Error(got)
	}
}

func TestSelfHealDaemonsThatDoNothingAreToldLessAndLessOften(t *testing.T) {
	for _, noDaemon := range []bool{false, true} {
		commands, _ := recoverWith(t, func(at time.Duration, _ []string) []actual.Local {
			if at > 10*time.Minute {
				return local(healed(set(brick("n1"), brick("n2"))))
			}
			s := set(brick("n1", "half"), brick("n2"))
			s.Pending, s.NoDaemon = 3, noDaemon
			return local(s)
		}, fine)
		count := map[string]int{}
		for _, c := range commands {
			count[c]++
		}
		if n := count["volume heal v"]; n < 4 || n > 9 {
			t.Errorf("no daemon %t: told to look %d times in ten minutes", noDaemon, n)
		}
		if n := count["volume start v force"]; noDaemon && n < 4 || n > 12 {
			t.Errorf("no daemon %t: started %d times in ten minutes", noDaemon, n)
		}
	}
}

// A split-brain waits for a person, and recover ends and begins again meanwhile.
func TestAnEntryThatCannotBeHealedHasNobodyLookAllTheTime(t *testing.T) {
	p := &pool{nodes: 1, torn: true}
	journals := p.recoverFor(t, 10*time.Minute)
	if n := len(p.starts); n < 3 || n > 9 {
		t.Errorf("the self-heal daemons were told to look %d times in ten minutes: %v", n, p.starts)
	}
	if b := journals[0].Bricks[0]; b.Action != None || b.Heals != len(p.starts) {
		t.Errorf("%+v", b)
	}
}

// A clock was a year ahead when recover left word: when a time server has set it back, the word is a year in the future.
func TestWordOfTheFutureHoldsNothingUp(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "journal")
	synctest.Test(t, func(t *testing.T) {
		p, now := &pool{nodes: 1, torn: true}, time.Now()
		later := now.AddDate(1, 0, 0)
		old := Journal{Updated: later, Bricks: []BrickJournal{{Volume: "v", Path: "/b/brick", Action: None, Since: later, Heals: 5, Told: later, Left: 1, Starts: 4, Started: later}}}
		if err := old.Write(journal); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := p.runner(0, now, journal).Recover(ctx); err != nil {
			t.Error(err)
		}
		if len(p.starts) == 0 {
			t.Error("nobody was told to look at what waits to be healed")
		}
	})
}
