package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lastWords is how much a failed program's error has of what it said.
const lastWords = 4000

// command is a program of the checkout or of the machine, which is asked to end with this one's context and then has a while.
func (s *session) command(ctx context.Context, env []string, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // programs of this checkout
	cmd.Dir, cmd.Env = s.Root, append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGTERM) }
	cmd.WaitDelay = time.Minute
	return cmd
}

// do calls a program whose words go to the log. They go there as a file, which what podman leaves running may keep open.
func (s *session) do(ctx context.Context, env []string, argv ...string) error {
	cmd := s.command(ctx, env, argv...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w, see %s", strings.Join(argv, " "), err, s.log.Name())
	}
	return nil
}

// ask calls a program and returns what it said. Its errors have its last words.
func (s *session) ask(ctx context.Context, env []string, argv ...string) (string, error) {
	var out, words bytes.Buffer
	cmd := s.command(ctx, env, argv...)
	cmd.Stdout, cmd.Stderr = &out, io.MultiWriter(&words, s.log)
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		all := out.String() + words.String()
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, all[max(0, len(all)-lastWords):])
	}
	return strings.TrimSpace(out.String()), nil
}

func (s *session) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%4.0f s  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

func (s *session) heading(text string) { fmt.Fprintf(s.out, "\n%s\n", text) }

// measured says how something was measured.
func (s *session) measured(name, how string) { fmt.Fprintf(s.out, "   %-16s %s\n", name, how) }

// show prints a table below a line that is empty.
func (s *session) show(lines [][]string) { fmt.Fprintf(s.out, "\n%s", grid(lines)) }

// machine says what is measured on.
func (s *session) machine(ctx context.Context) (string, error) {
	version, err := s.ask(ctx, nil, "bin/gluster-setup", "version")
	if err != nil {
		return "", err
	}
	version, _, _ = strings.Cut(version, "\n")
	gluster, err := s.ask(ctx, nil, "dpkg-query", "-W", "-f", "${source:Upstream-Version}", "glusterfs-server")
	if err != nil {
		return "", err
	}
	var info unix.Sysinfo_t
	var name unix.Utsname
	if err := errors.Join(unix.Sysinfo(&info), unix.Uname(&name)); err != nil {
		return "", err
	}
	release, _, _ := strings.Cut(unix.ByteSliceToString(name.Release[:]), "-")
	load, err := loadAverage()
	return fmt.Sprintf("%s, %s, %d CPUs, %d MiB, Linux %s, GlusterFS %s, load %s", version, time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		runtime.NumCPU(), uint64(info.Totalram)*uint64(info.Unit)>>20, release, gluster, load), err
}

func loadAverage() (string, error) {
	data, err := os.ReadFile("/proc/loadavg")
	load, _, _ := strings.Cut(string(data), " ")
	return load, err
}

// lines calls f for each line of a text.
func lines(text string, f func(string)) {
	for scan := bufio.NewScanner(strings.NewReader(text)); scan.Scan(); {
		f(scan.Text())
	}
}
