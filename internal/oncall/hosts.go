package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// hosts are the test hosts of one group, reached by hack/hosts; the group is in the environment.
type hosts struct {
	root string // of the checkout
}

// patience is how long after its end a program's output may stay open: podman leaves processes that hold it.
const patience = 2 * time.Second

// command runs a program and returns its output. Its words are in the error.
func (h hosts) command(ctx context.Context, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.WaitDelay = h.root, patience
	out, err := cmd.CombinedOutput()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return string(out), fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// do calls hack/hosts.
func (h hosts) do(ctx context.Context, args ...string) (string, error) {
	return h.command(ctx, append([]string{filepath.Join(h.root, "hack", "hosts")}, args...)...)
}

// on runs a script on a host; it ends at its first failure.
func (h hosts) on(ctx context.Context, host, script string) (string, error) {
	return h.do(ctx, "run", host, "bash", "-euc", script)
}

// onAll runs a script on several hosts, on all at once.
func (h hosts) onAll(ctx context.Context, names []string, script string) error {
	errs := make(chan error)
	for _, name := range names {
		go func() {
			_, err := h.on(ctx, name, script)
			errs <- err
		}()
	}
	var all []error
	for range names {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// firewall runs iptables in the network of a host, whose image has none.
func (h hosts) firewall(ctx context.Context, host string, rules ...string) error {
	container, err := h.do(ctx, "container", host)
	if err != nil {
		return err
	}
	pid, err := h.command(ctx, "podman", "--runtime", "runc", "inspect", "-f", "{{.State.Pid}}", container)
	if err != nil {
		return err
	}
	for _, rule := range rules {
		argv := append([]string{"nsenter", "-t", pid, "-n", "iptables", "-w"}, strings.Fields(rule)...)
		if _, err := h.command(ctx, argv...); err != nil {
			return err
		}
	}
	return nil
}

// cut keeps two hosts from talking with each other. Nobody is told, as when a switch dies; reset breaks connections
// at once instead, as a firewall may.
func (h hosts) cut(ctx context.Context, one, other string, reset bool) error {
	for _, pair := range [][2]string{{one, other}, {other, one}} {
		address, err := h.do(ctx, "address", pair[1])
		if err != nil {
			return err
		}
		how := "DROP"
		if reset {
			how = "REJECT --reject-with tcp-reset"
		}
		if err := h.firewall(ctx, pair[0], "-A INPUT -s "+address+" -j DROP", "-A OUTPUT -d "+address+" -p tcp -j "+how); err != nil {
			return err
		}
	}
	return nil
}

// join takes all of that back.
func (h hosts) join(ctx context.Context, names ...string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, h.firewall(ctx, name, "-F INPUT", "-F OUTPUT"))
	}
	return errors.Join(errs...)
}

// long is after which time of waiting the log says what for.
const long = time.Minute

// until repeats what may fail for a while.
func until(ctx context.Context, limit time.Duration, what string, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	said := time.Now()
	for {
		err := try()
		if err == nil {
			return nil
		}
		if time.Since(said) > long {
			said = time.Now()
			say("   %s: %v", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s, for %s: %w", what, limit, err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}
