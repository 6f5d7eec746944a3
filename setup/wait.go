package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"brickyard/setup/client"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/pool"
)

// newProbe asks whether volumes serve, and on nodes with bricks whether theirs
// lack anything, until the time for that is over.
func newProbe(cl *cluster.Cluster, s *desired.State) (p *client.Probe, done func(), err error) {
	p = &client.Probe{Pool: s.Pool, Dial: pool.DialTCP, Timeout: 3 * time.Second}
	limit := time.Duration(*cl.MountWait) * time.Second
	if !s.Server || limit == 0 {
		return p, func() {}, nil
	}
	o, done, err := observerOf(cl, s)
	if err != nil {
		return nil, nil, err
	}
	waited := map[string][]string{}
	p.Behind = func(ctx context.Context, volume string) []string {
		if started := glusterdStarted(); started.IsZero() || time.Since(started) > limit {
			if w := waited[volume]; len(w) > 0 {
				slog.Warn("nobody waits any longer; names that were removed may show until the brick is healed", "volume", volume, "for", strings.Join(w, "; "), "mount_wait_seconds", limit.Seconds())
				delete(waited, volume)
			}
			return nil
		}
		missing, err := o.Behind(ctx, volume)
		if err != nil {
			missing = []string{err.Error()}
		}
		waited[volume] = missing
		return missing
	}
	return p, done, nil
}

// waitVolume ends when the volume serves, as wholly as its nodes that are up can. What it waits for goes to stderr,
// which is the journal at boot, when it changes, and to "systemctl status".
func waitVolume(ctx context.Context, streams IO, p *client.Probe, volume string) error {
	var before []string
	for {
		missing := p.Missing(ctx, volume)
		if len(missing) == 0 {
			p.Settle(ctx, volume)
			if before != nil {
				fmt.Fprintf(streams.Err, "volume %s serves\n", volume) //nolint:errcheck // a log line
			}
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted while waiting for %s: %w", strings.Join(missing, "; "), context.Cause(ctx))
		}
		if !slices.Equal(missing, before) {
			before = missing
			words := "waiting for " + strings.Join(missing, "; ")
			fmt.Fprintln(streams.Err, words) //nolint:errcheck // a log line
			if _, err := daemon.SdNotify(false, "STATUS="+words); err != nil {
				return errors.Join(errors.New("tell systemd what is being waited for"), err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}
