package lab

import (
	"testing"
	"time"
)

// Patience bounds every wait for something that happens by itself. Only what fails takes so long, on a busy machine too.
const Patience = 5 * time.Minute

// WaitFor looks again and again until done says so, and fails the test after Patience. It looks less and less often, because many
// tests wait at the same time: what it sees late by a tenth of its wait must still be there.
func WaitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	waitFor(t, what, done, pollPause)
}

// Catch is WaitFor for what lasts only a moment: it looks all the time.
func Catch(t testing.TB, what string, done func() bool) {
	t.Helper()
	waitFor(t, what, done, func(time.Duration) time.Duration { return time.Millisecond })
}

func waitFor(t testing.TB, what string, done func() bool, pause func(waited time.Duration) time.Duration) {
	t.Helper()
	for began := time.Now(); !done(); {
		waited := time.Since(began)
		if waited > Patience {
			t.Fatalf("waited %s in vain for %s", Patience, what)
		}
		time.Sleep(pause(waited))
	}
}

// pollPause is how long it is until the next look at something that was waited for so long.
func pollPause(waited time.Duration) time.Duration {
	const shortest, longest = 10 * time.Millisecond, 500 * time.Millisecond
	return min(max(waited/10, shortest), longest)
}
