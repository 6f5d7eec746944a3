package main

import (
	"context"
	"time"

	"brickyard/setup/bringback"
	"brickyard/setup/journallog"
)

// RecoverCmd brings this node's bricks back.
type RecoverCmd struct {
	fileFlags
	Timeout      time.Duration `help:"Give up waiting after this long. Default: wait as long as it takes."`
	GiveUp       string        `placeholder:"NODE" help:"Say that NODE will not come back with data: nobody waits for its bricks any longer, and it starts empty if it returns."`
	RebuildEmpty string        `placeholder:"VOLUME" help:"Allow VOLUME, which is not ephemeral, to begin anew empty where no complete copy is left."`
}

// Run recovers, after what a person allowed has been told to all nodes.
func (c *RecoverCmd) Run(ctx context.Context, streams IO) error {
	o, done, err := observer(c.fileFlags)
	if err != nil {
		return err
	}
	defer done()
	if err := root("recover"); err != nil {
		return err
	}
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = deadline(ctx, c.Timeout)
		defer cancel()
	}
	log := journallog.New(streams.Err)
	does := executor("recover", log)
	n := &bringback.Node{Observer: o, Executor: &does, Run: commands(&does), Gate: gate(o, &does), Log: log}
	return n.Recover(ctx, bringback.Allowed{GiveUp: c.GiveUp, RebuildEmpty: c.RebuildEmpty, Out: streams.Err})
}
