package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"brickyard/gluster"
	"brickyard/setup/ansible"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/host"
	"brickyard/setup/pool"
	"brickyard/setup/report"
	"brickyard/setup/status"
)

// maxArguments bounds what is read of a file that may be Ansible's.
const maxArguments = 16 << 20

// moduleArguments returns the arguments of an Ansible module when the program
// was started as one: with one file of them as its only argument.
func moduleArguments(args []string) ([]byte, bool) {
	if len(args) != 1 || !filepath.IsAbs(args[0]) {
		return nil, false
	}
	f, err := os.Open(args[0]) //nolint:gosec // whoever starts the program names the file
	if err != nil {
		return nil, false
	}
	data, err := io.ReadAll(io.LimitReader(f, maxArguments))
	if errors.Join(err, f.Close()) != nil {
		return nil, false
	}
	return data, ansible.IsArguments(data)
}

// module runs the program as an Ansible module. Whatever happens, stdout gets
// one JSON object.
func module(ctx context.Context, data []byte, streams IO) (code int) {
	result := moduleResult(ctx, data, streams)
	var b bytes.Buffer
	if err := report.JSON(&b, result); err != nil {
		fmt.Fprintf(streams.Err, "gluster-setup: %v\n", err)
		return exitError
	}
	if _, err := streams.Out.Write(b.Bytes()); err != nil {
		fmt.Fprintf(streams.Err, "gluster-setup: %v\n", err)
		return exitError
	}
	if result.Failed {
		return exitError
	}
	return exitOK
}

func moduleResult(ctx context.Context, data []byte, streams IO) (result ansible.Result) {
	var a ansible.Arguments
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(streams.Err, "gluster-setup: bug: %v\n%s", r, debug.Stack())
			result = ansible.Failure(a, "error", fmt.Sprintf("bug in gluster-setup: %v", r))
		}
	}()
	began := time.Now()
	a, err := ansible.Parse(data)
	if err != nil {
		return ansible.Failure(a, "usage", ansible.Module+": "+err.Error())
	}
	if a.Config == "" {
		a.Config = desired.ClusterFile
	}
	n, err := moduleNode(a)
	if err != nil {
		return ansible.Failure(a, reason(err), err.Error())
	}
	allowed, err := consents(a.Allow)
	if err != nil {
		return ansible.Failure(a, "usage", ansible.Module+": "+err.Error())
	}
	n.allow(allowed)
	if os.Geteuid() != 0 {
		return ansible.Failure(a, "error", ansible.Module+" needs root: set become: true")
	}
	ctx, cancel := deadline(ctx, a.Timeout)
	defer cancel()
	if a.Check {
		result = moduleCheck(ctx, a, n)
	} else {
		result = moduleApply(ctx, a, n, streams)
	}
	if !result.Failed {
		g := &status.Gatherer{Cluster: n.cluster, State: n.state, Local: gluster.NewClient("unix", ""), Dial: pool.DialTCP, Timeout: 5 * time.Second, Journal: host.RecoveryRecord, Applied: n.applied}
		result.Gluster = g.Gather(ctx)
		_ = g.Local.Close() // read all that was wanted
	}
	hideTemporary(result)
	result.Seconds = time.Since(began).Seconds()
	return result
}

// moduleNode reads the cluster file that the task names or holds.
func moduleNode(a ansible.Arguments) (*node, error) {
	f := planFlags{fileFlags: fileFlags{File: a.Config, Node: a.Node}, Templates: a.Templates}
	if a.Cluster == nil {
		n, err := f.node(programPath)
		if err != nil && a.Config == desired.ClusterFile && errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s does not exist on the node: put it there, or give the task cluster or config", a.Config)
		}
		return n, err
	}
	c, err := a.Cluster.Parse(desired.ClusterFile)
	if err != nil {
		return nil, err
	}
	return f.nodeOf(c, []byte(a.Cluster.Text), programPath)
}

func moduleCheck(ctx context.Context, a ansible.Arguments, n *node) ansible.Result {
	plan, err := n.plan(ctx, a.Parts)
	doc := document("plan", n, fileFlags{File: a.Config}, plan)
	doc.Changes, doc.Waits = report.Planned(plan.Changes), append([]string{}, plan.Waits...)
	if len(plan.Conflicts) > 0 && err == nil {
		err = change.Conflicts(plan.Conflicts)
		doc.Changes, plan.Changes = []report.Change{}, nil // none of them would be made
	}
	return outcome(a, doc, plan.Changes, nil, err)
}

func moduleApply(ctx context.Context, a ansible.Arguments, n *node, streams IO) ansible.Result {
	unlock, err := lockApply(ctx, report.Quiet{})
	if err != nil {
		return ansible.Failure(a, reason(err), err.Error())
	}
	defer unlock()
	runner := &change.Runner{Executor: executor("ansible", logger(streams.Err, slog.LevelInfo)), Watcher: report.Quiet{}, Pause: firstPause, LeaveOthers: !a.WaitForOthers}
	warnings, err := n.apply(ctx, runner, a.Parts)
	doc, _ := applied(n, fileFlags{File: a.Config}, runner, warnings, err)
	var made []change.Change
	for _, r := range runner.Results {
		if r.Status == change.Done {
			made = append(made, r.Change)
		}
	}
	return outcome(a, doc, made, runner.Left, err)
}

func outcome(a ansible.Arguments, doc report.Document, changes, left []change.Change, err error) ansible.Result {
	if err != nil {
		doc.Error = &report.Error{Reason: reason(err), Message: err.Error()}
	}
	return ansible.Outcome(a, doc, changes, left)
}

// hideTemporary takes out of the commands where Ansible put this program for one task.
func hideTemporary(r ansible.Result) {
	self, err := os.Executable()
	if err != nil {
		return
	}
	short := strings.NewReplacer(self, "gluster-setup", filepath.Dir(self)+"/", "")
	if !strings.Contains(filepath.Base(self), ansible.Module) {
		return // installed for good
	}
	for _, c := range append(r.Changes, r.Others...) {
		for i, line := range c.Commands {
			c.Commands[i] = short.Replace(line)
		}
	}
	for i, d := range r.Diff {
		r.Diff[i].Prepared = short.Replace(d.Prepared)
	}
}
