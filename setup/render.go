package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"brickyard/setup/change"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/host"
	"brickyard/setup/report"
)

// RenderCmd writes files only.
type RenderCmd struct {
	planFlags
	Root       string            `type:"path" help:"Directory below which this node's files are written, on top of its etc/hosts and etc/fstab if they exist."`
	Binary     string            `default:"${binary}" help:"Where the units find gluster-setup on the node."`
	Prometheus string            `type:"path" help:"Directory in which ${targets} is written: the exporters of all nodes, for Prometheus' file_sd_configs. The machine need not be a node."`
	Targets    string            `enum:"name,address" default:"name" help:"Whether Prometheus reaches the nodes by name or by address; the label instance is the name."`
	Label      map[string]string `placeholder:"NAME=VALUE" help:"Labels of all targets, such as cluster=web."`
}

// Validate refuses a command line that asks for nothing.
func (c *RenderCmd) Validate() error {
	if c.Root == "" && c.Prometheus == "" {
		return errors.New("nothing to render: name a directory with --root, for this node's files, or with --prometheus, for the targets of Prometheus")
	}
	return nil
}

// Run writes the node's files below the root, and the targets.
func (c *RenderCmd) Run(ctx context.Context, streams IO) error {
	began := time.Now()
	planners, doc, err := c.planners()
	if err != nil {
		return err
	}
	t := report.NewText(streams.Out, isTerminal(streams.Out))
	var watcher change.Watcher = t
	if c.json() {
		watcher = report.Quiet{}
	} else {
		t.Head("render", doc.Node, c.File)
	}
	runner := &change.Runner{Executor: change.Executor{Log: logger(streams.Err, slog.LevelWarn)}, Watcher: watcher, Pause: firstPause}
	for _, p := range planners {
		if _, err = runner.Converge(ctx, p); err != nil {
			break
		}
	}
	if conflicts, ok := errors.AsType[change.Conflicts](err); ok {
		doc.Conflicts = report.ConflictsOf(conflicts)
	}
	made := runner.Made()
	doc.Changes, doc.Changed, doc.ExitCode = report.Results(runner.Results), made > 0, exitCodeOf(err)
	if doc.ExitCode == exitError && made > 0 {
		doc.ExitCode = exitPartly
	}
	doc.Seconds = time.Since(began).Seconds()
	below := c.Root
	if below == "" {
		below = c.Prometheus
	}
	last := "Nothing to do: all files below " + below + " are as they should be."
	switch {
	case err != nil && made > 0:
		last = count(made, "file was", "files were") + " written below " + below + ", not all."
	case err != nil:
		last = "Not rendered."
	case made > 0:
		last = count(made, "file", "files") + " written below " + below + "."
	}
	return finish(streams, c.outputFlags, t, doc, err, last)
}

// planners are those of what is asked for, and the document to report in.
func (c *RenderCmd) planners() ([]change.Planner, report.Document, error) {
	var planners []change.Planner
	var doc report.Document
	var cl *cluster.Cluster
	if c.Root != "" {
		n, err := c.node(func(s *desired.State) { s.SetBinary(c.Binary) })
		if err != nil {
			return nil, doc, err
		}
		planners = append(planners, &host.Files{Root: c.Root, Source: c.File, State: n.state, Rendered: n.rendered})
		cl, doc = n.cluster, document("render", n, c.fileFlags, change.Plan{})
	} else {
		var err error
		if cl, err = c.load(); err != nil {
			return nil, doc, err
		}
		doc = document("render", &node{state: &desired.State{Node: "prometheus"}}, c.fileFlags, change.Plan{})
	}
	if c.Prometheus != "" {
		text, err := desired.ScrapeTargets(cl, c.Targets == "address", c.Label)
		if err != nil {
			return nil, doc, err
		}
		planners = append(planners, &host.ScrapeTargets{Path: filepath.Join(c.Prometheus, desired.TargetsFile), Content: text})
		if cl.Exporter == nil {
			doc.Warnings = append(doc.Warnings, "the cluster file has no exporter, so apply installs none: these targets answer only where somebody else runs gluster_exporter on "+cluster.DefaultExporterListen+"; add \"exporter: {}\" to "+c.File)
		}
	}
	return planners, doc, nil
}
