package main

import (
	"context"
	"log/slog"
	"time"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/host"
	"brickyard/setup/writer"
)

// executor makes the changes of a program on this node, in its turns.
func executor(program string, log *slog.Logger) change.Executor {
	return writer.New(host.RunDir, program).Executor(log)
}

// commands runs commands of gluster as changes of a program.
func commands(does *change.Executor) func(context.Context, gluster.Command) error {
	run := change.Logged(gluster.CLI{}.Run)
	return func(ctx context.Context, cmd gluster.Command) error { return run(does.Logging(ctx), cmd) }
}

// lockApply keeps two runs of apply on one node apart: the second waits for the first.
func lockApply(ctx context.Context, w change.Watcher) (unlock func(), err error) {
	return writer.Alone(ctx, host.RunDir, "apply", func(h writer.Holder, since time.Duration) {
		w.Waiting(change.Host, []string{h.String() + " to end"}, since)
	})
}
