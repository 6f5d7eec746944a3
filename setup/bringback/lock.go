package bringback

import (
	"context"
	"log/slog"
	"time"

	"brickyard/setup/writer"
)

// lockRecover keeps two runs of recover on one node apart: each would act on what it
// remembers, and throw away what the other has just begun anew.
func lockRecover(ctx context.Context, dir string, log *slog.Logger, status func(string)) (unlock func(), err error) {
	say := sayOnce(log, status)
	return writer.Alone(ctx, dir, "recover", func(h writer.Holder, since time.Duration) { say(h.String(), since) })
}

// sayOnce tells for whom a program without a terminal waits, when that is another one than before.
func sayOnce(log *slog.Logger, status func(string)) func(who string, since time.Duration) {
	said := ""
	return func(who string, _ time.Duration) {
		if who != said {
			said = who
			log.Info("waiting for another program that changes this node", "holder", who)
			status("waiting for " + who + " to end")
		}
	}
}
