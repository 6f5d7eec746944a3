package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"brickyard/setup/client"
)

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
