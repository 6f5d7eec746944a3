package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/host"
	"brickyard/setup/report"
)

// RenderCmd writes files only.
type RenderCmd struct {
	planFlags
	Root   string `required:"" type:"path" help:"Directory below which the files are written, on top of its etc/hosts and etc/fstab if they exist."`
	Binary string `default:"${binary}" help:"Where the units find gluster-setup on the node."`
}

// Run writes the node's files below the root.
func (c *RenderCmd) Run(ctx context.Context, streams IO) error {
	began := time.Now()
	n, err := c.node(func(s *desired.State) { s.SetBinary(c.Binary) })
	if err != nil {
		return err
	}
	t := report.NewText(streams.Out, isTerminal(streams.Out))
	var watcher change.Watcher = t
	if c.json() {
		watcher = report.Quiet{}
	} else {
		t.Head("render", n.state.Node, c.File)
	}
	runner := &change.Runner{Log: logger(streams.Err, slog.LevelWarn), Watcher: watcher, Pause: pause}
	files := &host.Files{Root: c.Root, Source: c.File, State: n.state, Rendered: n.rendered}
	_, err = runner.Converge(ctx, files)
	doc := document("render", n, c.fileFlags, change.Plan{})
	if conflicts, ok := errors.AsType[change.Conflicts](err); ok {
		doc.Conflicts = report.ConflictsOf(conflicts)
	}
	doc.Changes, doc.Changed, doc.ExitCode = report.Results(runner.Results), len(runner.Results) > 0, exitCodeOf(err)
	doc.Seconds = time.Since(began).Seconds()
	last := "Nothing to do: all files below " + c.Root + " are as they should be."
	switch {
	case err != nil:
		last = "Not rendered."
	case len(runner.Results) > 0:
		last = count(len(runner.Results), "file", "files") + " written below " + c.Root + "."
	}
	return finish(streams, c.outputFlags, t, doc, err, last)
}
