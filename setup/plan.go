package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"brickyard/setup/change"
	"brickyard/setup/cluster"
	"brickyard/setup/report"
	"brickyard/setup/secureaccess"
)

// PlanCmd shows what apply would do.
type PlanCmd struct {
	planFlags
	allowFlags
	Parts   []string      `enum:"host,pool,client" default:"host,pool,client" help:"Parts to plan: ${enum}."`
	Timeout time.Duration `default:"1m" help:"Give up looking after this long."`
}

// Run prints the plan; exit code 2 says that it is not empty.
func (c *PlanCmd) Run(ctx context.Context, streams IO) error {
	began := time.Now()
	n, err := c.node(programPath)
	if err != nil {
		return err
	}
	n.allow(c.Allow)
	if err := root("plan"); err != nil {
		return err
	}
	ctx, cancel := deadline(ctx, c.Timeout)
	defer cancel()
	plan, err := n.plan(ctx, c.Parts)
	if err != nil {
		return err
	}
	doc := document("plan", n, c.fileFlags, plan)
	doc.Changes, doc.Changed, doc.Waits = report.Planned(plan.Changes), len(plan.Changes) > 0 && len(plan.Conflicts) == 0, append([]string{}, plan.Waits...)
	doc.Seconds = time.Since(began).Seconds()
	last := "Nothing to do."
	switch {
	case len(plan.Conflicts) > 0:
		doc.ExitCode, last = exitRefused, count(len(plan.Conflicts), "conflict", "conflicts")+": apply would change nothing."
	case !plan.Settled():
		doc.ExitCode, last = exitPending, summary(plan)
	}
	t := report.NewText(streams.Out, isTerminal(streams.Out))
	if !c.json() {
		t.Head("plan", n.state.Node, c.File)
		for _, ch := range plan.Changes {
			t.Planned(ch)
		}
		t.Waits(plan.Waits)
	}
	return finish(streams, c.outputFlags, t, doc, nil, last)
}

// plan looks at all the parts.
func (n *node) plan(ctx context.Context, parts []string) (change.Plan, error) {
	all := change.Plan{Conflicts: secureaccess.Conflicts()}
	if len(all.Conflicts) > 0 {
		return all, nil // nothing can be looked at
	}
	left, err := departedFrom(ctx, n.state, n.cluster.Source)
	if err != nil {
		return all, err
	}
	if slices.ContainsFunc(left, func(c change.Conflict) bool { return strings.HasPrefix(c.Code, "volume-") }) {
		all.Conflicts = left
		return all, nil // what else is not right comes of it
	}
	planners, done, err := n.planners(parts)
	if err != nil {
		return all, err
	}
	for _, p := range planners {
		q, err := p.Plan(ctx)
		if err != nil {
			return all, err
		}
		all.Add(q)
	}
	for _, c := range left {
		said := func(o change.Conflict) bool { return o.Object == c.Object } // by the pool part, with more of the volume in view
		if !slices.ContainsFunc(all.Conflicts, said) {
			all.Conflicts = append(all.Conflicts, c)
		}
	}
	all.Warnings = append(all.Warnings, cluster.Warnings(n.cluster)...)
	all.Warnings = append(all.Warnings, n.fileWords(ctx, n.applied.View)...)
	vain, err := n.allowedInVain(ctx)
	all.Warnings = append(all.Warnings, vain...)
	return all, errors.Join(err, done())
}

func summary(p change.Plan) string {
	here, elsewhere := 0, 0
	for _, c := range p.Changes {
		if c.By == "" {
			here++
		} else {
			elsewhere++
		}
	}
	var parts []string
	if here > 0 {
		parts = append(parts, count(here, "change", "changes")+" to make here")
	}
	if elsewhere > 0 {
		parts = append(parts, count(elsewhere, "change", "changes")+" that another node makes")
	}
	if len(parts) == 0 {
		return "Nothing to change here, but not ready yet."
	}
	return strings.Join(parts, ", ") + "."
}

func count(n int, one, many string) string {
	word := many
	if n == 1 {
		word = one
	}
	return itoa(n) + " " + word
}

func document(command string, n *node, f fileFlags, p change.Plan) report.Document {
	return report.Document{
		Command: command, Node: n.state.Node, File: f.File, Changes: []report.Change{}, Waits: []string{},
		Conflicts: report.ConflictsOf(p.Conflicts), Warnings: append([]string{}, p.Warnings...),
	}
}
