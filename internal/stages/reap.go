package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// reapCmd stands between the runner and a command of a stage. Whatever the command starts and leaves becomes its child: so
// the processor time of daemons and containers counts for the stage, and what is left running is seen. It ends the command
// when the runner is gone, however that ended.
type reapCmd struct {
	Leave    bool          `help:"What the command leaves running is meant to."`
	Patience time.Duration `default:"2m" help:"How long what the command left may take to end by itself."`
	Argv     []string      `arg:"" passthrough:""`
}

const (
	// lifeline is the descriptor of a pipe that the runner holds open while it lives.
	lifeline = 3
	// statusLeft is the exit status for a command that went well and left something running.
	statusLeft = 125
)

// Run never returns in ordinary use: it exits with the status of the command.
func (c *reapCmd) Run(context.Context) error {
	path, err := exec.LookPath(c.Argv[0])
	if err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the parent of orphans: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	// The kernel ends the command when the thread that started it is gone.
	runtime.LockOSThread()
	process, err := os.StartProcess(path, c.Argv, &os.ProcAttr{
		Files: []*os.File{null, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM},
	})
	if err != nil {
		return err
	}
	pid := process.Pid
	if err := process.Release(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		// Nobody writes: reading ends with the runner.
		var b [1]byte
		if _, err := os.NewFile(lifeline, "lifeline").Read(b[:]); err != nil {
			close(ended)
			// A command that is gone already needs no end.
			_ = unix.Kill(-pid, unix.SIGTERM) //nolint:errcheck // see above
		}
	}()
	status, err := waitFor(pid)
	if err != nil {
		return err
	}
	var left []string
	if !c.Leave {
		left = waitForOrphans(ended, c.Patience)
	}
	if len(left) > 0 {
		fmt.Fprintf(os.Stderr, "left running by %s:\n  %s\n", strings.Join(c.Argv, " "), strings.Join(left, "\n  "))
	}
	switch {
	case status.Signaled():
		os.Exit(128 + int(status.Signal()))
	case status.ExitStatus() == 0 && len(left) > 0:
		os.Exit(statusLeft)
	}
	os.Exit(status.ExitStatus())
	return nil
}

// waitFor reaps children until process pid has ended.
func waitFor(pid int) (unix.WaitStatus, error) {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return status, fmt.Errorf("wait for process %d: %w", pid, err)
		case got == pid && (status.Exited() || status.Signaled()):
			return status, nil
		}
	}
}

// waitForOrphans reaps until there are no children, and returns the command lines of those that do not end. After the
// runner's own end they are told to.
func waitForOrphans(ended <-chan struct{}, patience time.Duration) []string {
	var told bool
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		for {
			got, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if errors.Is(err, unix.ECHILD) {
				return nil
			}
			if err != nil || got == 0 {
				break
			}
		}
		select {
		case <-ended:
			if told && time.Now().Before(deadline.Add(-patience/2)) {
				continue
			}
			for _, p := range children(os.Getpid()) {
				signal := unix.SIGTERM
				if told {
					signal = unix.SIGKILL
				}
				// It may have ended meanwhile.
				_ = unix.Kill(p.PID, signal) //nolint:errcheck // see above
			}
			told = true
		default:
		}
		if time.Now().After(deadline) {
			var left []string
			for _, p := range children(os.Getpid()) {
				line, err := p.CmdLine()
				if err != nil {
					continue
				}
				left = append(left, fmt.Sprintf("%d %s", p.PID, strings.Join(line, " ")))
			}
			return left
		}
	}
}

// children returns the processes whose parent is pid.
func children(pid int) procfs.Procs {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil
	}
	var out procfs.Procs
	for _, p := range all {
		if s, err := p.Stat(); err == nil && s.PPID == pid {
			out = append(out, p)
		}
	}
	return out
}
