package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

type runCmd struct {
	Script string        `required:"" help:"The script that has the machines."`
	Setup  string        `required:"" help:"The program gluster-setup."`
	Out    string        `default:"." help:"Directory for the table and what the machines say after a failure."`
	Only   string        `default:"." help:"Only the modes whose names match."`
	Cuts   int           `default:"5" help:"Power cuts of one server, in each mode."`
	Both   bool          `negatable:"" default:"true" help:"In the end, take the power from all servers at once."`
	Seed   uint64        `help:"Of everything that happens at random; 0 takes one from the clock."`
	Least  time.Duration `default:"8s" help:"The power goes at a random moment between this and --most after the first change."`
	Most   time.Duration `default:"20s"`
}

type driver struct {
	machines
	runCmd
	program string // this one
	rng     *rand.Rand
	rows    []row
	wrong   int
}

func (d *driver) say(format string, args ...any) {
	fmt.Printf("%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}

// Run goes through the modes; an error says that something was not as it must be.
func (c *runCmd) Run(ctx context.Context) error {
	only, err := regexp.Compile("^(" + c.Only + ")")
	if err != nil {
		return err
	}
	if c.Seed == 0 {
		c.Seed = uint64(time.Now().UnixNano()) % 1_000_000 //nolint:gosec // not before 1970
	}
	d := &driver{machines: machines{script: c.Script}, runCmd: *c}
	if d.program, err = os.Executable(); err != nil {
		return err
	}
	// Whoever started this removes the machines when it ends, however it ends.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0); err != nil {
		return err
	}
	d.say("seed %d", c.Seed)
	var errs []error
	for i, m := range modes() {
		if !only.MatchString(m.name) {
			continue
		}
		// Of its own, so that one mode alone does what it does among others.
		d.rng = rand.New(rand.NewPCG(c.Seed, uint64(i))) //nolint:gosec // to be repeated, not secret
		if err := d.take(ctx, m); err != nil {
			d.say("   ! %v", err)
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err), d.explain(ctx, m, "failed"))
		}
		if ctx.Err() != nil {
			break
		}
	}
	errs = append(errs, d.report())
	if len(d.rows) == 0 {
		errs = append(errs, errors.New("nothing was tried"))
	}
	if d.wrong > 0 {
		errs = append(errs, fmt.Errorf("%d things were not as they must be", d.wrong))
	}
	return errors.Join(errs...)
}

// take goes through the power cuts of one mode.
func (d *driver) take(ctx context.Context, m *mode) error {
	d.say("== %s", m.name)
	began := time.Now()
	if err := d.setUp(ctx, m); err != nil {
		return err
	}
	d.say("   the cluster is up after %.0f s", time.Since(began).Seconds())
	hands, err := d.hands(m.writer, m.mount)
	if err != nil {
		return err
	}
	// How much it does until the power goes depends on the machine; the moments must not.
	w := &writer{record: newRecord(), hands: hands, rng: rand.New(rand.NewPCG(d.rng.Uint64(), 0)), say: d.say} //nolint:gosec // to be repeated
	if err := w.fill(ctx, 6, 60); err != nil {
		return err
	}
	// A cluster is older than some seconds when its power goes.
	if err := each(m.machines(), func(n string) error { _, err := d.on(ctx, n, "sync"); return err }); err != nil {
		return err
	}
	if m.cache {
		if _, err := d.on(ctx, m.writer, fillCache); err != nil {
			return err
		}
	}
	last := m.servers[len(m.servers)-1]
	for range d.Cuts {
		if err := d.cut(ctx, m, w, []string{last}); err != nil {
			return err
		}
	}
	if d.Both {
		return d.cut(ctx, m, w, m.servers)
	}
	return nil
}

// Pauses of the writer between operations. Emulated machines that are kept busy
// have no time left to heal.
const (
	busy = 10 * time.Millisecond  // until the power goes
	calm = 400 * time.Millisecond // from then on
)

// When all is well, every reader goes on until it has looked at so many names,
// or for so long.
const (
	looks  = 400
	enough = 2 * time.Minute
)

// cut takes the power from servers while files change, gives it back, waits
// until all is well, and compares.
func (d *driver) cut(ctx context.Context, m *mode, w *writer, off []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all := len(off) == len(m.servers)
	moment := d.Least + time.Duration(d.rng.Int64N(int64(d.Most-d.Least)+1))
	r := row{Mode: m.name, Off: strings.Join(off, " and "), Moment: moment.Seconds(), Recipe: m.file == ""}
	d.say("-- %s: %s, after %.1f s", m.name, r.Off, r.Moment)
	began := time.Now()
	w.done, w.failed, w.longest = 0, 0, 0

	w.pause.Store(int64(busy))
	stopWriter, written := make(chan struct{}), make(chan error, 1)
	go func() { written <- w.work(ctx, stopWriter) }()
	lost := slices.Contains(off, m.writer) // the writer goes with its machine

	var readers []*reader
	reading := make(chan error, 4)
	stopReaders := make(chan struct{})
	read := func(n, first string, since time.Time) {
		rd := &reader{record: w.record, machines: &d.machines, name: n, mount: m.mount, first: first, since: since, forgets: all && m.forgets, rng: rand.New(rand.NewPCG(d.Seed, uint64(len(d.rows)))), say: d.say} //nolint:gosec // to be repeated
		readers = append(readers, rd)
		go func() { reading <- rd.work(ctx, stopReaders) }()
	}
	// Where clients are machines of their own, they read all the time.
	if !slices.Contains(m.servers, m.readers[0]) {
		read(m.readers[0], "", time.Time{})
	}

	time.Sleep(time.Until(began.Add(moment)))
	if _, err := d.vms(ctx, append([]string{"cut"}, off...)...); err != nil {
		return err
	}
	w.pause.Store(int64(calm))
	if lost {
		if err := <-written; err == nil {
			return errors.New("the writer outlived its machine")
		}
		w.hands.close()
	}
	time.Sleep(5 * time.Second)
	on := time.Now()
	if _, err := d.vms(ctx, append([]string{"start"}, off...)...); err != nil {
		return err
	}
	// A reader's first look judges what is older than the power cut as well.
	err := each(off, func(n string) error {
		_, err := d.vms(ctx, "wait", n)
		return err
	})
	if err != nil {
		return err
	}
	d.say("   %s: commands after %.1f s", r.Off, time.Since(on).Seconds())
	for _, n := range off {
		if !slices.Contains(m.readers, n) {
			continue
		}
		if !all || m.keeps {
			read(n, firstPath, on)
		}
		at, err := d.mounted(ctx, m, n, on)
		if err != nil {
			return err
		}
		r.Mounted = max(r.Mounted, at)
	}
	r.Healthy, err = d.healthy(ctx, m, on)
	switch {
	case err != nil && (m.file != "" || ctx.Err() != nil):
		return err
	case err != nil:
		d.say("   %v", err)
		r.Healthy, r.Note = 0, "heal info never was 0 again"
	default:
		d.say("   healthy after %.1f s", r.Healthy)
	}
	// Some more changes on all bricks, and looks at them.
	for end := time.Now().Add(enough); slices.ContainsFunc(readers, func(rd *reader) bool { return rd.done() < looks }) && time.Now().Before(end); {
		time.Sleep(time.Second)
	}
	if !lost {
		close(stopWriter)
		if err := <-written; err != nil {
			return err
		}
	}
	time.Sleep(fresh)
	close(stopReaders)
	for _, rd := range readers {
		if err := <-reading; err != nil {
			return fmt.Errorf("reader: %w", err)
		}
		r.Reads, r.Stale, r.Errors = r.Reads+rd.reads, r.Stale+rd.stale, r.Errors+rd.errors
	}
	r.Operations, r.Failed, r.Stall = w.done, w.failed, w.longest.Seconds()
	r.Names, r.Files = w.counts()
	if lost {
		if w.hands, err = d.hands(m.writer, m.mount); err != nil {
			return err
		}
	}
	return d.compare(ctx, m, w, &r, all)
}

// compare looks at everything and notes the row.
func (d *driver) compare(ctx context.Context, m *mode, w *writer, r *row, all bool) error {
	trees, err := d.trees(ctx, m)
	if err != nil {
		return err
	}
	between := w.differ(trees, false)
	r.Between = len(between)
	differ := w.differ(trees, true)
	var wrong []string
	switch {
	case all && m.forgets:
		// What is there must be right; it may be gone.
		for name, k := range w.names {
			for p, t := range trees {
				if e := t[name]; e != (entry{}) && k.sure && e != k.entry {
					wrong = append(wrong, fmt.Sprintf("%s: %s: %v; acknowledged: %v", name, p, e, k.entry))
				}
			}
		}
		wrong = append(wrong, between...)
		r.Differ = len(wrong)
		if r.Lost = len(differ) - len(between); r.Lost > 0 {
			r.Note = "the volume began anew, empty"
		}
	case all && !m.keeps:
		wrong, r.Differ, r.Lost = between, len(between), len(differ)-len(between)
	default:
		wrong, r.Differ = differ, len(differ)
	}
	for _, l := range differ[:min(len(differ), 8)] {
		d.say("   . %s", l)
	}
	if len(differ) > 8 {
		d.say("   . and %d more", len(differ)-8)
	}
	if m.file != "" {
		d.wrong += len(wrong) + r.Stale
		if len(wrong)+r.Stale > 0 {
			for _, l := range wrong[:min(len(wrong), 5)] {
				name, _, _ := strings.Cut(l, ":")
				d.say("   . %s", w.story(name))
				d.attributes(ctx, m, name)
			}
			if err := d.explain(ctx, m, fmt.Sprintf("row-%d", len(d.rows)+1)); err != nil {
				return err
			}
		}
		if !slices.Contains(m.servers, m.readers[0]) {
			r.Mounted = 0
		}
	}
	if m.cache && !all {
		for _, n := range m.servers {
			if code, words := d.status(ctx, n, lookCache); code != 0 {
				d.say("   ! the volume in memory, on %s: %s", n, words)
				d.wrong++
			}
		}
	}
	d.rows = append(d.rows, *r)
	d.say("   %d operations, %d refused; %d names; %d differ, %d between bricks or clients, %d lost; %d of %d stale, %d errors read; longest stall %.1f s",
		r.Operations, r.Failed, r.Names, r.Differ, r.Between, r.Lost, r.Stale, r.Reads, r.Errors, r.Stall)
	return nil
}

// trees is what every brick's own file system and every client shows.
func (d *driver) trees(ctx context.Context, m *mode) (map[string]map[string]entry, error) {
	type place struct{ machine, dir string }
	var places []place
	for _, n := range m.servers {
		places = append(places, place{n, m.brick})
	}
	for _, n := range m.readers {
		places = append(places, place{n, m.mount})
	}
	out := map[string]map[string]entry{}
	for _, p := range places {
		h, err := d.hands(p.machine, p.dir)
		if err != nil {
			return nil, err
		}
		got, err := h.do(ctx, op{Kind: opTree})
		h.close()
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.machine, p.dir, err)
		}
		if got.Tree == nil {
			got.Tree = map[string]entry{}
		}
		if got.Error != "" {
			got.Tree["."] = entry{Type: unreadable, Target: got.Error}
		}
		out[p.machine+" "+p.dir] = got.Tree
	}
	return out, nil
}

// attributes says what the bricks have of a name and of its directory.
func (d *driver) attributes(ctx context.Context, m *mode, name string) {
	const ask = `cd %s; for p in %q "$(dirname %q)"; do stat -c '%%n: %%F, %%h links, inode %%i, modified %%y, changed %%z' "$p"; getfattr -d -m . -e hex "$p"; done; ls .glusterfs/indices/xattrop .glusterfs/indices/entry-changes`
	for _, n := range m.servers {
		_, words := d.status(ctx, n, "{ "+fmt.Sprintf(ask, m.brick, name, name)+"; } 2>&1; true")
		d.say("   . %s: %s", n, words)
	}
}

// explain keeps what the machines have to say.
func (d *driver) explain(ctx context.Context, m *mode, name string) error {
	dir := filepath.Join(d.Out, m.name+"-"+name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	const ask = `gluster-setup status; cat /var/lib/brickyard/recovery.json; gluster volume status; gluster volume heal server info; systemctl --failed; systemctl list-jobs
		journalctl --no-pager -n 400 -u 'gluster-setup*' -u glusterd; tail -n 100 /var/log/glusterfs/glustershd.log /var/log/glusterfs/glusterd.log /var/log/glusterfs/client.log /var/log/glusterfs/cache_client.log`
	return each(m.machines(), func(n string) error {
		_, words := d.status(ctx, n, "{ "+ask+"; } 2>&1; true")
		console, _ := d.vms(ctx, "console", n) //nolint:errcheck // what there is of it
		return os.WriteFile(filepath.Join(dir, n+".log"), []byte(words+"\n== console\n"+console), 0o644)
	})
}

func (d *driver) report() error {
	table := markdown(d.rows)
	fmt.Print("\n" + table)
	b, err := json.MarshalIndent(d.rows, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(d.Out, 0o755),
		os.WriteFile(filepath.Join(d.Out, "table.md"), []byte(table), 0o644),
		os.WriteFile(filepath.Join(d.Out, "table.json"), append(b, '\n'), 0o644))
}
