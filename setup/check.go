package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
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
	"brickyard/setup/writer"
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
		return change.Refused(fmt.Errorf("%s has no bricks: run check on one of %s", s.Node, strings.Join(serverNames(s), ", ")))
	}
	if err := host.UsualPlace(); err != nil {
		return err
	}
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = deadline(ctx, c.Timeout)
		defer cancel()
	}
	unlock, err := checkLock()
	if err != nil {
		return err
	}
	defer unlock()
	var failed error
	if !c.json() {
		o.Found = func(volume string, set int, bricks []gluster.Brick, d check.Difference) {
			failed = errors.Join(failed, check.WriteDifference(streams.Out, volume, set, bricks, d))
		}
	}
	results, err := c.compare(ctx, s, volumes, o)
	if err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	return c.end(streams, s, results)
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

// compare compares the sets of volumes one after the other.
func (c *CheckCmd) compare(ctx context.Context, s *desired.State, volumes []desired.Volume, o check.Options) ([]check.SetResult, error) {
	self, _ := s.Pool.Server(s.Node)
	results := []check.SetResult{}
	down := notStarted(ctx)
	for _, v := range volumes {
		name := v.Spec.Name
		sets, err := check.SetsOf(name, s.IPv6)
		if err != nil {
			return results, err
		}
		for i, set := range sets {
			if c.Own && !self.Is([]string{set.Bricks[0].Host}) {
				continue
			}
			if why := down[name]; why != "" {
				results = append(results, check.Skipped(name, i, o, why))
				continue
			}
			results = append(results, check.CompareSet(ctx, name, i, set, o))
		}
	}
	return results, os.RemoveAll(o.Dir)
}

// notStarted says of volumes of which no brick runs why that is so. Where glusterd does not answer the bricks are asked all the same.
func notStarted(ctx context.Context) map[string]string {
	local := gluster.NewClient("unix", "")
	defer local.Close() //nolint:errcheck // it was only read from
	volumes, err := local.Volumes(ctx)
	if err != nil {
		return nil
	}
	down := map[string]string{}
	for _, v := range volumes {
		switch v.Status {
		case gluster.Started:
		case gluster.Stopped:
			down[v.Name] = fmt.Sprintf("the volume is stopped, and so are its bricks: \"gluster volume start %s\" or \"gluster-setup apply\" starts them", v.Name)
		default:
			down[v.Name] = fmt.Sprintf("the volume was never started, and has no contents: \"gluster volume start %s\" or \"gluster-setup apply\" starts it", v.Name)
		}
	}
	return down
}

// end leaves word of the results and prints them. The record is that of checks alone, of which one runs on a node: it waits for nobody,
// so that what hours of comparing found is kept also when a check is interrupted beside a program that hangs.
func (c *CheckCmd) end(streams IO, s *desired.State, results []check.SetResult) error {
	old, err := check.ReadRecord(host.CheckRecord)
	if err != nil {
		fmt.Fprintf(streams.Err, "the record of former checks is lost: %v\n", err)
	}
	record := old.With(results, time.Now(), func(volume string, set int) bool {
		v, ok := s.Pool.Volume(volume)
		// The volume may have more sets than the cluster file.
		return ok && (set <= len(v.Sets) || slices.ContainsFunc(results, func(r check.SetResult) bool { return r.Volume == volume && r.Set == set }))
	})
	if err := record.Write(host.CheckRecord); err != nil {
		return err
	}
	complete, different := check.Sum(results)
	if c.json() {
		err = report.JSON(streams.Out, checkDocument{Node: s.Node, Equal: complete && !different, Complete: complete, Sets: results})
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

// checkLock keeps two checks on one node apart: each would slow the clients.
func checkLock() (unlock func(), err error) {
	unlock, err = writer.TryAlone(host.RunDir, "check")
	if held, ok := errors.AsType[*writer.HeldError](err); ok {
		return nil, change.Refused(fmt.Errorf("another check runs on this node (%s): wait for its end: %w", held.Path, err))
	}
	return unlock, err
}
