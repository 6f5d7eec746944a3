package main

import (
	"bytes"
	"context"
	"encoding/json"
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

// hosts are the test hosts of one group.
type hosts struct {
	prefix string            // of the names of their containers
	ids    map[string]string // of their containers, by host: by these runc knows them
}

// known finds the hosts' containers out.
func (h *hosts) known(ctx context.Context, names []string) error {
	h.ids = map[string]string{}
	for _, n := range names {
		id, err := h.podman(ctx, "inspect", "-f", "{{.Id}}", h.prefix+n)
		if err != nil {
			return err
		}
		h.ids[n] = strings.TrimSpace(id)
	}
	return nil
}

// patience bounds every wait for what happens by itself. Only what fails takes so long, on a busy machine too.
const patience = 15 * time.Minute

// stopSeconds is how long a clean shutdown may take before the host is killed: a shutdown that hangs.
const stopSeconds = 600

// podman runs podman.
func (h *hosts) podman(ctx context.Context, args ...string) (string, error) {
	return output(ctx, append([]string{"podman", "--runtime", "runc"}, args...)...)
}

// output runs a program. What it says goes through files: what podman leaves running would keep a pipe open.
func output(ctx context.Context, argv ...string) (string, error) {
	dir, err := os.MkdirTemp("", "reboot")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // small
	stdout, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		return "", err
	}
	defer stdout.Close() //nolint:errcheck // read below
	stderr, err := os.Create(filepath.Join(dir, "err"))
	if err != nil {
		return "", err
	}
	defer stderr.Close() //nolint:errcheck // read below
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err = cmd.Run()
	out, rerr := os.ReadFile(stdout.Name())
	words, werr := os.ReadFile(stderr.Name())
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s%s", strings.Join(argv, " "), err, out, bytes.TrimSpace(words))
	}
	return string(out), errors.Join(rerr, werr)
}

// on runs a command on a host. Podman would take five times the processor time for it.
func (h *hosts) on(ctx context.Context, host string, argv ...string) (string, error) {
	return output(ctx, append([]string{"runc", "exec", h.ids[host]}, argv...)...)
}

// status runs a command on a host and returns its exit status and its output.
func (h *hosts) status(ctx context.Context, host string, argv ...string) (int, string, error) {
	out, err := h.on(ctx, host, argv...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), err.Error(), nil
	}
	return 0, out, err
}

// reboot runs this program on a host.
func (h *hosts) reboot(ctx context.Context, host string, args ...string) (string, error) {
	return h.on(ctx, host, append([]string{program}, args...)...)
}

// program is where this program is on the hosts.
const program = "/usr/local/sbin/reboot-test"

func (h *hosts) stop(ctx context.Context, host string) error {
	_, err := h.podman(ctx, "stop", "-t", strconv.Itoa(stopSeconds), h.prefix+host)
	return err
}

// start powers a host on and returns at once.
func (h *hosts) start(ctx context.Context, host string) error {
	_, err := h.podman(ctx, "start", h.prefix+host)
	return err
}

func (h *hosts) kill(ctx context.Context, host string) error {
	_, err := h.podman(ctx, "kill", "-s", "KILL", h.prefix+host)
	return err
}

// killAll ends hosts within the same moment, however busy this machine is, and returns when podman knows.
func (h *hosts) killAll(ctx context.Context, hosts []string) error {
	var pids []int
	for _, host := range hosts {
		out, err := h.podman(ctx, "inspect", "-f", "{{.State.Pid}}", h.prefix+host)
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(strings.TrimSpace(out))
		if err != nil || pid <= 1 {
			return fmt.Errorf("%s does not run: process %q", host, out)
		}
		pids = append(pids, pid)
	}
	// The end of a container's first process is that of all.
	for _, pid := range pids {
		if err := unix.Kill(pid, unix.SIGKILL); err != nil {
			return fmt.Errorf("kill process %d: %w", pid, err)
		}
	}
	return each(hosts, func(host string) error {
		_, err := h.podman(ctx, "wait", h.prefix+host)
		return err
	})
}

// booted waits until systemd has nothing left to start. A failed unit is an error.
func (h *hosts) booted(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		out, err := h.on(ctx, host, "systemctl", "is-system-running", "--wait")
		switch {
		case err == nil:
			return nil
		case strings.HasPrefix(out, "degraded"), ctx.Err() != nil:
			failed, ferr := h.on(context.WithoutCancel(ctx), host, "systemctl", "--no-pager", "--plain", "--no-legend", "--failed")
			return errors.Join(fmt.Errorf("%s is %s after booting: %s", host, strings.TrimSpace(out), failed), ferr)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// pid is the first process of a running host as this machine sees it.
func (h *hosts) pid(_ context.Context, host string) (int, error) {
	// Of a container that does not run runc knows nothing.
	text, err := os.ReadFile(filepath.Join("/run/runc", h.ids[host], "state.json"))
	if err != nil {
		return 0, fmt.Errorf("%s does not run: %w", host, err)
	}
	state, err := decode[struct {
		Pid int `json:"init_process_pid"`
	}](string(text), nil)
	if err == nil && state.Pid == 0 {
		err = fmt.Errorf("%s does not run", host)
	}
	return state.Pid, err
}

// root is the file system of a running host as this machine sees it.
func root(pid int) string { return fmt.Sprintf("/proc/%d/root", pid) }

// processes of root on the host whose command line holds all words, as this machine numbers them.
func processes(pid int, words ...string) ([]int, error) {
	namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	if err != nil {
		return nil, err
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var out []int
next:
	for _, dir := range all {
		if ns, err := os.Readlink(dir + "/ns/pid"); err != nil || ns != namespace {
			continue
		}
		var st unix.Stat_t
		if err := unix.Stat(dir, &st); err != nil || st.Uid != 0 { // an enemy's
			continue
		}
		line, err := os.ReadFile(dir + "/cmdline")
		if err != nil {
			continue
		}
		for _, w := range words {
			if !bytes.Contains(line, []byte(w)) {
				continue next
			}
		}
		p, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// signal sends a signal to all processes of root on a host whose command line holds
// all words. None is an error.
func (h *hosts) signal(ctx context.Context, host string, s unix.Signal, words ...string) error {
	found, err := h.find(ctx, host, words...)
	if err != nil {
		return err
	}
	return send(found, s)
}

// find returns the processes of root on a host with these words in their command lines.
func (h *hosts) find(ctx context.Context, host string, words ...string) ([]int, error) {
	pid, err := h.pid(ctx, host)
	if err != nil {
		return nil, err
	}
	found, err := processes(pid, words...)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s has no process %q", host, words)
	}
	return found, err
}

func send(processes []int, s unix.Signal) error {
	for _, p := range processes {
		if err := unix.Kill(p, s); err != nil {
			return err
		}
	}
	return nil
}

func decode[T any](text string, err error) (T, error) {
	var v T
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal([]byte(text), &v)
}
