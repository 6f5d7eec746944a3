package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/internal/impostor"
)

// enemyCmd is somebody who wants to do harm: a user without privileges on each host, and root on one client. Everything
// it tries must fail, or change nothing that is not its own; what works is told on standard output.
type enemyCmd struct {
	Bricks []string          `help:"Mount points of bricks on this host."`
	Mounts map[string]string `help:"Mount points of volumes on this host, by volume."`
}

const (
	enemyPause = 2 * time.Second
	// trap is the directory in each volume where root of a client leaves what is to do harm on other hosts.
	trap = ".enemy"
)

// trial is one thing that must not work; do returns nil when it did.
type trial struct {
	what string
	do   func() error
}

// Run tries again and again until the context ends, which is when the host shuts down.
func (c *enemyCmd) Run(ctx context.Context) error {
	if os.Geteuid() != 0 {
		go pose(ctx)
	}
	for rounds := 1; ; rounds++ {
		if os.Geteuid() == 0 {
			setTraps(c.Mounts, rounds)
		} else {
			for _, t := range c.trials() {
				if t.do() == nil {
					fmt.Println("harm: " + t.what)
				}
			}
		}
		fmt.Println("tried everything")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(enemyPause):
		}
	}
}

// trials are what a user without privileges tries.
func (c *enemyCmd) trials() []trial {
	var out []trial
	add := func(what string, do func() error) { out = append(out, trial{what, do}) }
	for _, file := range []string{
		"/etc/fstab", "/etc/hosts", "/etc/brickyard/cluster.yaml", "/var/lib/brickyard/recovery.json", "/var/lib/glusterd/secure-access",
		"/var/lib/glusterd/glusterd.info", "/var/run/gluster/enemy.socket", "/run/brickyard/enemy", "/var/lib/glusterd/gluster-setup/enemy",
	} {
		add("wrote to "+file, func() error { return appendTo(file) })
	}
	for _, dir := range c.Bricks {
		for _, mark := range []string{"refill", "flushed", "compared", "clean", "withheld"} {
			file := filepath.Join(dir, ".gluster-setup-"+mark)
			add("forged "+file, func() error { return replaceText(file, "begun x\n") })
			add("linked "+file, func() error { return unix.Symlink("/etc/passwd", file) })
		}
		add("made the brick's directory in "+dir, func() error { return os.Mkdir(filepath.Join(dir, "brick"), 0o777) })
		add("moved the brick in "+dir, func() error { return os.Rename(filepath.Join(dir, "brick"), filepath.Join(dir, "away")) })
		add("read the brick in "+dir, func() error {
			names, err := os.ReadDir(filepath.Join(dir, "brick"))
			if err == nil && len(names) == 0 {
				err = errNothing
			}
			return err
		})
		add("mounted over "+dir, func() error { return unix.Mount("none", dir, "tmpfs", 0, "") })
	}
	for _, dir := range c.Mounts {
		add("wrote to the root of "+dir, func() error { return appendTo(filepath.Join(dir, "enemy")) })
		add("made the probers' directory in "+dir, func() error { return os.Mkdir(filepath.Join(dir, ".gluster_exporter"), 0o777) })
		add("became root by a program in "+dir, func() error {
			out, err := exec.Command(filepath.Join(dir, trap, "id"), "-u").Output()
			if err == nil && strings.TrimSpace(string(out)) != "0" {
				err = errors.New("it ran without root's rights")
			}
			return err
		})
		add("opened a device in "+dir, func() error { return appendTo(filepath.Join(dir, trap, "device")) })
	}
	return out
}

var errNothing = errors.New("nothing is there")

func appendTo(file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NONBLOCK, 0o666)
	if err != nil {
		return err
	}
	return f.Close()
}

func replaceText(file, text string) error { return os.WriteFile(file, []byte(text), 0o666) }

// pose shows processes that look like GlusterFS's to who believes arguments.
func pose(ctx context.Context) {
	const socket = "/tmp/enemy.socket"
	err := impostor.Pose(ctx, socket,
		[]string{"/usr/sbin/glusterfs", "-s", "localhost", "--volfile-id", "shd/server", "-p", "/tmp/enemy.pid", "-S", socket, "--process-name", "glustershd"},
		[]string{"/usr/sbin/glusterfsd", "-s", "cache1.example.com", "--volfile-id", "server.cache1.example.com.cache_server-brick", "-S", socket, "--brick-name", "/cache_server/brick"})
	if err != nil {
		fmt.Println("cannot pose:", err)
	}
}
