package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"brickyard/setup/client"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/report"
	"brickyard/setup/verify"
)

// VerifyCmd is the replication test.
type VerifyCmd struct {
	fileFlags
	outputFlags
	Mount    string        `help:"Test only the mount at this path. Default: all mounts of this node."`
	Rounds   int           `default:"${verifyRounds}" help:"Files that each node makes and removes."`
	Timeout  time.Duration `default:"${verifyTimeout}" help:"Give up waiting for the other client nodes to start their verify after this long."`
	Patience time.Duration `default:"${verifyPatience}" help:"A file that takes longer than this to appear or to vanish is a failure."`
	Alone    bool          `help:"Do not wait for other nodes: only write, read and remove here."`
}

// verifyDocument is what verify prints with --output json.
type verifyDocument struct {
	Node   string          `json:"node"`
	OK     bool            `json:"ok"`
	Mounts []verify.Result `json:"mounts"`
	Errors []string        `json:"errors"`
}

// Run tests this node's mounts one after the other, in the order of the
// cluster file, which is the same on all nodes.
func (c *VerifyCmd) Run(ctx context.Context, streams IO) error {
	cl, err := c.load()
	if err != nil {
		return err
	}
	s, err := c.self(cl)
	if err != nil {
		return err
	}
	mounts := slices.DeleteFunc(slices.Clone(cl.MountsOn(s.Node)), func(m cluster.Mount) bool { return c.Mount != "" && m.Path != filepath.Clean(c.Mount) })
	if len(mounts) == 0 {
		if c.Mount != "" {
			return fmt.Errorf("%s has no mount %s in %s", s.Node, c.Mount, c.File)
		}
		return fmt.Errorf("%s mounts no volume: start verify on the nodes listed under mounts in %s", s.Node, c.File)
	}
	doc := verifyDocument{Node: s.Node, OK: true, Mounts: []verify.Result{}, Errors: []string{}}
	var failed error
	for i, m := range mounts {
		result, err := verify.Run(ctx, c.config(s, m, streams))
		doc.Mounts = append(doc.Mounts, result)
		if err != nil {
			doc.OK, doc.Errors, failed = false, append(doc.Errors, err.Error()), errors.Join(failed, err)
		}
		var notReplicated *verify.FailedError
		if !c.json() && (err == nil || errors.As(err, &notReplicated)) {
			if i > 0 {
				fmt.Fprintln(streams.Out) //nolint:errcheck // the report's own error counts
			}
			if err := result.WriteText(streams.Out); err != nil {
				return err
			}
		}
	}
	if !c.json() {
		return failed
	}
	if err := report.JSON(streams.Out, doc); err != nil {
		return err
	}
	if failed != nil {
		return exitStatus(exitError)
	}
	return nil
}

func (c *VerifyCmd) config(s *desired.State, m cluster.Mount, streams IO) verify.Config {
	var peers []string
	if !c.Alone {
		peers = slices.DeleteFunc(slices.Clone(m.Nodes), func(n string) bool { return n == s.Node })
	}
	return verify.Config{
		Declared: func(ctx context.Context) error { return declared(ctx, s, m.Path) },
		Node:     s.Node, Peers: peers, Path: m.Path, Volume: m.Volume, Rounds: c.Rounds, Timeout: c.Timeout, Patience: c.Patience,
		Waiting: func(what string) {
			fmt.Fprintln(streams.Err, what) //nolint:errcheck // progress for a person
		},
	}
}

// declared is an error when what is mounted on a path is not the volume that the cluster file means.
func declared(ctx context.Context, s *desired.State, path string) error {
	i := slices.IndexFunc(s.ClientMounts, func(m desired.ClientMount) bool { return m.Path == path })
	mnt, err := machine.MountAt(path)
	if err != nil || mnt == nil || i < 0 {
		return err // that nothing is mounted there is verify's own to say
	}
	c := client.Client{State: s, Exec: machine.Run, Probe: probe(s)}
	if problem, remedy := c.Other(ctx, s.ClientMounts[i], mnt); problem != "" {
		return fmt.Errorf("mount %s: %s: %s", path, problem, remedy)
	}
	return nil
}
