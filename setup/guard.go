package main

import (
	"context"

	"brickyard/setup/desired"
	"brickyard/setup/guard"
	"brickyard/setup/journallog"
)

// GuardCmd looks at this node's bricks, at glusterd's store and at the names in
// /etc/hosts before glusterd starts, and at the bricks after it has stopped; the
// units that apply installs call it.
type GuardCmd struct {
	fileFlags
	Stopped   bool              `xor:"part" help:"glusterd has stopped: leave the marker of a clean stop beside each brick."`
	Store     bool              `xor:"part" help:"Look at glusterd's store only: move volumes aside that glusterd could not read. Needs no cluster file."`
	Hosts     bool              `xor:"part" help:"Put the nodes' lines back into /etc/hosts where something has taken them out, and look at nothing else."`
	Disk      map[string]string `placeholder:"VOLUME=PATH" help:"Look at the brick of VOLUME on the disk mounted at PATH. Needs no cluster file, so that no mistake in it keeps a brick that lost power from being seen."`
	Directory map[string]string `placeholder:"VOLUME=PATH" help:"The same of a brick in the directory PATH."`
}

// node is what the flags or the cluster file say of this node's lasting bricks.
func (c *GuardCmd) node() (*desired.State, error) {
	if len(c.Disk)+len(c.Directory) > 0 {
		return desired.Lasting(c.Disk, c.Directory), nil
	}
	cl, err := c.load()
	if err != nil {
		return nil, err
	}
	return c.self(cl)
}

// part is what the flags name.
func (c *GuardCmd) part() guard.Part {
	switch {
	case c.Store:
		return guard.Store
	case c.Hosts:
		return guard.Hosts
	case c.Stopped:
		return guard.AfterStop
	default:
		return guard.BeforeStart
	}
}

// Run withholds bricks that may have lost something, and leaves word of it.
func (c *GuardCmd) Run(ctx context.Context, streams IO) error {
	var s *desired.State
	if !c.Store {
		var err error
		if s, err = c.node(); err != nil {
			return err
		}
	}
	if err := root("guard"); err != nil {
		return err
	}
	return guard.Run(ctx, c.part(), s, journallog.New(streams.Err))
}
