package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/change"
	"brickyard/setup/pool"
	"brickyard/setup/report"
	"brickyard/setup/secureaccess"
	"brickyard/setup/stop"
)

// OkToStopCmd is the gate for rolling reboots and updates.
type OkToStopCmd struct {
	fileFlags
	outputFlags
	Look    bool          `xor:"mode" help:"Only look: leave no word that this node is about to stop."`
	Release bool          `xor:"mode" help:"This node does not stop after all, or is back: take its word back."`
	Hold    bool          `xor:"mode" help:"Wait while other bricks are being filled from the only complete copy, which is here; the unit that apply installs calls it at shutdown."`
	Wait    time.Duration `help:"Wait up to this long until the node may be stopped."`
	Limit   time.Duration `default:"5m" help:"With --hold: the longest wait."`
}

// okDocument is what ok-to-stop prints with --output json.
type okDocument struct {
	Node    string   `json:"node"`
	OK      bool     `json:"ok"`
	Reasons []string `json:"reasons"`
}

// Run exits with 0 when the node may be stopped, with 3 when not.
func (c *OkToStopCmd) Run(ctx context.Context, streams IO) error {
	o, done, err := observer(c.fileFlags)
	if err != nil {
		return err
	}
	defer done()
	if err := root("ok-to-stop"); err != nil {
		return err
	}
	does := executor("ok-to-stop", logger(streams.Err, slog.LevelWarn))
	turns := stop.Turns{Gate: gate(o, &does), Executor: &does}
	var reasons []string
	switch {
	case !o.State.Server && (c.Release || c.Hold): // it claims nothing, and a shutdown must not fail
	case !o.State.Server:
		if reasons, err = servesUnnamed(ctx, o.State, o.Cluster.Source); err != nil {
			return fmt.Errorf("cannot tell whether this node may be stopped: %w", err)
		}
	case c.Release:
		return turns.Release(ctx)
	case gluster.EncryptsManagement() && c.Hold:
		return nil // nobody can be asked, and a shutdown must not fail
	case gluster.EncryptsManagement():
		reasons = []string{secureaccess.Err.Error()}
	case c.Hold:
		stop.HoldUp(ctx, o.Observe, c.Limit, streams.Err)
		return nil
	default:
		if reasons, err = turns.Ask(ctx, !c.Look, c.Wait); err != nil {
			return err
		}
	}
	return c.say(streams, o.State.Node, reasons)
}

func (c *OkToStopCmd) say(streams IO, node string, reasons []string) error {
	if c.json() {
		doc := okDocument{Node: node, OK: len(reasons) == 0, Reasons: append([]string{}, reasons...)}
		if err := report.JSON(streams.Out, doc); err != nil {
			return err
		}
	} else if len(reasons) == 0 {
		fmt.Fprintf(streams.Out, "%s may be stopped now\n", node)
	} else {
		fmt.Fprintf(streams.Out, "%s must not be stopped now:\n  %s\n", node, strings.Join(reasons, "\n  "))
	}
	if len(reasons) > 0 {
		return exitStatus(exitRefused)
	}
	return nil
}

// gate is the gate of this node, whose words are changes of a program.
func gate(o *actual.Observer, does *change.Executor) *stop.Gate {
	return &stop.Gate{
		Node: o.State.Node, Pool: o.State.Pool, Local: o.Local, Run: commands(does), Look: o.Look,
		Dial: pool.DialTCP, DialHost: pool.DialHost, Moment: stop.ThisMoment,
	}
}
