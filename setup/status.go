package main

import (
	"context"
	"time"

	"brickyard/gluster"
	"brickyard/setup/client"
	"brickyard/setup/desired"
	"brickyard/setup/etchosts"
	"brickyard/setup/host"
	"brickyard/setup/pool"
	"brickyard/setup/report"
	"brickyard/setup/status"
)

// StatusCmd shows what this node sees.
type StatusCmd struct {
	fileFlags
	outputFlags
	Timeout time.Duration `default:"5s" help:"Give up on one server or brick after this long."`
}

// Run prints the status; exit code 1 says that something is wrong.
func (c *StatusCmd) Run(ctx context.Context, streams IO) error {
	cl, err := c.load()
	if err != nil {
		return err
	}
	s, err := c.self(cl)
	if err != nil {
		return err
	}
	if err := root("status"); err != nil {
		return err
	}
	g := &status.Gatherer{Cluster: cl, State: s, Local: gluster.NewClient("unix", ""), Dial: pool.DialTCP, Timeout: c.Timeout, Encrypted: gluster.EncryptsManagement(), Journal: host.RecoveryRecord, Checked: host.CheckRecord, Lost: etchosts.Lost(s), Left: func() ([]string, error) { return client.Left(s) }}
	if s.Server {
		g.Elsewhere = host.FindElsewhere
	}
	if s.ManageHosts {
		g.Rewriters = func() ([]string, error) { return host.Rewriters("") }
	}
	h, err := host.New(s, &desired.Rendered{}, cl.Source)
	if err != nil {
		return err
	}
	g.Names = h.Names
	if g.Applied, err = lookApplied(cl, s); err != nil {
		return err
	}
	g.Departed = func(ctx context.Context) ([]string, error) { return departedWords(ctx, s, cl.Source) }
	st := g.Gather(ctx)
	if err := g.Local.Close(); err != nil {
		return err
	}
	if c.json() {
		err = report.JSON(streams.Out, st)
	} else {
		err = st.WriteText(streams.Out)
	}
	if err == nil && !st.Healthy {
		return exitStatus(exitError)
	}
	return err
}
