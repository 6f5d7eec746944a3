package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type runCmd struct {
	Prefix string `required:"" env:"HOSTS_PREFIX" help:"Of the names of the containers."`
	Out    string `default:"." help:"Directory for the table and the report."`
	Steps  string `default:"all" enum:"all,short,rest" env:"REBOOT_STEPS" help:"Which steps: all, those of make test (short), or the others (rest)."`
	Only   string `help:"Of those only the steps whose names match."`
	Files  int    `default:"200" help:"Files on each volume."`
	Size   int    `default:"30000" help:"Bytes in each of them."`
}

// memory is the volume whose bricks are in memory.
const memory = "server"

// volume is one of the two.
type volume struct {
	name, mount, brick string
	seq                int // how often its base was filled
}

type driver struct {
	hosts
	runCmd
	servers, clients []string
	volumes          []*volume
	program          string // of this program on this machine
	rows             []row
	wrong            []string // in all steps, each with the name of its step
	// Of this step. GlusterFS's clients see the death of a brick's source as soon
	// as recover does, and read from what is left until recover has taken it
	// offline: what they read so far is what docs/reboot.md says is lost.
	half  halfFilled
	plain string // about a plain copy of the same files
	// By host and file: checksums of what the enemies must not change, and how much of what they said has been read.
	guarded map[string]string
	harmed  map[string]int64
	// By volume: files whose removal was undone.
	undone map[string]map[string]bool
}

func (d *driver) say(format string, args ...any) {
	fmt.Printf("%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}

// Run goes through the steps; an error says that one did harm.
func (c *runCmd) Run(ctx context.Context) error {
	d := &driver{
		hosts: hosts{prefix: c.Prefix}, runCmd: *c,
		servers: []string{"cache1", "cache2"}, clients: []string{"web1", "web2"},
		volumes: []*volume{
			{name: memory, mount: "/cache_client", brick: "/cache_server/brick"},
			{name: "web", mount: "/web_client", brick: "/web_server/brick"},
		},
		undone: map[string]map[string]bool{memory: {}, "web": {}},
	}
	only, err := regexp.Compile(c.Only)
	if err != nil {
		return err
	}
	if d.program, err = os.Executable(); err != nil {
		return err
	}
	if err := d.known(ctx, d.all()); err != nil {
		return err
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if err := d.plainCopy(ctx); err != nil {
		return err
	}
	if err := d.letEnemiesIn(ctx); err != nil {
		return fmt.Errorf("start the enemies: %w", err)
	}
	for _, s := range d.steps() {
		if !s.among(c.Steps) || !only.MatchString(s.name) {
			continue
		}
		if err := d.step(ctx, s); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", s.name, err), d.report())
		}
	}
	if err := d.report(); err != nil {
		return err
	}
	if len(d.wrong) > 0 {
		return fmt.Errorf("%d things went wrong:\n%s", len(d.wrong), strings.Join(d.wrong, "\n"))
	}
	return nil
}

func (d *driver) report() error {
	table := markdown(d.rows) + d.plain
	fmt.Print("\n" + table)
	b, err := json.MarshalIndent(d.rows, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(d.Out, 0o755),
		os.WriteFile(filepath.Join(d.Out, "table.md"), []byte(table), 0o644),
		os.WriteFile(filepath.Join(d.Out, "table.json"), append(b, '\n'), 0o644))
}

// each does the same on several hosts at once.
func each(names []string, do func(string) error) error {
	var wg sync.WaitGroup
	errs := make([]error, len(names))
	for i, n := range names {
		wg.Go(func() { errs[i] = do(n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (d *driver) all() []string { return slices.Concat(d.servers, d.clients) }

const workUnit = `[Unit]
Description=Write and read on the volumes
RequiresMountsFor=%s
After=remote-fs.target

[Service]
ExecStart=%s work --host %s %s

[Install]
WantedBy=multi-user.target
`

// prepare fills the volumes and starts writers and readers, as any service
// that needs the mounts is started.
func (d *driver) prepare(ctx context.Context) error {
	err := each(d.all(), func(h string) error {
		_, err := d.podman(ctx, "cp", d.program, d.prefix+h+":"+program)
		return err
	})
	if err != nil {
		return err
	}
	// What a former run left.
	err = each(d.clients, func(h string) error {
		_, err := d.on(ctx, h, "sh", "-c", "systemctl stop reboot-test 2>/dev/null; rm -rf "+workDir)
		return err
	})
	if err != nil {
		return err
	}
	for _, v := range d.volumes {
		if _, err := d.on(ctx, d.clients[0], "sh", "-c", "mountpoint "+v.mount+" && rm -rf "+v.mount+"/*"); err != nil {
			return err
		}
		if err := d.fill(ctx, v); err != nil {
			return err
		}
	}
	return each(d.clients, func(h string) error {
		pid, err := d.pid(ctx, h)
		if err != nil {
			return err
		}
		var mounts, args []string
		for _, v := range d.volumes {
			mounts, args = append(mounts, v.mount), append(args, v.name+"="+v.mount)
		}
		unit := fmt.Sprintf(workUnit, strings.Join(mounts, " "), program, h, strings.Join(args, " "))
		if err := os.WriteFile(root(pid)+"/etc/systemd/system/reboot-test.service", []byte(unit), 0o644); err != nil {
			return err
		}
		_, err = d.on(ctx, h, "sh", "-c", "systemctl daemon-reload && systemctl enable -q reboot-test && systemctl restart reboot-test")
		return err
	})
}

// fill makes the files of a volume anew, through one client, and lets the readers know.
func (d *driver) fill(ctx context.Context, v *volume) error {
	if err := d.tellReaders(ctx, v, false); err != nil {
		return err
	}
	v.seq++
	if _, err := d.reboot(ctx, d.clients[0], "fill", v.mount+"/base", strconv.Itoa(d.Files), strconv.Itoa(d.Size), strconv.Itoa(v.seq)); err != nil {
		return err
	}
	return d.tellReaders(ctx, v, true)
}

// plainCopy measures what a refill can be compared with: tar through one
// connection, from the memory of one server to that of another.
func (d *driver) plainCopy(ctx context.Context) error {
	const to = "/run/reboot-test-copy"
	address, err := d.podman(ctx, "inspect", "-f", `{{index .Config.Labels "brickyard.address"}}`, d.prefix+d.servers[1])
	if err != nil {
		return err
	}
	if _, err := d.on(ctx, d.servers[1], "mkdir", "-p", to); err != nil {
		return err
	}
	received := make(chan error, 1)
	go func() {
		_, err := d.reboot(ctx, d.servers[1], "receive", to)
		received <- err
	}()
	seconds, err := d.reboot(ctx, d.servers[0], "send", d.volumes[0].brick+"/base", strings.TrimSpace(address))
	if err != nil {
		return err
	}
	if err := <-received; err != nil {
		return err
	}
	if _, err = d.on(ctx, d.servers[1], "rm", "-r", to); err != nil {
		return err
	}
	d.plain = fmt.Sprintf("\nA plain copy of the same %d files from server to server (tar through one connection) took %s s.\n", d.Files, strings.TrimSpace(seconds))
	return nil
}

func (d *driver) base(v *volume) map[string]string { return baseSums(d.Files, d.Size, v.seq) }

func (d *driver) tellReaders(ctx context.Context, v *volume, required bool) error {
	return each(d.clients, func(h string) error {
		pid, err := d.pid(ctx, h)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(root(pid)+workDir, 0o755); err != nil {
			return err
		}
		return replace(root(pid)+namesPath(v.name), names{Required: required, Sums: d.base(v)})
	})
}

// step is one thing that happens to the cluster.
type step struct {
	name string
	// rest says why the step is no part of make test, but of make test-all; empty for those of make test.
	rest string
	// empties names a volume that the step may leave empty. It must serve, and
	// must not show anything wrong.
	empties string
	// undoes: the power of all goes at once. The brick that lives a moment longer takes a removal alone, and the one that is back first
	// takes other changes of the directory alone: then GlusterFS keeps every name that either of them has (docs/power-loss.md).
	undoes bool
	// do returns when it began to count, or the zero time.
	do func(context.Context) (time.Time, error)
}

// among reports whether the step is one of all, of those of make test (short) or of the others (rest).
func (s step) among(which string) bool {
	return which == "all" || (which == "rest") == (s.rest != "")
}

// step does it, waits until all is healed, and looks at everything.
func (d *driver) step(ctx context.Context, s step) error {
	d.say("== %s", s.name)
	began := time.Now()
	if v := d.volume(s.empties); v != nil {
		if err := d.tellReaders(ctx, v, false); err != nil {
			return err
		}
	}
	r := row{Step: s.name}
	d.half = halfFilled{}
	counted, err := s.do(ctx)
	if err != nil {
		return err
	}
	healed, err := d.healed(ctx)
	if err != nil {
		return errors.Join(err, d.unhealed(ctx))
	}
	if !counted.IsZero() {
		r.Seconds = healed - seconds(counted)
	}
	d.say("   healed, %.1f s", r.Seconds)
	wrong, err := d.check(ctx, s, &r)
	if err != nil {
		return err
	}
	harm, err := d.harm(ctx)
	if err != nil {
		return err
	}
	wrong = append(wrong, harm...)
	for _, h := range d.clients {
		pid, err := d.pid(ctx, h)
		if err != nil {
			return err
		}
		events, err := readEvents(root(pid) + filepath.Join(workDir, "events"))
		if err != nil {
			return err
		}
		before := r.Lists
		texts := r.count(events, seconds(began), seconds(time.Now()), d.half)
		if r.Lists == before {
			wrong = append(wrong, h+": nobody listed anything")
		}
		for _, t := range texts[:min(len(texts), 8)] {
			d.say("   . %s", t)
		}
		if len(texts) > 8 {
			d.say("   . and %d more, the last: %s", len(texts)-8, texts[len(texts)-1])
		}
	}
	if r.Missed > 0 {
		wrong = append(wrong, fmt.Sprintf("%d listings were missed", r.Missed))
	}
	if r.Early > 0 {
		r.Note = strings.TrimPrefix(fmt.Sprintf("%s; %d empty files read before the half-filled brick was offline", r.Note, r.Early), "; ")
	}
	if r.Lies > 0 {
		wrong = append(wrong, fmt.Sprintf("%d times a file had contents that were not its own", r.Lies))
	}
	if r.Errors > 0 && s.empties == "" {
		wrong = append(wrong, fmt.Sprintf("%d writes failed", r.Errors))
	}
	for _, w := range wrong {
		d.say("   ! %s", w)
		d.wrong = append(d.wrong, s.name+": "+w)
	}
	d.rows = append(d.rows, r)
	d.say("   longest write %.2f s of %d, longest listing %.2f s of %d, lost %d; the step took %.0f s", r.Write, r.Writes, r.List, r.Lists, r.Lost, since(began))
	if v := d.volume(s.empties); v != nil {
		return d.anew(ctx, v)
	}
	return nil
}

func (d *driver) volume(name string) *volume {
	for _, v := range d.volumes {
		if v.name == name {
			return v
		}
	}
	return nil
}

// anew fills a volume that was emptied.
func (d *driver) anew(ctx context.Context, v *volume) error {
	err := each(d.clients, func(h string) error {
		_, err := d.on(ctx, h, "sh", "-c", "systemctl stop reboot-test && rm -f "+statesPath(v.name))
		return err
	})
	if err == nil {
		_, err = d.on(ctx, d.clients[0], "sh", "-c", "rm -rf "+v.mount+"/*")
	}
	if err == nil {
		err = d.fill(ctx, v)
	}
	if err != nil {
		return err
	}
	return each(d.clients, func(h string) error {
		_, err := d.on(ctx, h, "systemctl", "start", "reboot-test")
		return err
	})
}
