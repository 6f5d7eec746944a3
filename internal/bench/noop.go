package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// playbooks runs Ansible on the hosts.
type playbooks struct {
	s         *session
	inventory string
	env       []string
	of        samples
}

// changedSomething is in the recap of a playbook that was no measurement.
var changedSomething = regexp.MustCompile(`(changed|failed|unreachable)=[1-9]`)

// run runs a playbook, and keeps what it took unless the round is 0.
func (p playbooks) run(ctx context.Context, who string, round int, args ...string) error {
	before, err := p.s.cpu()
	if err != nil {
		return err
	}
	cmd := p.s.command(ctx, p.env, append([]string{"ansible-playbook", "-i", p.inventory}, args...)...)
	file := filepath.Join(p.s.work, "ansible.out") // what podman leaves running may keep it open
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close() //nolint:errcheck // read below
	cmd.Stdout, cmd.Stderr = out, out
	began := time.Now()
	rerr := cmd.Run()
	wall := time.Since(began)
	text, err := os.ReadFile(file)
	if err = errors.Join(rerr, err); err == nil && changedSomething.Match(text) {
		err = errors.New("it found something to change")
	}
	if err != nil {
		return fmt.Errorf("ansible-playbook %s: %w\n%s", strings.Join(args, " "), err, text[max(0, len(text)-lastWords):])
	}
	after, err := p.s.cpu()
	if err != nil || round == 0 {
		return err
	}
	control, hosts := cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), after-before
	p.of.add(who, "wall", round, wall.Seconds())
	p.of.add(who, "hosts", round, hosts.Seconds())
	p.of.add(who, "control", round, control.Seconds())
	p.of.add(who, "total", round, (control + hosts).Seconds())
	return nil
}

// fstab is a line of a host's /etc/fstab, of that type, as a JSON object.
func (s *session) fstab(ctx context.Context, host, kind string) (string, error) {
	line, err := s.hosts(ctx, "run", host, "awk", "-v", "type="+kind, `$1 !~ /^#/ && $3 == type {
		printf "{\"src\": \"%s\", \"path\": \"%s\", \"fstype\": \"%s\", \"opts\": \"%s\"}", $1, $2, $3, $4; exit}`, "/etc/fstab")
	if err == nil && line == "" {
		err = fmt.Errorf("%s: no %s in /etc/fstab", host, kind)
	}
	return line, err
}

// playbooks writes what Ansible needs to know: how to reach the hosts, and the lines that are there, so that the playbook says the same
// as the cluster file. It runs as the Molecule scenarios run it, without a configuration of this machine.
func (s *session) playbooks(ctx context.Context, ours string) (playbooks, error) {
	p := playbooks{s: s, inventory: filepath.Join(s.work, "inventory.yml"), of: samples{}}
	var inventory strings.Builder
	inventory.WriteString("all:\n  vars: {ansible_connection: podman_exec, ansible_python_interpreter: /usr/bin/python3}\n  children:\n" +
		"    servers: {hosts: {cache1: {}, cache2: {}}}\n    clients: {hosts: {web1: {}, web2: {}}}\n  hosts:\n")
	for _, h := range all {
		container, err := s.hosts(ctx, "id", h)
		if err != nil {
			return p, err
		}
		fmt.Fprintf(&inventory, "    %s: {ansible_host: %s}\n", h, container)
	}
	brick, err := s.fstab(ctx, "cache1", "tmpfs")
	if err != nil {
		return p, err
	}
	client, err := s.fstab(ctx, "web1", "glusterfs")
	if err != nil {
		return p, err
	}
	names, err := os.ReadFile(filepath.Join(s.work, "root/etc/brickyard/hosts.lines"))
	if err != nil {
		return p, err
	}
	var quoted []string
	lines(string(names), func(l string) { quoted = append(quoted, fmt.Sprintf("%q", l)) })
	config := filepath.Join(s.work, "ansible.cfg")
	for file, text := range map[string]string{
		p.inventory: inventory.String(), config: "[defaults]\n",
		s.vars(): fmt.Sprintf(`{"hosts_lines": [%s], "brick": %s, "client": %s}`, strings.Join(quoted, ", "), brick, client),
	} {
		if err := put(file, []byte(text), 0o644); err != nil {
			return p, err
		}
	}
	p.env = []string{
		"ANSIBLE_CONFIG=" + config, "ANSIBLE_HOME=" + filepath.Join(s.Root, ".cache/ansible"),
		"ANSIBLE_COLLECTIONS_PATH=" + s.collections() + ":" + ours, "ANSIBLE_CONNECTION_PLUGINS=" + filepath.Join(s.Root, "molecule/shared/connection"),
		"ANSIBLE_PIPELINING=true", "ANSIBLE_FORKS=8", "ANSIBLE_TIMEOUT=600", "ANSIBLE_NOCOLOR=1", "ANSIBLE_DEPRECATION_WARNINGS=false",
	}
	return p, nil
}

// vars is the file with the playbook's variables, collections the directory with gluster.gluster.
func (s *session) vars() string        { return filepath.Join(s.work, "vars.json") }
func (s *session) collections() string { return filepath.Join(s.Root, ".cache/bench-collections") }

// contender is a way to find nothing to do.
type contender struct {
	named
	how     string
	measure func(ctx context.Context, round int) error
}

// contenders are the ways that can be measured here: those of gluster.gluster only where it is.
func (s *session) contenders(p playbooks, withModules bool) []contender {
	playbook := func(who string, args ...string) func(context.Context, int) error {
		return func(ctx context.Context, round int) error { return p.run(ctx, who, round, args...) }
	}
	ways := []contender{
		{
			named{"module", "module gluster_setup"},
			"ansible-playbook hack/bench-files/module.yml: brickyard.gluster.gluster_setup, copied whole to each host",
			playbook("module", "hack/bench-files/module.yml"),
		},
		{
			named{"command", "apply as a command of Ansible"},
			"ansible-playbook -e run='gluster-setup apply' hack/bench-files/command.yml",
			playbook("command", "-e", `{"run": "gluster-setup apply"}`, "hack/bench-files/command.yml"),
		},
		{
			named{"nothing", "the command true of Ansible"},
			"ansible-playbook -e run=true hack/bench-files/command.yml: what Ansible itself takes",
			playbook("nothing", "-e", `{"run": "true"}`, "hack/bench-files/command.yml"),
		},
		{named{"alone", "apply alone"}, "gluster-setup apply, on all four at once", func(ctx context.Context, round int) error {
			c, err := s.apply(ctx)
			if err == nil && round > 0 {
				p.of.add("alone", "wall", round, c.wall.Seconds())
				p.of.add("alone", "hosts", round, c.hosts.Seconds())
				p.of.add("alone", "total", round, c.hosts.Seconds())
			}
			return err
		}},
	}
	if withModules {
		ways = append([]contender{{
			named{"modules", "modules of gluster.gluster"},
			"ansible-playbook hack/bench-files/gluster.yml (gluster.gluster 1.0.2)",
			playbook("modules", "-e", "@"+s.vars(), "hack/bench-files/gluster.yml"),
		}}, ways...)
	}
	return ways
}

func (s *session) noop(ctx context.Context) error {
	if !s.applied {
		s.progress("no-op apply: hosts")
		if err := s.fresh(ctx); err != nil {
			return err
		}
		if _, err := s.apply(ctx); err != nil {
			return err
		}
	}
	missing := s.do(ctx, nil, "hack/bench-files/collection", s.collections())
	s.progress("no-op apply: waiting for a cluster that is healthy")
	// A cluster that does not become healthy ends it, and says why.
	if _, err := s.hosts(ctx, "run", "cache1", "timeout", commandTime, "bash", "-c", "until gluster-setup status >/dev/null; do sleep 1; done"); err != nil {
		return fmt.Errorf("the cluster is not healthy: %w", err)
	}
	ours, err := s.ask(ctx, nil, "hack/collection", "tree")
	if err != nil {
		return err
	}
	p, err := s.playbooks(ctx, ours)
	if err != nil {
		return err
	}
	nothingToDo := func() error {
		return onEach(func(h string) error {
			_, err := s.hosts(ctx, "run", h, "gluster-setup", "plan")
			return err
		})
	}
	if err := nothingToDo(); err != nil {
		return err
	}
	ways := s.contenders(p, missing == nil)
	// Round 0 shows that everybody agrees that there is nothing to do, and warms up.
	for round := range s.NoopRounds + 1 {
		if round > 0 {
			s.progress("no-op apply, round %d of %d", round, s.NoopRounds)
		}
		order := slices.Clone(ways)
		if round%2 == 0 {
			slices.Reverse(order)
		}
		for _, w := range order {
			if err := w.measure(ctx, round); err != nil {
				return err
			}
		}
	}
	if err := nothingToDo(); err != nil {
		return err
	}
	s.heading(fmt.Sprintf("3. Finding nothing to do on the four hosts, in seconds: median of %d rounds (lowest-highest)", s.NoopRounds))
	if missing != nil {
		s.measured("modules", fmt.Sprintf("not measured: gluster.gluster is not here (%v)", missing))
	}
	var rows []named
	for _, w := range ways {
		s.measured(w.name, w.how)
		rows = append(rows, w.named)
	}
	s.show(p.of.table([]named{{"wall", "wall"}, {"hosts", "CPU of the hosts"}, {"control", "CPU of Ansible"}, {"total", "CPU of all"}}, rows,
		[]ratio{{"modules", "module", "modules / module"}, {"modules", "command", "modules / command"}, {"modules", "alone", "modules / alone"}}))
	return nil
}
