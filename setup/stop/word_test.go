package stop

import (
	"testing"
	"time"
)

// What happened on real hosts: recover, which looks after the bricks every few
// seconds, took the claim of a node back that had yet to stop, and both went.
func TestAWordIsOverForTheNodeThatWasStoppedOrDidNotStop(t *testing.T) {
	const boot, other = "0d4f6f8e-7a41-4be8-9a60-6f8a0a1f7c11", "9f1f3c66-3a0e-4d1a-8f0f-1a4c66a0b7d2"
	glusterd := Moment{boot, 100*time.Second + 500*time.Millisecond}
	soon, late := 200*time.Second, 2000*time.Second
	for _, tc := range []struct {
		name string
		word string
		now  time.Duration
		want bool
	}{
		{"given after glusterd started", "2026-11-22T01:00:11Z," + boot + ",101", soon, false},
		{"given in the second in which glusterd started", "2026-11-22T01:00:10Z," + boot + ",100", soon, false},
		{"given before glusterd started", "2026-11-22T01:00:09Z," + boot + ",99", soon, true},
		{"given half an hour ago by a node that did not stop", "2026-11-22T01:00:11Z," + boot + ",199", late, true},
		{"given a little less than that ago", "2026-11-22T01:00:11Z," + boot + ",201", late, false},
		{"given before this boot, however the clock is now", "2036-11-22T01:00:11Z," + other + ",1990", late, true},
		{"given by a former version", "2026-11-22T01:00:11Z", soon, true},
		{"nonsense", "nonsense", soon, true},
		{"nonsense with commas", "a,b,c", soon, true},
	} {
		w, ok := spoken(tc.word)
		if !ok || w.over(glusterd, Moment{boot, tc.now}) != tc.want {
			t.Errorf("%s: over = %v, want %v", tc.name, !tc.want, tc.want)
		}
	}
	for _, none := range []string{"", "no"} {
		if _, ok := spoken(none); ok {
			t.Errorf("%q is taken for a word", none)
		}
	}
}

func TestAWordIsReadAsItWasSaid(t *testing.T) {
	now, err := ThisMoment()
	if err != nil {
		t.Fatal(err)
	}
	said := word{"2026-11-22T01:00:11Z", Moment{now.Boot, now.Up.Truncate(time.Second)}}
	if got, ok := spoken(said.String()); !ok || got != said {
		t.Errorf("%q is read as %+v", said, got)
	}
	if len(now.Boot) != 36 || now.Up <= 0 {
		t.Errorf("this moment is %+v", now)
	}
}

// A glusterd that is restarted as soon as ok-to-stop has answered ends the word, although that is told in whole seconds.
func TestAWordIsOverForAGlusterdThatIsRestartedAtOnce(t *testing.T) {
	const boot = "0d4f6f8e-7a41-4be8-9a60-6f8a0a1f7c11"
	for _, up := range []time.Duration{100 * time.Second, 100*time.Second + 1, 100*time.Second + 999*time.Millisecond} {
		given := word{"2026-11-22T01:00:11Z", Moment{boot, up}}
		w, _ := spoken(given.String())
		started := given.passed().Truncate(clockTick) // as the kernel says it
		if wait := given.passed() - up; wait > time.Second+2*clockTick {
			t.Errorf("given at %s: the answer waits for %s", up, wait)
		}
		if !w.over(Moment{boot, started}, Moment{boot, started + time.Second}) {
			t.Errorf("given at %s: not over for a glusterd that started at %s", up, started)
		}
		if w.over(Moment{boot, up.Truncate(clockTick)}, Moment{boot, started}) {
			t.Errorf("given at %s: over for a glusterd that had started before", up)
		}
	}
}
