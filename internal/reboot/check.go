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
			_, out, err := d.status(ctx, d.servers[0], append([]string{"timeout", "60", "gluster", "volume", "heal", v.name}, argv...)...)
			d.say("   heal %s %s:\n%s", v.name, strings.Join(argv, " "), out)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

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
	written := map[string]map[string]state{}
	var volumes []string
	for _, v := range d.volumes {
		volumes, written[v.name] = append(volumes, v.name), map[string]state{}
	}
	err := each(d.clients, func(h string) error {
		states, err := decode[map[string]map[string]state](d.reboot(ctx, h, append([]string{"pause"}, volumes...)...))
		mu.Lock()
		defer mu.Unlock()
		for v, s := range states {
			maps.Copy(written[v], s)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	seen := map[string]map[string]map[string]string{} // volume, place, name -> checksum
	for _, v := range volumes {
		seen[v] = map[string]map[string]string{}
	}
	err = each(d.all(), func(h string) error {
		var dirs []string
		for _, v := range d.volumes {
			if slices.Contains(d.servers, h) {
				dirs = append(dirs, v.brick)
			} else {
				dirs = append(dirs, v.mount)
			}
		}
		all, err := decode[map[string]map[string]string](d.reboot(ctx, h, append([]string{"sums"}, dirs...)...))
		mu.Lock()
		defer mu.Unlock()
		for i, v := range d.volumes {
			seen[v.name][h+":"+dirs[i]] = all[dirs[i]]
		}
		return err
	})
	err = errors.Join(err, each(d.clients, func(h string) error {
		_, err := d.reboot(ctx, h, append([]string{"pause", "--resume"}, volumes...)...)
		return err
	}))
	if err != nil {
		return nil, err
	}
	for _, v := range d.volumes {
		lost := 0
		for _, place := range slices.Sorted(maps.Keys(seen[v.name])) {
			var differ []string
			if v.name == s.empties {
				differ = d.notWrong(v, seen[v.name][place], written[v.name])
				if len(seen[v.name][place]) == 0 || countBase(seen[v.name][place]) == 0 {
					r.Note = "volume " + v.name + " begins anew, empty"
				}
			} else {
				differ = compare(seen[v.name][place], d.base(v), written[v.name])
			}
			lost = max(lost, losses(differ))
			for _, w := range differ[:min(len(differ), 3)] {
				add("%s: %s", place, w)
			}
			if len(differ) > 3 {
				add("%s: and %d more", place, len(differ)-3)
			}
			if first := seen[v.name][d.servers[0]+":"+v.brick]; !maps.Equal(first, seen[v.name][place]) {
				add("%s differs from %s", place, d.servers[0])
			}
		}
		r.Lost += lost
	}
	return wrong, errors.Join(each(d.all(), func(h string) error { return d.content(ctx, h, add) }))
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
