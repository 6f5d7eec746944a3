package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// steps are in an order in which each begins healed, whichever of those before are left out.
func (d *driver) steps() []step {
	cache1, cache2 := d.servers[0], d.servers[1]
	return []step{
		{
			name: "restart cache1", rest: "the rolling restart restarts both, one after the other, and each must heal before the next",
			do: func(ctx context.Context) (time.Time, error) { return d.restart(ctx, cache1) },
		},
		{
			name: "restart cache2", rest: "as restart cache1",
			do: func(ctx context.Context) (time.Time, error) { return d.restart(ctx, cache2) },
		},
		{name: "restart both clients", do: d.restartClients},
		{name: "kill -9 a brick in memory", do: func(ctx context.Context) (time.Time, error) {
			return time.Now(), d.signal(ctx, cache1, unix.SIGKILL, "/usr/sbin/glusterfsd", "/cache_server")
		}},
		{
			name: "kill -9 a brick on disk", rest: "recover starts it as it starts one in memory",
			do: func(ctx context.Context) (time.Time, error) {
				return time.Now(), d.signal(ctx, cache2, unix.SIGKILL, "/usr/sbin/glusterfsd", "/web_server")
			},
		},
		{name: "kill -9 glusterd", do: func(ctx context.Context) (time.Time, error) {
			return time.Now(), d.signal(ctx, cache2, unix.SIGKILL, "/usr/sbin/glusterd")
		}},
		{name: "restart cache2, and again within its recovery", do: func(ctx context.Context) (time.Time, error) { return d.twice(ctx, cache2) }},
		{name: "restart cache1 while cache2 heals from it", do: func(ctx context.Context) (time.Time, error) { return d.source(ctx, cache1, cache2, d.restartHeld) }},
		{name: "kill cache1 while cache2 heals from it", empties: memory, do: func(ctx context.Context) (time.Time, error) {
			// Two copies without quorum cannot stand this while they are written: what
			// one of them missed and what the other missed then meet. Tried: 29 of the entries
			// that the writers had changed were never healed again, and "heal
			// web info split-brain" named 22 of them.
			web := d.volumes[1].name
			if err := d.idle(ctx, web, "touch"); err != nil {
				return time.Time{}, err
			}
			at, err := d.source(ctx, cache1, cache2, d.die)
			return at, errors.Join(err, d.idle(ctx, web, "rm -f"))
		}},
		{
			name: "start cache2 without its tmpfs in fstab", rest: "somebody has to edit fstab for it, and nothing is lost",
			do: func(ctx context.Context) (time.Time, error) { return d.noTmpfs(ctx, cache2) },
		},
		{name: "all four lose power at once", empties: memory, undoes: true, do: d.powerLoss},
		{
			name: "all four restart cleanly at once", empties: memory, rest: "a loss of power leaves less behind, and comes without warning",
			do: d.allRestart,
		},
		{
			name: "both servers ask ok-to-stop at once, 20 times", rest: "a race: the tests of setup/labtest have two servers ask, once each",
			do: d.race,
		},
		{name: "rolling restart by ok-to-stop alone", do: d.rolling},
	}
}

// restart shuts a host down cleanly and powers it on again.
func (d *driver) restart(ctx context.Context, h string) (time.Time, error) {
	began := time.Now()
	if err := d.stop(ctx, h); err != nil {
		return began, err
	}
	if took := since(began); took > 20 {
		d.say("   the shutdown of %s took %.1f s", h, took)
	}
	on := time.Now()
	return on, errors.Join(d.start(ctx, h), d.booted(ctx, h))
}

func (d *driver) restartClients(ctx context.Context) (time.Time, error) {
	return time.Time{}, each(d.clients, func(h string) error {
		_, err := d.restart(ctx, h)
		return err
	})
}

const (
	markPath = "/cache_server/.gluster-setup-refill"
	basePath = "/cache_server/brick/base"
)

// idle makes the writers of a volume rest, or go on.
func (d *driver) idle(ctx context.Context, volume, how string) error {
	return each(d.clients, func(h string) error {
		_, err := d.on(ctx, h, "sh", "-c", how+" "+idlePath(volume))
		return err
	})
}

// twice restarts a host, and again when its brick is being filled.
func (d *driver) twice(ctx context.Context, h string) (time.Time, error) {
	if err := d.stop(ctx, h); err != nil {
		return time.Time{}, err
	}
	if err := d.start(ctx, h); err != nil {
		return time.Time{}, err
	}
	err := d.until(ctx, h, func(dir string) bool {
		_, err := os.Stat(dir + markPath)
		return err == nil
	})
	if err != nil {
		return time.Time{}, err
	}
	return d.restart(ctx, h)
}

// until looks at the files of a host, from this machine, as often as it can.
func (d *driver) until(ctx context.Context, h string, is func(root string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pid, err := d.pid(ctx, h)
	if err != nil {
		return err
	}
	for !is(root(pid)) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: what the step waits for does not happen", h)
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

// noTmpfs takes a line out of the fstab that gluster-setup wrote.
func (d *driver) noTmpfs(ctx context.Context, h string) (time.Time, error) {
	if _, err := d.on(ctx, h, "sed", "-i", `\,^tmpfs /cache_server ,d`, "/etc/fstab"); err != nil {
		return time.Time{}, err
	}
	if err := d.stop(ctx, h); err != nil {
		return time.Time{}, err
	}
	if err := d.start(ctx, h); err != nil {
		return time.Time{}, err
	}
	var said string
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
		_, out, err := d.status(ctx, h, "gluster-setup", "status")
		if err != nil {
			return time.Time{}, err
		}
		if strings.Contains(out, "run gluster-setup apply") {
			said = out
			break
		}
		if time.Now().After(end) {
			return time.Time{}, fmt.Errorf("status does not say what to do: %s", out)
		}
	}
	for line := range strings.SplitSeq(said, "\n") {
		if strings.Contains(line, "run gluster-setup apply") {
			d.say("   %s", strings.TrimSpace(line))
		}
	}
	pid, err := d.pid(ctx, h)
	if err != nil {
		return time.Time{}, err
	}
	names, err := os.ReadDir(root(pid) + "/cache_server")
	if err != nil || len(names) > 0 {
		return time.Time{}, fmt.Errorf("/cache_server of the root file system has %v: %w", names, err)
	}
	code, out, err := d.status(ctx, h, "gluster-setup", "plan")
	if err != nil || code != 2 {
		return time.Time{}, fmt.Errorf("plan ended with %d: %s: %w", code, out, err)
	}
	began := time.Now()
	_, err = d.on(ctx, h, "gluster-setup", "apply")
	return began, err
}

// powerLoss kills everything and switches it on again.
func (d *driver) powerLoss(ctx context.Context) (time.Time, error) {
	return d.allOff(ctx, func() error { return d.killAll(ctx, d.all()) })
}

// allRestart shuts all hosts down cleanly at the same moment, and powers them
// on when the last is off. The cache may be empty then, the disks must have all.
func (d *driver) allRestart(ctx context.Context) (time.Time, error) {
	return d.allOff(ctx, func() error {
		return each(d.all(), func(h string) error {
			began := time.Now()
			err := d.stop(ctx, h)
			took := since(began)
			d.say("   the shutdown of %s took %.1f s", h, took)
			if took >= stopSeconds {
				err = errors.Join(err, fmt.Errorf("%s did not shut down within %d s and was killed", h, stopSeconds))
			}
			return err
		})
	})
}

// allOff makes all hosts go off at once, and powers them on when the last is off.
func (d *driver) allOff(ctx context.Context, off func() error) (time.Time, error) {
	disk := d.volumes[1]
	// At once is within some tenths of a second: a client that lives longer than
	// both servers can list nothing.
	if err := d.tellReaders(ctx, disk, false); err != nil {
		return time.Time{}, err
	}
	if err := off(); err != nil {
		return time.Time{}, err
	}
	on := time.Now()
	if err := each(d.all(), func(h string) error { return d.start(ctx, h) }); err != nil {
		return on, err
	}
	// The readers begin when the mounts are there: from then on all must be listed.
	return on, errors.Join(d.tellReaders(ctx, disk, true), each(d.all(), func(h string) error { return d.booted(ctx, h) }))
}

const refused = 3 // exit status of ok-to-stop

// race lets both servers ask at the same moment. At most one may go.
func (d *driver) race(ctx context.Context) (time.Time, error) {
	var one, none int
	for range 20 {
		at := time.Now().Add(700 * time.Millisecond).UnixMilli()
		wait := fmt.Sprintf(`until [ "$(date +%%s%%3N)" -ge %d ]; do :; done; exec gluster-setup ok-to-stop`, at)
		codes := make([]int, len(d.servers))
		err := each([]string{"0", "1"}, func(i string) error {
			n := int(i[0] - '0')
			code, out, err := d.status(ctx, d.servers[n], "sh", "-c", wait)
			if codes[n] = code; err == nil && code != 0 && code != refused {
				err = fmt.Errorf("%s: ok-to-stop: %s", d.servers[n], out)
			}
			return err
		})
		if err != nil {
			return time.Time{}, err
		}
		if codes[0] == 0 && codes[1] == 0 {
			return time.Time{}, errors.New("both servers were allowed to stop")
		}
		if codes[0] == 0 || codes[1] == 0 {
			one++
		} else {
			none++
		}
		err = each(d.servers, func(h string) error {
			_, err := d.on(ctx, h, "gluster-setup", "ok-to-stop", "--release")
			return err
		})
		if err != nil {
			return time.Time{}, err
		}
	}
	d.say("   one of the two may go: %d times, neither: %d, both: 0", one, none)
	return time.Time{}, nil
}

// rolling restarts all servers, each when ok-to-stop lets it, with nothing
// else between them. When it does, the other bricks must be complete.
func (d *driver) rolling(ctx context.Context) (time.Time, error) {
	for _, h := range d.servers {
		asked := time.Now()
		for {
			code, out, err := d.status(ctx, h, "gluster-setup", "ok-to-stop")
			if err != nil {
				return time.Time{}, err
			}
			if code == 0 {
				break
			}
			if code != refused || time.Since(asked) > patience {
				return time.Time{}, fmt.Errorf("%s: ok-to-stop: %s", h, out)
			}
			time.Sleep(time.Second)
		}
		d.say("   %s may stop after %.1f s", h, since(asked))
		for _, other := range d.servers {
			if other == h {
				continue
			}
			for _, v := range d.volumes {
				have, err := decode[map[string]map[string]string](d.reboot(ctx, other, "sums", v.brick+"/base"))
				if err != nil {
					return time.Time{}, err
				}
				for name, s := range d.base(v) {
					if have[v.brick+"/base"][name] != s {
						return time.Time{}, fmt.Errorf("ok-to-stop let %s go when %s lacked %s of volume %s", h, other, name, v.name)
					}
				}
			}
		}
		if err := d.stop(ctx, h); err != nil {
			return time.Time{}, err
		}
		if err := d.start(ctx, h); err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, nil
}
