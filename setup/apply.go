package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"brickyard/setup/change"
	"brickyard/setup/cluster"
	"brickyard/setup/report"
)

// ApplyCmd makes the changes.
type ApplyCmd struct {
	planFlags
	allowFlags
	Parts   []string      `enum:"host,pool,client" default:"host,pool,client" help:"Parts to apply: ${enum}. Callers that go from node to node apply host everywhere first."`
	Timeout time.Duration `default:"5m" help:"Give up waiting for other nodes after this long."`
	Verbose bool          `short:"v" help:"Log every change to stderr as it is made."`
}

// firstPause is how long apply waits at first before it looks again.
const firstPause = 500 * time.Millisecond

// Run applies the cluster file to this node.
func (c *ApplyCmd) Run(ctx context.Context, streams IO) error {
	began := time.Now()
	n, err := c.node(programPath)
	if err != nil {
		return err
	}
	n.allow(c.Allow)
	if err := root("apply"); err != nil {
		return err
	}
	ctx, cancel := deadline(ctx, c.Timeout)
	defer cancel()
	// Nobody reads any more, as with `apply | head`: the end comes after the change under way, not in it.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGPIPE)
	defer stop()

	level := slog.LevelWarn
	if c.Verbose || c.json() {
		level = slog.LevelInfo
	}
	t := report.NewText(streams.Out, isTerminal(streams.Out))
	var watcher change.Watcher = t
	if c.json() {
		watcher = report.Quiet{}
	} else {
		t.Head("apply", n.state.Node, c.File)
	}
	unlock, err := lockApply(ctx, watcher)
	if err != nil {
		return err
	}
	defer unlock()

	runner := &change.Runner{Executor: executor("apply", logger(streams.Err, level)), Watcher: watcher, Pause: firstPause}
	warnings, err := n.apply(ctx, runner, c.Parts)
	doc, made := applied(n, c.fileFlags, runner, warnings, err)
	doc.Seconds = time.Since(began).Seconds()
	took := fmt.Sprintf("%.1f s", doc.Seconds)
	last := map[int]string{
		exitOK:      "Nothing to do (" + took + ").",
		exitError:   "Nothing was changed.",
		exitRefused: "Refused.",
		exitPartly:  count(made, "change was", "changes were") + " made, not all. Run apply again when the cause is gone.",
	}[doc.ExitCode]
	_, partly := errors.AsType[*change.PartlyError](err)
	switch {
	case partly && made > 0:
		last = "Partly done: " + count(made, "change was", "changes were") + " made before the one that not all servers made."
	case partly:
		last = "Partly done: not all servers made the change."
	case doc.ExitCode == exitOK && made > 0:
		last = "Done: " + count(made, "change", "changes") + " in " + took + "."
	case doc.ExitCode == exitRefused && made > 0:
		last = "Refused after " + count(made, "change", "changes") + "."
	case doc.ExitCode == exitRefused:
		last = "Refused: nothing was changed."
	}
	return finish(streams, c.outputFlags, t, doc, err, last)
}

// applied is the document of an apply that ended with err, and how many
// changes it made.
func applied(n *node, f fileFlags, r *change.Runner, warnings []string, err error) (doc report.Document, made int) {
	doc = document("apply", n, f, change.Plan{Warnings: warnings})
	doc.Changes, made = report.Results(r.Results), r.Made()
	_, partly := errors.AsType[*change.PartlyError](err)
	doc.Changed = made > 0 || partly
	if conflicts, ok := errors.AsType[change.Conflicts](err); ok {
		doc.Conflicts = report.ConflictsOf(conflicts)
	}
	if wait, ok := errors.AsType[*change.WaitError](err); ok {
		doc.Waits = append([]string{}, wait.What...)
	}
	doc.ExitCode = exitCodeOf(err)
	if doc.ExitCode == exitError && made > 0 {
		doc.ExitCode = exitPartly
	}
	return doc, made
}

// apply first looks at everything: a conflict anywhere stops it before it has
// changed anything. Then it brings the host part in order, and after it the
// others together: a volume that waits holds up neither other volumes nor their mounts.
func (n *node) apply(ctx context.Context, r *change.Runner, parts []string) ([]string, error) {
	first, err := n.plan(ctx, parts)
	if err != nil {
		return nil, err
	}
	if len(first.Conflicts) > 0 {
		return first.Warnings, change.Conflicts(first.Conflicts)
	}
	vain, err := n.allowedInVain(ctx) // now: what was allowed is done later
	if err != nil {
		return nil, err
	}
	planners, done, err := n.planners(parts)
	if err != nil {
		return nil, err
	}
	warnings := append(cluster.Warnings(n.cluster), vain...)
	for _, parts := range inGroups(planners) {
		w, err := r.Converge(ctx, parts...)
		warnings = append(warnings, w...)
		if err != nil {
			return append(warnings, n.fileWordsAtEnd(ctx)...), errors.Join(append(r.Aside, err, done())...)
		}
	}
	return append(warnings, n.fileWordsAtEnd(ctx)...), errors.Join(append(r.Aside, done())...)
}

// inGroups groups the parts: all rest on this machine's own.
func inGroups(planners []change.Planner) (groups [][]change.Planner) {
	for i, p := range planners {
		if p.Part() != change.Host {
			return append(groups, planners[i:])
		}
		groups = append(groups, planners[i:i+1])
	}
	return groups
}

func itoa(n int) string { return strconv.Itoa(n) }
