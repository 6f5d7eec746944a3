package main

import (
	"context"
	"errors"
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
	"brickyard/setup/writer"
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
	g := gate(o, &does)
	switch {
	case !o.State.Server && (c.Release || c.Hold):
		return c.say(streams, o.State.Node, nil) // it claims nothing, and a shutdown must not fail
	case !o.State.Server:
		reasons, err := servesUnnamed(ctx, o.State, o.Cluster.Source)
		if err != nil {
			return fmt.Errorf("cannot tell whether this node may be stopped: %w", err)
		}
		return c.say(streams, o.State.Node, reasons)
	case c.Release:
		return inTurn(ctx, does, func() error { return g.Release(ctx) })
	case gluster.EncryptsManagement() && c.Hold:
		return nil // nobody can be asked, and a shutdown must not fail
	case gluster.EncryptsManagement():
		return c.say(streams, o.State.Node, []string{secureaccess.Err.Error()})
	case c.Hold:
		return c.hold(ctx, streams, o)
	}
	var reasons []string
	for end := time.Now().Add(c.Wait); ; {
		reasons, err = c.ask(ctx, g, does)
		if err != nil {
			return fmt.Errorf("cannot tell whether this node may be stopped: %w", err)
		}
		if len(reasons) == 0 || time.Now().After(end) {
			break
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(jitter(time.Second)):
		}
	}
	return c.say(streams, o.State.Node, reasons)
}

// ask asks the gate; a node that another program changes must not be stopped.
func (c *OkToStopCmd) ask(ctx context.Context, g *stop.Gate, does change.Executor) (reasons []string, err error) {
	if c.Look {
		return g.Ask(ctx, false)
	}
	err = inTurn(ctx, does, func() (err error) {
		reasons, err = g.Ask(ctx, true)
		return err
	})
	if held, ok := errors.AsType[*writer.HeldError](err); ok && ctx.Err() == nil {
		return []string{held.Error()}, nil
	}
	return reasons, err
}

// turnTime is how long ok-to-stop waits for a program that changes this node: a turn that takes longer changes much, or hangs.
const turnTime = 30 * time.Second

// inTurn does f in a turn that comes soon.
func inTurn(ctx context.Context, does change.Executor, f func() error) error {
	soon, cancel := context.WithTimeoutCause(ctx, turnTime, errBusy)
	defer cancel()
	return does.Turn(soon, nil, f)
}

var errBusy = fmt.Errorf("it did not end within %s", turnTime) //nolint:gochecknoglobals // a constant

func (c *OkToStopCmd) say(streams IO, node string, reasons []string) error {
	if c.json() {
		if err := report.JSON(streams.Out, okDocument{Node: node, OK: len(reasons) == 0, Reasons: append([]string{}, reasons...)}); err != nil {
			return err
		}
	} else if len(reasons) == 0 {
		fmt.Fprintf(streams.Out, "%s may be stopped now\n", node) //nolint:errcheck // the exit status counts
	} else {
		fmt.Fprintf(streams.Out, "%s must not be stopped now:\n  %s\n", node, strings.Join(reasons, "\n  ")) //nolint:errcheck // as above
	}
	if len(reasons) > 0 {
		return exitStatus(exitRefused)
	}
	return nil
}

// bootTime is how long a shutdown waits for nodes that do not answer: long
// enough for one that is rebooting, too short to hurt when all are switched off.
const bootTime = time.Minute

// hold waits, within the limit, while others need this node's complete copy.
// It never fails a shutdown.
func (c *OkToStopCmd) hold(ctx context.Context, streams IO, o *actual.Observer) error {
	ctx, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	began, said := time.Now(), ""
	for {
		sets, err := o.Observe(ctx)
		if err != nil {
			return nil //nolint:nilerr // glusterd is gone: nobody heals from here any more
		}
		var words []string
		for _, h := range stop.Hold(sets) {
			if !h.Gone || time.Since(began) < bootTime {
				words = append(words, h.For)
			}
		}
		waiting := strings.Join(words, ", ")
		switch {
		case waiting == "" && said == "":
			return nil
		case waiting == "":
			fmt.Fprintf(streams.Err, "<4>gluster-setup: shutdown goes on after %.0f s\n", time.Since(began).Seconds()) //nolint:errcheck // a log line
			return nil
		case waiting != said:
			said = waiting
			fmt.Fprintf(streams.Err, "<4>gluster-setup: shutdown waits up to %s: the only complete copy is here, and needed for %s\n", c.Limit, waiting) //nolint:errcheck // a log line
		}
		select {
		case <-ctx.Done():
			fmt.Fprintf(streams.Err, "<4>gluster-setup: shutdown goes on after %s although %s still needs this node\n", c.Limit, waiting) //nolint:errcheck // a log line
			return nil
		case <-time.After(time.Second):
		}
	}
}

// gate is the gate of this node, whose words are changes of a program.
func gate(o *actual.Observer, does *change.Executor) *stop.Gate {
	return &stop.Gate{Node: o.State.Node, Pool: o.State.Pool, Local: o.Local, Run: commands(does), Look: o.Look, Dial: pool.DialTCP, DialHost: pool.DialHost, Moment: stop.ThisMoment}
}
