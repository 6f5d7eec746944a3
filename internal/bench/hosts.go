package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// group is the name of the test hosts' group (hack/hosts).
const group = "bench"

// readyTime bounds the wait for a host that is to begin, commandTime what runs there: only what fails takes so long.
const (
	readyTime   = 10 * time.Minute
	commandTime = "1800" // seconds, for timeout(1)
)

// all are the hosts of the cluster of molecule/cache, specs how hack/hosts brings them up.
var (
	all   = []string{"cache1", "cache2", "web1", "web2"}
	specs = []string{"cache1:11", "cache2:12", "web1:21", "web2:22"}
)

// machines are the four hosts.
type machines struct {
	pid    map[string]string // of their first process
	cgroup map[string]string // the file that has their processor time
}

// hosts calls hack/hosts and returns what it said.
func (s *session) hosts(ctx context.Context, args ...string) (string, error) {
	return s.ask(ctx, []string{"HOSTS_GROUP=" + group}, append([]string{"hack/hosts"}, args...)...)
}

// remove takes the hosts down, also when this program was told to end.
func (s *session) remove() error {
	return s.do(context.Background(), []string{"HOSTS_GROUP=" + group}, "hack/hosts", "down")
}

// onEach does something for every host at once.
func onEach(f func(host string) error) error {
	errs := make(chan error)
	for _, h := range all {
		go func() { errs <- f(h) }()
	}
	var out []error
	for range all {
		out = append(out, <-errs)
	}
	return errors.Join(out...)
}

// fresh brings up four blank hosts with the program, the cluster file and the scripts, and nothing applied.
func (s *session) fresh(ctx context.Context) error {
	s.applied = false
	if err := s.remove(); err != nil {
		return err
	}
	if err := s.do(ctx, []string{"HOSTS_GROUP=" + group}, append([]string{"hack/hosts", "up"}, specs...)...); err != nil {
		return err
	}
	file, err := s.hosts(ctx, "fill", "molecule/cache/cluster.yaml.in")
	if err != nil {
		return err
	}
	addresses, err := s.hosts(ctx, "addresses")
	if err != nil {
		return err
	}
	root := filepath.Join(s.work, "root")
	// Without the exporter, which the other ways do not install either.
	file = regexp.MustCompile(`(?m)^exporter:.*\n`).ReplaceAllString(file+"\n", "")
	for path, text := range map[string]string{"etc/brickyard/cluster.yaml": file, "etc/brickyard/hosts.lines": hostsLines(addresses)} {
		if err := put(filepath.Join(root, path), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for from, to := range map[string]string{
		"bin/gluster-setup": "usr/local/sbin/gluster-setup", "hack/bench-files/at": "usr/local/lib/brickyard-bench/at",
		"hack/bench-files/bare": "usr/local/lib/brickyard-bench/bare",
	} {
		data, err := os.ReadFile(filepath.Join(s.Root, from))
		if err == nil {
			err = put(filepath.Join(root, to), data, 0o755)
		}
		if err != nil {
			return err
		}
	}
	s.machines = machines{pid: map[string]string{}, cgroup: map[string]string{}}
	for _, h := range all {
		if err := s.look(ctx, h, root); err != nil {
			return err
		}
	}
	return nil
}

// hostsLines turns "NAME ADDRESS" into lines of /etc/hosts.
func hostsLines(addresses string) string {
	var b strings.Builder
	lines(addresses, func(l string) {
		if name, address, ok := strings.Cut(l, " "); ok {
			fmt.Fprintf(&b, "%s %s\n", address, name)
		}
	})
	return b.String()
}

func put(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // as on the hosts
		return err
	}
	return os.WriteFile(path, data, mode) //nolint:gosec // below this run's own directory
}

// look copies the files to a host, and notes its first process and where the kernel counts its processor time.
func (s *session) look(ctx context.Context, host, root string) error {
	container, err := s.hosts(ctx, "container", host)
	if err != nil {
		return err
	}
	if err := s.do(ctx, nil, "podman", "--runtime", "runc", "cp", root+"/.", container+":/"); err != nil {
		return err
	}
	pid, err := s.ask(ctx, nil, "podman", "--runtime", "runc", "inspect", "-f", "{{.State.Pid}}", container)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join("/proc", pid, "cgroup"))
	if err != nil {
		return err
	}
	s.pid[host] = pid
	s.cgroup[host], err = cgroupFile(string(data))
	return err
}

var (
	// cgroup v1 has a tree of its own for processor time, v2 one for everything.
	v1 = regexp.MustCompile(`(?m)^\d+:(?:[^:]*,)?cpuacct(?:,[^:]*)?:(.*)$`)
	v2 = regexp.MustCompile(`(?m)^0::(.*libpod-[0-9a-f]+(?:\.scope)?)`)
)

// cgroupFile is the file with the processor time of the container in which a process is that has this /proc/PID/cgroup.
func cgroupFile(text string) (string, error) {
	if m := v1.FindStringSubmatch(text); m != nil {
		return filepath.Join("/sys/fs/cgroup/cpuacct", m[1], "cpuacct.usage"), nil
	}
	if m := v2.FindStringSubmatch(text); m != nil {
		return filepath.Join("/sys/fs/cgroup", m[1], "cpu.stat"), nil
	}
	return "", fmt.Errorf("no control group of a container in %q", text)
}

// cpu is the processor time of all processes of all hosts so far.
func (m machines) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, h := range all {
		data, err := os.ReadFile(m.cgroup[h])
		if err != nil {
			return 0, err
		}
		word, unit := strings.TrimSpace(string(data)), time.Nanosecond
		if rest, ok := strings.CutPrefix(word, "usage_usec "); ok {
			word, _, _ = strings.Cut(rest, "\n")
			unit = time.Microsecond
		}
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", m.cgroup[h], err)
		}
		sum += time.Duration(n) * unit
	}
	return sum, nil
}

// cost is what a way took: until the last of its commands ended, of all hosts' processors meanwhile, and of those of the commands and
// their children.
type cost struct{ wall, hosts, own time.Duration }

func (c *cost) add(more cost) {
	c.wall += more.wall
	c.hosts += more.hosts
	c.own += more.own
}

// together runs a command on hosts from the same moment on. Entering the hosts is over before the clock starts.
func (s *session) together(ctx context.Context, names []string, argv ...string) (cost, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	ready, done := make(chan error), make(chan ended)
	for _, h := range names {
		start := filepath.Join("/proc", s.pid[h], "root/run/brickyard-bench.go")
		if err := os.RemoveAll(start); err != nil {
			return cost{}, err
		}
		args := append([]string{"hack/hosts", "run", h, "/usr/local/lib/brickyard-bench/at", "timeout", commandTime}, argv...)
		cmd := s.command(ctx, []string{"HOSTS_GROUP=" + group}, args...)
		go func() { done <- at(cmd, ready) }()
	}
	for range names {
		select {
		case err := <-ready:
			if err != nil {
				return cost{}, err
			}
		case <-time.After(readyTime):
			return cost{}, fmt.Errorf("not all of %s are ready after %s", strings.Join(names, ", "), readyTime)
		}
	}
	begin := time.Now().Add(300 * time.Millisecond)
	for _, h := range names {
		start := filepath.Join("/proc", s.pid[h], "root/run/brickyard-bench.go")
		if err := os.WriteFile(start, []byte(fmt.Sprintln(begin.UnixMicro())), 0o644); err != nil { //nolint:gosec // a moment
			return cost{}, err
		}
	}
	before, err := s.cpu()
	if err != nil {
		return cost{}, err
	}
	var c cost
	var errs []error
	for range names {
		e := <-done
		errs = append(errs, e.err)
		c.own += e.own
		c.wall = max(c.wall, e.end.Sub(begin))
	}
	after, err := s.cpu()
	c.hosts = after - before
	if err := errors.Join(append(errs, err)...); err != nil {
		return cost{}, fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return c, nil
}

// ended is when a command ended on a host, and what it cost.
type ended struct {
	end time.Time
	own time.Duration
	err error
}

// at runs a command that says "ready" and later "done", as hack/bench-files/at does.
func at(cmd *exec.Cmd, ready chan<- error) ended {
	out, err := cmd.StdoutPipe()
	if err != nil {
		ready <- err
		return ended{err: err}
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		ready <- err
		return ended{err: err}
	}
	var said strings.Builder
	e, told := ended{err: errors.New("it ended without a word")}, false
	for scan := bufio.NewScanner(out); scan.Scan(); {
		line := scan.Text()
		var end, ms, status int64
		if n, _ := fmt.Sscanf(line, "done %d %d %d", &end, &ms, &status); n == 3 { //nolint:errcheck // other lines are its words
			e = ended{end: time.UnixMicro(end), own: time.Duration(ms) * time.Millisecond}
			if status != 0 {
				e.err = fmt.Errorf("exit status %d", status)
			}
		} else if line == "ready" {
			told = true
			ready <- nil
		}
		said.WriteString(line + "\n")
	}
	_, _ = io.Copy(io.Discard, out)                    //nolint:errcheck // what a line is too long for
	if err := cmd.Wait(); err != nil && e.err == nil { //nolint:revive // its own word comes first
		e.err = err
	}
	if e.err != nil {
		e.err = fmt.Errorf("%w\n%s", e.err, said.String())
	}
	if !told {
		ready <- e.err
	}
	return e
}
