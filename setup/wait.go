package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"brickyard/setup/client"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/etchosts"
	"brickyard/setup/host"
	"brickyard/setup/recovery"
)

// waiting tells what is waited for, when it changes: on stderr, which is the
// journal at boot, and in "systemctl status".
type waiting struct {
	streams IO
	before  []string
}

func (w *waiting) say(what []string) error {
	if slices.Equal(what, w.before) {
		return nil
	}
	w.before = what
	words := "waiting for " + strings.Join(what, "; ")
	fmt.Fprintln(w.streams.Err, words) //nolint:errcheck // a log line
	if _, err := daemon.SdNotify(false, "STATUS="+words); err != nil {
		return fmt.Errorf("tell systemd what is being waited for: %w", err)
	}
	return nil
}

// waitVolume ends when the volume serves, as wholly as its nodes that are up can, and this node's bricks of it are healed.
func waitVolume(ctx context.Context, streams IO, c *cluster.Cluster, s *desired.State, volume string) error {
	if lost := etchosts.Lost(s); lost != "" {
		fmt.Fprintf(streams.Err, "warning: %s\n", lost) //nolint:errcheck // a log line
	}
	w := &waiting{streams: streams}
	if err := w.serving(ctx, probe(s), volume); err != nil {
		return err
	}
	if err := w.healed(ctx, c, s, volume); err != nil {
		if ctx.Err() != nil {
			return err
		}
		// It is better to serve what is there than nothing.
		fmt.Fprintf(streams.Err, "warning: nobody waits until this node's bricks are healed: %v\n", err) //nolint:errcheck // a log line
	}
	if w.before != nil {
		fmt.Fprintf(streams.Err, "volume %s serves\n", volume) //nolint:errcheck // a log line
	}
	return nil
}

// serving waits as long as it takes.
func (w *waiting) serving(ctx context.Context, p *client.Probe, volume string) error {
	for {
		missing := p.Missing(ctx, volume)
		if len(missing) == 0 {
			p.Settle(ctx, volume)
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted while waiting for %s: %w", strings.Join(missing, "; "), context.Cause(ctx))
		}
		if p.Encrypts != "" {
			return refusedError{fmt.Errorf("%s: %w", p.Encrypts, errEncrypted)}
		}
		if err := w.say(missing); err != nil {
			return err
		}
		sleep(ctx, time.Second)
	}
}

// healed waits until this node's bricks of the volume lack nothing, for
// mount_wait_seconds at most: from then on it is better to serve what is there.
func (w *waiting) healed(ctx context.Context, c *cluster.Cluster, s *desired.State, volume string) (err error) {
	limit := time.Duration(*c.MountWait) * time.Second
	if v, ok := s.Pool.Volume(volume); !ok || limit == 0 || !slices.Contains(v.ServersOf(), s.Node) {
		return nil
	}
	o, done, err := observerOf(c, s)
	if err != nil {
		return err
	}
	defer done()
	o.Only = volume
	look := recovery.LookOnce{Observe: o.Observe, Limit: 10 * time.Second}
	word := filepath.Join(host.RunDir, waitDir, volume)
	defer func() {
		if rerr := os.Remove(word); err == nil && rerr != nil && !os.IsNotExist(rerr) {
			err = rerr
		}
	}()
	var h recovery.HealWait
	told := false
	for began := time.Now(); ; {
		bricks, asked := look.Look(ctx)
		words, warning := h.Next(bricks, asked, time.Now())
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("interrupted while waiting for %s: %w", words, context.Cause(ctx))
		case words != "" && time.Since(began) >= limit:
			warning = fmt.Sprintf("waited %s (mount_wait_seconds) in vain for %s", limit, words)
			words = ""
		}
		if warning != "" {
			fmt.Fprintf(w.streams.Err, "warning: %s: volume %s is mounted all the same, and names that were removed may show until the brick is healed\n", warning, volume) //nolint:errcheck // a log line
		}
		if words == "" {
			return nil
		}
		if err := leaveWord(word, words); err != nil && !told {
			told = true
			fmt.Fprintf(w.streams.Err, "warning: the exporter cannot know that the mount waits: %v\n", err) //nolint:errcheck // a log line
		}
		if err := w.say([]string{words}); err != nil {
			return err
		}
		sleep(ctx, betweenLooks(time.Since(began)))
	}
}

// waitDir is the directory below host.RunDir where the exporter sees that a
// mount is not missing but waits: a file for each volume, written at each look.
const waitDir = "mount-wait"

func leaveWord(path, words string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // the exporter is not root
		return err
	}
	return os.WriteFile(path, []byte(words+"\n"), 0o644) //nolint:gosec // the same
}

// betweenLooks is how long to wait before the next look: each asks every brick of the
// set for the length of its list, while it heals.
func betweenLooks(waited time.Duration) time.Duration {
	return min(max(waited/10, time.Second), 5*time.Second)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// waitsAtBoot reports whether a unit that mounts require is waiting.
func waitsAtBoot(ctx context.Context, unit string) bool {
	manager := host.DBus{}
	if !manager.Running() {
		return false
	}
	active, _, err := manager.State(ctx, unit)
	return err == nil && active == "activating"
}
