package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What happens to the server from which another one is just being filled.

const selfHealDaemon = "glustershd"

// source restarts sink and stops its refill half way, by freezing the self-heal
// daemon that does it. Then something happens to the source.
func (d *driver) source(ctx context.Context, source, sink string, then func(context.Context, string, string) (time.Time, error)) (time.Time, error) {
	const tries = 5
	for try := 1; ; try++ {
		done, err := d.freeze(ctx, source, sink)
		if err != nil {
			return time.Time{}, err
		}
		if !done {
			return then(ctx, source, sink)
		}
		if try == tries {
			return time.Time{}, errors.New("the refill was faster than this test, again and again")
		}
		d.say("   it was faster than this test: once more")
		if err := d.signal(ctx, source, unix.SIGCONT, selfHealDaemon); err != nil {
			return time.Time{}, err
		}
		if _, err := d.healed(ctx); err != nil {
			return time.Time{}, err
		}
	}
}

// freeze restarts sink and stops the self-heal daemon of source when it has
// refilled a tenth of it; done says that it was complete by then.
func (d *driver) freeze(ctx context.Context, source, sink string) (done bool, err error) {
	if err := d.stop(ctx, sink); err != nil {
		return false, err
	}
	// Looking for them takes longer than a refill may.
	healers, err := d.find(ctx, source, selfHealDaemon)
	if err != nil {
		return false, err
	}
	if err := d.start(ctx, sink); err != nil {
		return false, err
	}
	err = d.until(ctx, sink, func(dir string) bool {
		names, err := os.ReadDir(dir + basePath)
		return err == nil && len(names) >= d.Files/10
	})
	if err != nil {
		return false, err
	}
	err = send(healers, unix.SIGSTOP)
	for end := time.Now().Add(patience); err != nil && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		// glusterd may have ended it meanwhile, and begun another one.
		err = d.signal(ctx, source, unix.SIGSTOP, selfHealDaemon)
	}
	if err != nil {
		return false, err
	}
	time.Sleep(500 * time.Millisecond)
	pid, err := d.pid(ctx, sink)
	if err != nil {
		return false, err
	}
	names, empty, err := halfWritten(root(pid) + basePath)
	d.say("   half way: %s has %d of %d names, %d of them empty", sink, names, d.Files, empty)
	return names >= d.Files && empty == 0, err
}

func halfWritten(dir string) (names, empty int, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		st, serr := os.Stat(filepath.Join(dir, e.Name()))
		if serr != nil {
			return names, empty, serr
		}
		names++
		if st.Size() == 0 {
			empty++
		}
	}
	return names, empty, err
}

// restartHeld restarts the source cleanly: its shutdown must wait until the
// refill, which goes on after a while, is complete.
func (d *driver) restartHeld(ctx context.Context, source, sink string) (time.Time, error) {
	stopped := make(chan error, 1)
	go func() { stopped <- d.stop(ctx, source) }()
	// Podman starts nothing more on a host that it stops.
	pid, err := d.pid(ctx, source)
	if err != nil {
		return time.Time{}, err
	}
	var out string
	for end := time.Now().Add(patience); !strings.Contains(out, "shutdown waits"); {
		select {
		case err := <-stopped:
			return time.Time{}, errors.Join(errors.New("the shutdown of the only complete copy did not wait"), err)
		case <-time.After(time.Second):
		}
		journal, err := exec.CommandContext(ctx, "nsenter", "-t", strconv.Itoa(pid), "-m", "-p", "journalctl", "-b", "-u", "gluster-setup-hold", "-o", "cat", "--no-pager").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("read the journal of %s: %w", source, err)
		}
		if out = string(journal); time.Now().After(end) {
			return time.Time{}, fmt.Errorf("the shutdown waits and does not say why: %s", out)
		}
	}
	time.Sleep(2 * time.Second)
	d.say("   %s: %s", source, strings.TrimSpace(out[strings.Index(out, "gluster-setup: shutdown"):]))
	if err := d.signal(ctx, source, unix.SIGCONT, selfHealDaemon); err != nil {
		return time.Time{}, err
	}
	began := time.Now()
	if err := <-stopped; err != nil {
		return time.Time{}, err
	}
	d.say("   %s went down %.1f s after the refill went on", source, since(began))
	if pid, err = d.pid(ctx, sink); err != nil {
		return time.Time{}, err
	}
	names, empty, err := halfWritten(root(pid) + basePath)
	if err != nil || names != d.Files || empty > 0 {
		return time.Time{}, fmt.Errorf("%s went down when %s had %d of %d files, %d of them empty: %w", source, sink, names, d.Files, empty, err)
	}
	on := time.Now()
	return on, errors.Join(d.start(ctx, source), d.booted(ctx, source))
}

// hideSeconds is how long a half-filled brick may be shown when its source died, and hideLooks how many looks at the
// cluster that may be on a machine that does many other things. Recover looks twice a second and has to ask the dead
// node's daemons first.
const (
	hideSeconds = 5
	hideLooks   = 10
)

// die kills the source. The half-filled brick must go offline, and be emptied
// when the source is back and empty too.
func (d *driver) die(ctx context.Context, source, sink string) (time.Time, error) {
	pid, err := d.pid(ctx, sink)
	if err != nil {
		return time.Time{}, err
	}
	asked := time.Now()
	if _, _, err := d.status(ctx, sink, "gluster-setup", "status"); err != nil {
		return time.Time{}, err
	}
	limit := max(hideSeconds, hideLooks*since(asked))
	if err := d.kill(ctx, source); err != nil {
		return time.Time{}, err
	}
	killed := time.Now()
	err = d.until(ctx, sink, func(string) bool {
		bricks, err := processes(pid, "/usr/sbin/glusterfsd", "/cache_server")
		return err == nil && len(bricks) == 0
	})
	took := since(killed)
	d.half = halfFilled{d.volumes[0].name, seconds(time.Now())}
	d.say("   %.1f s after the death of its source what %s held was no longer shown", took, sink)
	if err == nil && took > limit {
		err = fmt.Errorf("%s showed names without contents for %.1f s, more than %.1f", sink, took, limit)
	}
	on := time.Now()
	return on, errors.Join(err, d.start(ctx, source), d.booted(ctx, source))
}
