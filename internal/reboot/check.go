package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// healed waits until every host says that all is well, and returns when the
// last of the servers did.
func (d *driver) healed(ctx context.Context) (float64, error) {
	var mu sync.Mutex
	last := 0.0
	err := each(d.all(), func(h string) error {
		out, err := d.reboot(ctx, h, "healed")
		if err != nil {
			return err
		}
		at, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
		mu.Lock()
		defer mu.Unlock()
		if slices.Contains(d.servers, h) {
			last = max(last, at)
		}
		return err
	})
	return last, err
}

// unhealed prints what waits to be healed and what never will be.
func (d *driver) unhealed(ctx context.Context) error {
	var errs []error
	for _, v := range d.volumes {
		for _, argv := range [][]string{{"info"}, {"info", "split-brain"}} {
			_, out, err := d.status(ctx, d.servers[0], append([]string{"timeout", "300", "gluster", "volume", "heal", v.name}, argv...)...)
			d.say("   heal %s %s:\n%s", v.name, strings.Join(argv, " "), out)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// belief is how long a client may go on showing what a file was before another client changed it: the kernel and GlusterFS believe
// for a second (docs/clients.md).
const belief = 2 * time.Second

// check compares every brick and every mount with what must be there, while
// the writers pause, and asks each host whether it is content.
func (d *driver) check(ctx context.Context, s step, r *row) ([]string, error) {
	var mu sync.Mutex
	var wrong []string
	add := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		wrong = append(wrong, fmt.Sprintf(format, args...))
	}
	written, err := d.pause(ctx)
	if err != nil {
		return nil, err
	}
	time.Sleep(belief)
	seen, err := d.look(ctx)
	if err == nil {
		for _, v := range d.volumes {
			r.Lost += d.compare(s, r, v, seen[v.name], written[v.name], add)
		}
	}
	err = errors.Join(err, d.resume(ctx))
	if err != nil {
		return wrong, err
	}
	return wrong, each(d.all(), func(h string) error { return d.content(ctx, h, add) })
}

func (d *driver) names() []string {
	var out []string
	for _, v := range d.volumes {
		out = append(out, v.name)
	}
	return out
}

// pause makes all writers pause, and returns what they know of their files, by volume.
func (d *driver) pause(ctx context.Context) (map[string]map[string]state, error) {
	var mu sync.Mutex
	written := map[string]map[string]state{}
	for _, v := range d.names() {
		written[v] = map[string]state{}
	}
	err := each(d.clients, func(h string) error {
		states, err := decode[map[string]map[string]state](d.reboot(ctx, h, append([]string{"pause"}, d.names()...)...))
		mu.Lock()
		defer mu.Unlock()
		for v, s := range states {
			maps.Copy(written[v], s)
		}
		return err
	})
	return written, err
}

func (d *driver) resume(ctx context.Context) error {
	return each(d.clients, func(h string) error {
		_, err := d.reboot(ctx, h, append([]string{"pause", "--resume"}, d.names()...)...)
		return err
	})
}

// places are the files of a volume as each brick and each mount shows them:
// their checksums by place and name.
type places map[string]map[string]string

// look reads every file of every volume on each brick and through each client.
func (d *driver) look(ctx context.Context) (map[string]places, error) {
	var mu sync.Mutex
	seen := map[string]places{}
	for _, v := range d.names() {
		seen[v] = places{}
	}
	err := each(d.all(), func(h string) error {
		var dirs []string
		for _, v := range d.volumes {
			if slices.Contains(d.servers, h) {
				dirs = append(dirs, v.brick)
			} else {
				dirs = append(dirs, v.mount)
			}
		}
		all, err := decode[places](d.reboot(ctx, h, append([]string{"sums"}, dirs...)...))
		mu.Lock()
		defer mu.Unlock()
		for i, v := range d.volumes {
			seen[v.name][h+":"+dirs[i]] = all[dirs[i]]
		}
		return err
	})
	return seen, err
}

// compare says where a volume is not as it must be, and returns how many files are lost.
func (d *driver) compare(s step, r *row, v *volume, seen places, written map[string]state, add func(string, ...any)) int {
	lost := 0
	written = d.excuse(s, v, seen, written)
	for _, place := range slices.Sorted(maps.Keys(seen)) {
		var differ []string
		if v.name == s.empties {
			differ = d.notWrong(v, seen[place], written)
			if len(seen[place]) == 0 || countBase(seen[place]) == 0 {
				r.Note = "volume " + v.name + " begins anew, empty"
			}
		} else {
			differ = compare(seen[place], d.base(v), written)
		}
		lost = max(lost, losses(differ))
		for _, w := range differ[:min(len(differ), 3)] {
			add("%s: %s", place, w)
		}
		if len(differ) > 3 {
			add("%s: and %d more", place, len(differ)-3)
		}
		if first := seen[d.servers[0]+":"+v.brick]; !maps.Equal(first, seen[place]) {
			add("%s differs from %s", place, d.servers[0])
		}
	}
	return lost
}

// excuse returns what was written, with the files whose removal a loss of power undid, in this step or an earlier one: they may be there,
// with what they held or what was written over it, and on all places alike.
func (d *driver) excuse(s step, v *volume, seen places, written map[string]state) map[string]state {
	out := maps.Clone(written)
	for _, files := range seen {
		for name := range files {
			if s.undoes && written[name].Removed && !d.undone[v.name][name] {
				d.say("   . volume %s: %s is back: it was removed in the moment in which the power went", v.name, name)
				d.undone[v.name][name] = true
			}
		}
	}
	for name := range d.undone[v.name] {
		out[name] = state{}
	}
	return out
}

func countBase(files map[string]string) int {
	n := 0
	for name := range files {
		if strings.HasPrefix(name, "base/") {
			n++
		}
	}
	return n
}

// notWrong says which of the files that are there have contents that they never had.
func (d *driver) notWrong(v *volume, have map[string]string, written map[string]state) []string {
	base, known := map[string]string{}, map[string]state{}
	for name, s := range d.base(v) {
		if _, ok := have["base/"+name]; ok {
			base[name] = s
		}
	}
	for name, s := range written {
		if _, ok := have[name]; ok {
			known[name] = s
		}
	}
	return compare(have, base, known)
}

// content asks a host whether anything is left to do, or has failed.
func (d *driver) content(ctx context.Context, h string, add func(string, ...any)) error {
	code, out, err := d.status(ctx, h, "gluster-setup", "plan")
	if err != nil {
		return err
	}
	if code != 0 {
		add("%s: plan ended with %d: %s", h, code, out)
	}
	failed, err := d.on(ctx, h, "systemctl", "--no-pager", "--plain", "--no-legend", "--failed")
	if failed != "" {
		add("%s: failed: %s", h, failed)
	}
	return err
}
