package recovery

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/powerloss"
)

// recoverWith runs recover against a world that changes with time, in no time.
func recoverWith(t *testing.T, world func(at time.Duration, done []string) []actual.Local, fail func(gluster.Command) error) (commands []string, took time.Duration) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		r := &Runner{
			Observe: func(context.Context) ([]actual.Local, error) {
				locals := world(time.Since(began), commands)
				for i := range locals {
					locals[i].MarkPath = filepath.Join(dir, "mark")
				}
				return locals, nil
			},
			Run: func(_ context.Context, c gluster.Command) error {
				commands = append(commands, strings.Join(c, " "))
				return fail(c)
			},
			Waiting: func(context.Context, string) ([]string, error) { return nil, nil },
			EndSelfHeal: func(context.Context) error {
				commands = append(commands, "end the self-heal daemon")
				return nil
			},
			Log: slog.New(slog.DiscardHandler), Status: func(string) {}, Journal: filepath.Join(dir, "journal"), Pause: time.Second, Now: time.Now,
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := r.Recover(ctx); err != nil {
			t.Error(err)
		}
		took = time.Since(began)
	})
	return commands, took
}

func local(s actual.Set) []actual.Local { return []actual.Local{{Set: s, Tmpfs: true}} }

func fine(gluster.Command) error { return nil }

func healed(s actual.Set) actual.Set { s.Healed = true; return s }

func TestGlusterdMayStartItsBricksByItself(t *testing.T) {
	commands, took := recoverWith(t, func(at time.Duration, _ []string) []actual.Local {
		if at < 2*time.Second {
			return local(healed(set(brick("n1", "offline"), brick("n2"))))
		}
		return local(healed(set(brick("n1"), brick("n2"))))
	}, fine)
	if len(commands) > 0 || took > 3*time.Second {
		t.Errorf("after %s: %q", took, commands)
	}
}

func TestABrickWithoutAProcessIsStarted(t *testing.T) {
	commands, took := recoverWith(t, func(_ time.Duration, done []string) []actual.Local {
		if len(done) == 0 {
			return local(healed(set(brick("n1", "offline"), brick("n2"))))
		}
		return local(healed(set(brick("n1"), brick("n2"))))
	}, fine)
	if !slices.Equal(commands, []string{"volume start v force"}) || took > 6*time.Second {
		t.Errorf("after %s: %q", took, commands)
	}
}

func TestHealsThatDoNotBeginByThemselvesAreAskedFor(t *testing.T) {
	waiting := func(n int) []actual.Local {
		s := set(brick("n1"), brick("n2"))
		s.Pending = n
		return local(s)
	}
	commands, took := recoverWith(t, func(time.Duration, []string) []actual.Local { return waiting(4) }, fine)
	if !slices.Equal(commands, []string{"volume heal v"}) || took < idleTime || took > 2*idleTime {
		t.Errorf("stuck entries: after %s: %q", took, commands)
	}
	commands, _ = recoverWith(t, func(at time.Duration, _ []string) []actual.Local {
		if left := 30 - int(at.Seconds()); left > 0 {
			return waiting(left)
		}
		return local(healed(set(brick("n1"), brick("n2"))))
	}, fine)
	if len(commands) > 0 {
		t.Errorf("entries that are being healed: %q", commands)
	}
	commands, took = recoverWith(t, func(time.Duration, []string) []actual.Local { return local(set(brick("n1"), brick("n2", "away"))) }, fine)
	if len(commands) > 0 || took > time.Second {
		t.Errorf("a brick is away: after %s: %q", took, commands)
	}
}

// What happened on real hosts: after the reset-brick of one volume the self-heal
// daemon no longer served the other, whose entries waited for ever.
func TestASelfHealDaemonThatLostAVolumeGetsItBack(t *testing.T) {
	commands, took := recoverWith(t, func(_ time.Duration, done []string) []actual.Local {
		s := healed(set(brick("n1"), brick("n2")))
		if len(done) == 0 {
			s.Healed, s.NoDaemon = false, true
		}
		return local(s)
	}, fine)
	if !slices.Equal(commands, []string{"volume start v force"}) || took > 2*idleTime {
		t.Errorf("after %s: %q", took, commands)
	}
}

// What happened on a real host (10.3): after a power cut the daemon ran, and did not take the volume back however often glusterd told it to.
func TestASelfHealDaemonThatRefusesAVolumeIsReplaced(t *testing.T) {
	commands, took := recoverWith(t, func(_ time.Duration, done []string) []actual.Local {
		s := set(brick("n1", "half"), brick("n2"))
		s.NoDaemon = true
		if n := len(done); n > 1 && done[n-2] == "end the self-heal daemon" {
			return local(healed(set(brick("n1"), brick("n2"))))
		}
		return local(s)
	}, fine)
	start := "volume start v force"
	starts := slices.DeleteFunc(slices.Clone(commands), func(c string) bool { return c == "volume heal v" })
	if want := []string{start, start, start, "end the self-heal daemon", start}; !slices.Equal(starts, want) || took > 6*idleTime {
		t.Errorf("after %s: %q", took, commands)
	}
}

func TestWhatTheGuardFoundMeanwhileStaysInTheJournal(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "journal")
	synctest.Test(t, func(t *testing.T) {
		r := &Runner{
			Observe: func(context.Context) ([]actual.Local, error) {
				return local(healed(set(brick("n1"), brick("n2")))), Journal{Unclean: []powerloss.Unclean{{Volume: "v", Brick: "/b/brick"}}}.Write(journal)
			},
			Log: slog.New(slog.DiscardHandler), Status: func(string) {}, Journal: journal, Pause: time.Second, Now: time.Now,
		}
		if err := r.Recover(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if j, err := ReadJournal(journal); err != nil || len(j.Unclean) != 1 || len(j.Bricks) != 1 {
		t.Errorf("%+v, %v", j, err)
	}
}

// What happened on real hosts: a node was shut down while its brick was reset,
// and its glusterd never started again.
func TestAShutdownWaitsForTheChangeThatHasBegun(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var commands []string
		r := &Runner{
			Observe: func(context.Context) ([]actual.Local, error) {
				l := local(set(brick("n1", "wiped"), brick("n2")))
				l[0].MarkPath = filepath.Join(dir, "mark")
				return l, nil
			},
			Run: func(ctx context.Context, c gluster.Command) error {
				commands = append(commands, c[1])
				if c[1] == "reset-brick" {
					stop()
				}
				return ctx.Err()
			},
			Log: slog.New(slog.DiscardHandler), Status: func(string) {}, Journal: filepath.Join(dir, "journal"), Pause: time.Second, Now: time.Now,
		}
		if err := r.Recover(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("recover ends with %v", err)
		}
		if want := []string{"set", "reset-brick"}; !slices.Equal(commands, want) {
			t.Errorf("it ran %q, want %q and nothing more", commands, want)
		}
		if mark, err := os.ReadFile(filepath.Join(dir, "mark")); err != nil || !strings.HasPrefix(string(mark), "confirmed") {
			t.Errorf("the mark says %q, %v: the reset-brick had succeeded", mark, err)
		}
	})
}

// What happened on real hosts: the other glusterd did not know this one yet, the
// brick was stamped all the same, and would have counted as complete, empty.
func TestARefillThatFailsHalfWayBeginsAgain(t *testing.T) {
	mark, failed := false, 0
	commands, _ := recoverWith(t, func(_ time.Duration, done []string) []actual.Local {
		switch {
		case len(done) == 0:
			return local(set(brick("n1", "wiped"), brick("n2")))
		case failed == 1 && !mark: // the failed reset-brick has stamped it
			mark = true
			return local(set(brick("n1", "begun", "offline"), brick("n2")))
		case failed == 1 && len(done) == 2:
			return local(set(brick("n1", "wiped", "filled"), brick("n2")))
		case strings.HasSuffix(done[len(done)-1], "complete"):
			return local(healed(set(brick("n1"), brick("n2"))))
		}
		return local(healed(set(brick("n1", "half"), brick("n2"))))
	}, func(c gluster.Command) error {
		if c[1] == "reset-brick" && failed == 0 {
			failed++
			return errors.New("Pre Validation failed on n2. Host n1 not connected") //nolint:revive,staticcheck // as GlusterFS says it
		}
		return nil
	})
	want := []string{
		"volume set v user.brickyard-brick-0 refilling", "volume reset-brick v n1:/b/brick n1:/b/brick commit",
		"volume set v user.brickyard-brick-0 refilling", "volume reset-brick v n1:/b/brick n1:/b/brick commit",
		"volume set v user.brickyard-brick-0 complete",
	}
	if !slices.Equal(commands, want) {
		t.Errorf("got %q", commands)
	}
}
