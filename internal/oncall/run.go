package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

type runCmd struct {
	Speed int           `env:"ONCALL_SPEED" default:"10" help:"What the durations of the rules are divided by; 1 for the rules as they are."`
	Quiet time.Duration `env:"ONCALL_QUIET" help:"How long nothing may fire while all is well; ten minutes divided by the speed unless given."`
	Only  string        `env:"ONCALL_ONLY" help:"Only the waves with a fault whose name matches this regular expression, and of the rest what it matches: quiet, panels."`
	Root  string        `default:"." type:"existingdir" help:"Directory of the checkout."`
	Out   string        `default:"." help:"Directory for the table."`
}

type driver struct {
	runCmd
	hosts
	watch
	began time.Time
	waits map[string]float64 // seconds that each alert's condition must last, as loaded
	rows  []row
	wrong int
}

func say(format string, args ...any) {
	fmt.Printf("%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}

func (d *driver) bad(format string, args ...any) {
	d.wrong++
	say("WRONG: "+format, args...)
}

// Run breaks everything, and ends with an error if an alert was missing or too many.
func (c *runCmd) Run(ctx context.Context) error {
	only, err := regexp.Compile(c.Only)
	if err != nil {
		return err
	}
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return err
	}
	d := &driver{runCmd: *c, hosts: hosts{root: root}, began: time.Now()}
	if d.Quiet == 0 {
		d.Quiet = 10 * time.Minute / time.Duration(max(d.Speed, 1))
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if only.MatchString("quiet") {
		err = d.quiet(ctx)
	} else {
		err = d.configure(ctx, "")
	}
	if err != nil {
		return err
	}
	for _, wave := range faults() {
		if !slices.ContainsFunc(wave, func(f fault) bool { return only.MatchString(f.name) }) {
			continue
		}
		if err := d.wave(ctx, wave); err != nil {
			return errors.Join(err, d.report())
		}
	}
	if only.MatchString("panels") {
		if err := d.panels(ctx); err != nil {
			return errors.Join(err, d.report())
		}
	}
	if err := d.report(); err != nil {
		return err
	}
	if d.wrong > 0 {
		return fmt.Errorf("%d things were not as they must be", d.wrong)
	}
	return nil
}

func (d *driver) report() error {
	table := markdown(d.rows, d.Speed)
	fmt.Print("\n" + table)
	return errors.Join(os.MkdirAll(d.Out, 0o755), os.WriteFile(filepath.Join(d.Out, "table.md"), []byte(table), 0o644))
}

// progress of one alert of one fault.
type progress struct {
	fault                  *fault
	alert                  alert
	at                     time.Time // the fault was there, or was repaired
	severity               string
	fired, over            float64 // seconds
	firedThere, clearedYet bool
}

func (a alert) matches(have labels) bool {
	if have["alertname"] != a.name {
		return false
	}
	for k, v := range a.on {
		if have[k] != v {
			return false
		}
	}
	return true
}

func (a alert) String() string {
	l := labels{"alertname": a.name}
	maps.Copy(l, a.on)
	return l.String()
}

// limit is how long an alert may take to come or go: the slowest rule waits for ten minutes; the rest is for slow machines, and only what fails takes so long.
func (d *driver) limit() time.Duration { return 10*time.Minute + 11*time.Minute/time.Duration(d.Speed) }

// wave makes its faults, waits for their alerts, repairs, and waits until they are over.
func (d *driver) wave(ctx context.Context, wave []fault) error {
	if err := d.settle(ctx, wave); err != nil {
		return err
	}
	began := time.Now()
	var all []*progress
	for i := range wave {
		f := &wave[i]
		say("== %s", f.name)
		if err := f.make(ctx, d.hosts); err != nil {
			return fmt.Errorf("make: %s: %w", f.name, err)
		}
		for _, a := range f.fires {
			all = append(all, &progress{fault: f, alert: a, at: time.Now()})
		}
	}
	d.await(ctx, all, "fire", func(p *progress, there bool) bool {
		if there && !p.firedThere {
			p.fired, p.firedThere = since(p.at), true
			say("   %s fires after %.0f s", p.alert, p.fired)
		}
		return p.firedThere
	})
	for i := range slices.Backward(wave) {
		f := &wave[i]
		if err := f.repair(ctx, d.hosts); err != nil {
			return fmt.Errorf("repair: %s: %w", f.name, err)
		}
		for _, p := range all {
			if p.fault == f {
				p.at = time.Now()
			}
		}
	}
	say("   repaired")
	d.await(ctx, all, "end", func(p *progress, there bool) bool {
		if !there && !p.clearedYet {
			p.over, p.clearedYet = since(p.at), true
			say("   %s is over after %.0f s", p.alert, p.over)
		}
		return p.clearedYet
	})
	return d.judge(ctx, wave, all, began)
}

// await looks at Prometheus and Alertmanager until all alerts have come or gone, in both.
func (d *driver) await(ctx context.Context, all []*progress, what string, look func(p *progress, there bool) bool) {
	end := time.Now().Add(d.limit())
	for ctx.Err() == nil {
		here, arrived, err := d.firing(ctx)
		var missing []string
		for _, p := range all {
			inPrometheus := slices.IndexFunc(here, p.alert.matches)
			inAlertmanager := slices.ContainsFunc(arrived, p.alert.matches)
			if inPrometheus >= 0 {
				p.severity = here[inPrometheus]["severity"]
			}
			there := inPrometheus >= 0 && inAlertmanager
			if what == "end" {
				there = inPrometheus >= 0 || inAlertmanager
			}
			if err != nil || !look(p, there) {
				missing = append(missing, p.alert.String())
			}
		}
		if len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			d.bad("within %s these did not %s: %s (%v)", d.limit(), what, strings.Join(missing, ", "), err)
			return
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// judge looks at everything that fired meanwhile, and makes the rows of the table.
func (d *driver) judge(ctx context.Context, wave []fault, all []*progress, began time.Time) error {
	fired, err := d.fired(ctx, began)
	if err != nil {
		return err
	}
	var allowed, others []string
	for _, f := range wave {
		allowed = append(allowed, f.pages...)
		if d.Speed > 1 {
			allowed = append(allowed, f.briefly...)
		}
	}
	for _, have := range fired {
		name := have["alertname"]
		if slices.ContainsFunc(all, func(p *progress) bool { return p.alert.matches(have) }) {
			continue
		}
		say("   also: %s (%s)", have, have["severity"])
		if have["severity"] == "page" && !slices.Contains(allowed, name) {
			d.bad("%s woke somebody", have)
		}
		if slices.ContainsFunc(all, func(p *progress) bool { return p.alert.name == name }) {
			continue // the table has it
		}
		if text := name + " (" + have["severity"] + ")"; !slices.Contains(others, text) {
			others = append(others, text)
		}
	}
	slices.Sort(others)
	for i, p := range all {
		r := row{Alert: p.alert.name, On: p.alert.on, Severity: p.severity, Wait: d.waits[p.alert.name], Fired: p.fired, Over: p.over}
		if i == 0 || all[i-1].fault != p.fault {
			r.Fault = p.fault.name
		}
		if i == 0 {
			r.Others = others
		}
		d.rows = append(d.rows, r)
	}
	return nil
}

// settle waits until all is well: no page, none of the alerts to come, nothing to heal, and every mount serves.
func (d *driver) settle(ctx context.Context, wave []fault) error {
	var names []string
	for _, f := range wave {
		for _, a := range f.fires {
			names = append(names, a.name)
		}
	}
	return until(ctx, d.limit(), "not all is well", func() error { return d.well(ctx, names) })
}

// well is an error that says what is not, of a cluster in which the named alerts are to come next.
func (d *driver) well(ctx context.Context, names []string) error {
	for _, expr := range []string{
		`ALERTS{severity="page"} or ALERTS{alertname=~"` + strings.Join(names, "|") + `"}`,
		`up != 1`, `gluster_probe_success != 1`, `gluster_mount_bricks_connected != gluster_mount_bricks`,
		`absent(count(gluster_probe_success) == 4)`,
	} {
		if found, err := d.query(ctx, expr); err != nil || len(found) > 0 {
			return errors.Join(err, fmt.Errorf("%s: %v", expr, found))
		}
	}
	return d.onAll(ctx, servers(), "gluster-setup status")
}

// connected says whether `gluster pool list` has a node connected.
func connected(pool, node string) bool {
	for line := range strings.SplitSeq(pool, "\n") {
		words := strings.Fields(line)
		if len(words) == 3 && words[1] == node && words[2] == "Connected" {
			return true
		}
	}
	return false
}
