// Package mountwait has a client mount wait until its volume serves, and until
// this node's bricks of it are healed.
package mountwait

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"brickyard/setup/actual"
	"brickyard/setup/change"
	"brickyard/setup/client"
	"brickyard/setup/secureaccess"
)

// Wait is what a mount of one volume waits for.
type Wait struct {
	Volume string
	Probe  *client.Probe
	// Observe looks at this node's bricks of the volume; Limit is how long these are waited for, 0 for not at all.
	Observe func(context.Context) ([]actual.Local, error)
	Limit   time.Duration
	// Dir is where the exporter sees that a mount is not missing but waits: a file for each volume, written at each
	// look.
	Dir string
	// Out is told what is waited for, when it changes, and what is wrong: it is the journal at boot.
	Out io.Writer

	said []string // what was last said to be waited for
}

// Until ends when the volume serves, as wholly as its nodes that are up can, and this node's bricks of it are healed.
func (w *Wait) Until(ctx context.Context) error {
	if err := w.serving(ctx); err != nil {
		return err
	}
	if err := w.healed(ctx); err != nil {
		if ctx.Err() != nil {
			return err
		}
		// It is better to serve what is there than nothing.
		w.warn("nobody waits until this node's bricks are healed: %v", err)
	}
	if w.said != nil {
		fmt.Fprintf(w.Out, "volume %s serves\n", w.Volume)
	}
	return nil
}

func (w *Wait) warn(format string, args ...any) { fmt.Fprintf(w.Out, "warning: "+format+"\n", args...) }

// say tells what is waited for, here and in "systemctl status".
func (w *Wait) say(what []string) error {
	if slices.Equal(what, w.said) {
		return nil
	}
	w.said = what
	words := "waiting for " + strings.Join(what, "; ")
	fmt.Fprintln(w.Out, words)
	if _, err := daemon.SdNotify(false, "STATUS="+words); err != nil {
		return fmt.Errorf("tell systemd what is being waited for: %w", err)
	}
	return nil
}

// serving waits as long as it takes.
func (w *Wait) serving(ctx context.Context) error {
	for {
		missing := w.Probe.Missing(ctx, w.Volume)
		if len(missing) == 0 {
			w.Probe.Settle(ctx, w.Volume)
			return nil
		}
		if ctx.Err() != nil {
			return interrupted(ctx, strings.Join(missing, "; "))
		}
		if w.Probe.Encrypts != "" {
			return change.Refused(fmt.Errorf("%s: %w", w.Probe.Encrypts, secureaccess.Err))
		}
		if err := w.say(missing); err != nil {
			return err
		}
		sleep(ctx, time.Second)
	}
}

// healed waits until this node's bricks of the volume lack nothing, for the limit at most: from then on it is better
// to serve what is there.
func (w *Wait) healed(ctx context.Context) (err error) {
	if w.Limit == 0 {
		return nil
	}
	look := lookOnce{observe: w.Observe, limit: 10 * time.Second}
	word := filepath.Join(w.Dir, w.Volume)
	defer func() {
		if rerr := os.Remove(word); err == nil && rerr != nil && !os.IsNotExist(rerr) {
			err = rerr
		}
	}()
	var h healWait
	told := false
	for began := time.Now(); ; {
		bricks, asked := look.look(ctx)
		words, warning := h.next(bricks, asked, time.Now())
		switch {
		case ctx.Err() != nil:
			return interrupted(ctx, words)
		case words != "" && time.Since(began) >= w.Limit:
			warning = fmt.Sprintf("waited %s (mount_wait_seconds) in vain for %s", w.Limit, words)
			words = ""
		}
		if warning != "" {
			w.warn("%s: volume %s is mounted all the same, and names that were removed may show until the brick is healed",
				warning, w.Volume)
		}
		if words == "" {
			return nil
		}
		if err := leaveWord(word, words); err != nil && !told {
			told = true
			w.warn("the exporter cannot know that the mount waits: %v", err)
		}
		if err := w.say([]string{words}); err != nil {
			return err
		}
		sleep(ctx, untilNextLook(time.Since(began)))
	}
}

func interrupted(ctx context.Context, words string) error {
	return fmt.Errorf("interrupted while waiting for %s: %w", words, context.Cause(ctx))
}

func leaveWord(path, words string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // the exporter is not root
		return err
	}
	return os.WriteFile(path, []byte(words+"\n"), 0o644) //nolint:gosec // the same
}

// untilNextLook is how long to wait before the next look: each asks every brick of the set for the length of its
// list, while it heals.
func untilNextLook(waited time.Duration) time.Duration {
	return min(max(waited/10, time.Second), 5*time.Second)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
