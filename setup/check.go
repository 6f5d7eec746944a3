package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/check"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/host"
	"brickyard/setup/report"
)

// CheckCmd compares the bricks of replica sets.
type CheckCmd struct {
	fileFlags
	outputFlags
	Volumes   []string      `arg:"" optional:"" name:"volume" help:"The volumes. Default: all of the cluster file."`
	Scheduled bool          `help:"As the timer does: --own, and --content, --rate and --bandwidth as the cluster file has them. Nothing if it asks for no regular check."`
	Own       bool          `help:"Only replica sets whose first brick is on this node: run so on all servers, every set is compared once. The timer does."`
	Content   bool          `help:"Read and compare the contents of files, too."`
	Rate      float64       `default:"1000" help:"Compare at most so many names a second. 0: as many as possible."`
	Bandwidth string        `default:"16m" help:"With --content: read at most so much a second from each brick, such as 512k or 1g. 0: as much as possible."`
	Max       int           `default:"1000" help:"Print and remember at most so many differences of a replica set; all are counted."`
	Timeout   time.Duration `help:"Stop after this long, and say what was not compared. Default: never."`
}

// checkDocument is what check prints with --output json.
type checkDocument struct {
	Node     string            `json:"node"`
	Equal    bool              `json:"equal"`
	Complete bool              `json:"complete"`
	Sets     []check.SetResult `json:"sets"`
}

// Run exits with 0 when everything was compared and is equal, with 3 when
// something differs, with 4 when nothing that was compared differs and not
// everything could be, or waits to be healed.
func (c *CheckCmd) Run(ctx context.Context, streams IO) error {
	cl, err := c.load()
	if err != nil {
		return err
	}
	s, err := c.self(cl)
	if err != nil {
		return err
	}
	o, err := c.options(cl)
	if err != nil {
		return err
	}
	if c.Scheduled && cl.Check == nil {
		fmt.Fprintf(streams.Err, "%s asks for no regular check\n", c.File)
		return nil
	}
	volumes, err := c.volumes(s)
	if err != nil {
		return err
	}
	if err := root("check"); err != nil {
		return err
	}
	if !s.Server {
		servers := strings.Join(serverNames(s), ", ")
		return change.Refused(fmt.Errorf("%s has no bricks: run check on one of %s", s.Node, servers))
	}
	if err := host.UsualPlace(); err != nil {
		return err
	}
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = deadline(ctx, c.Timeout)
		defer cancel()
	}
	var failed error
	if !c.json() {
		o.Found = func(volume string, set int, bricks []gluster.Brick, d check.Difference) {
			failed = errors.Join(failed, check.WriteDifference(streams.Out, volume, set, bricks, d))
		}
	}
	n := check.Node{State: s, Own: c.Own, RunDir: host.RunDir, Record: host.CheckRecord, Warn: streams.Err}
	results, err := n.Compare(ctx, volumes, o)
	if err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	return c.end(streams, s.Node, results)
}

// options says how to compare.
func (c *CheckCmd) options(cl *cluster.Cluster) (check.Options, error) {
	o := check.Options{Content: c.Content, Rate: c.Rate, Listed: c.Max, Dir: filepath.Join(host.RunDir, "check")}
	if c.Scheduled {
		c.Own = true
		if k := cl.Check; k != nil {
			o.Content, o.Rate, o.Bandwidth = k.Content, float64(*k.Rate), float64(k.Bandwidth)
		}
		return o, nil
	}
	if !(c.Rate >= 0) || math.IsInf(c.Rate, 1) {
		return o, fmt.Errorf("--rate %g: write names a second, or 0 for as many as possible", c.Rate)
	}
	if c.Max < 0 {
		return o, fmt.Errorf("--max %d: write a number of differences", c.Max)
	}
	if c.Bandwidth != "0" {
		bandwidth, err := cluster.ParseSize(c.Bandwidth)
		if err != nil {
			return o, fmt.Errorf("--bandwidth: %w: write bytes a second with k, m, g or t, such as 16m, or 0", err)
		}
		o.Bandwidth = float64(bandwidth)
	}
	return o, nil
}

// end prints the results.
func (c *CheckCmd) end(streams IO, node string, results []check.SetResult) (err error) {
	complete, different := check.Sum(results)
	if c.json() {
		doc := checkDocument{Node: node, Equal: complete && !different, Complete: complete, Sets: results}
		err = report.JSON(streams.Out, doc)
	} else {
		err = check.WriteSummary(streams.Out, results)
	}
	compared := slices.ContainsFunc(results, func(r check.SetResult) bool { return r.Entries > 0 })
	switch {
	case err != nil:
		return err
	case different:
		return exitStatus(exitRefused)
	case complete:
		return nil
	case compared:
		return exitStatus(exitPartly)
	default:
		return exitStatus(exitError)
	}
}

// volumes are those that were named, or all.
func (c *CheckCmd) volumes(s *desired.State) ([]desired.Volume, error) {
	if len(c.Volumes) == 0 {
		return s.Pool.Volumes, nil
	}
	var out []desired.Volume
	for _, name := range c.Volumes {
		v, ok := s.Pool.Volume(name)
		if !ok {
			return nil, fmt.Errorf("volume %s is not in %s", name, c.File)
		}
		out = append(out, v)
	}
	return out, nil
}

func serverNames(s *desired.State) []string {
	var names []string
	for _, n := range s.Pool.Servers {
		names = append(names, n.Name)
	}
	return names
}
