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
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// outcome is what became of a stage.
type outcome struct {
	Name      string    `json:"name"`
	OK        bool      `json:"ok"`
	Wall      float64   `json:"wall_seconds"`
	Processor float64   `json:"processor_seconds"` // of everything that it started, daemons and containers included
	Tests     int       `json:"tests,omitempty"`
	Slow      []testRun `json:"slow,omitempty"`
	At        time.Time `json:"at"`
	// fails are failed tests, why is another reason.
	fails []*testRun
	why   string
}

// slowSeconds is from where on a test has a line of its own.
const slowSeconds = 5

// runner runs stages of one checkout.
type runner struct {
	self  string // this program
	cache string // the checkout's directory for what is made
	// patience is how long what a command left may take to end by itself; 0 is two minutes.
	patience time.Duration
}

func (r *runner) log(s stage) string {
	return filepath.Join(r.cache, "logs", strings.ReplaceAll(s.name, ":", "-")+".log")
}

// report is the log of a scenario's driver, or empty.
func (r *runner) report(s stage) string {
	if s.report == "" {
		return ""
	}
	return filepath.Join(r.cache, s.report)
}

// run runs a stage. What goes wrong is part of the outcome.
func (r *runner) run(ctx context.Context, s stage) outcome {
	out := outcome{Name: s.name, At: time.Now()}
	tests := newResults()
	if err := r.runTo(ctx, s, &out, tests); err != nil {
		out.why = err.Error()
	}
	out.Wall = time.Since(out.At).Seconds()
	out.Tests, out.Slow, out.fails = tests.count(), tests.slow(slowSeconds), tests.failed()
	out.OK = out.why == "" && len(out.fails) == 0
	return out
}

func (r *runner) runTo(ctx context.Context, s stage, out *outcome, tests *results) (err error) {
	log, err := os.Create(r.log(s))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if report := r.report(s); report != "" {
		// What an earlier run said is nothing of this one's.
		if err := os.Remove(report); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	commands, err := s.commands()
	if err != nil {
		return err
	}
	ran := false
	for _, c := range commands {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		used, e := r.command(ctx, s, c, log, tests)
		out.Processor += used
		err = errors.Join(err, e)
		ran = ran || c.test
	}
	if err == nil && ran && tests.count() == 0 {
		return errors.New("no test ran")
	}
	return err
}

// command runs one command of a stage and returns the processor seconds it took.
func (r *runner) command(ctx context.Context, s stage, c command, log io.Writer, tests *results) (float64, error) {
	alive, hold, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer shut(hold, alive)
	reap := []string{"reap"}
	if s.leaves {
		reap = append(reap, "--leave")
	}
	if r.patience > 0 {
		reap = append(reap, "--patience", r.patience.String())
	}
	cmd := exec.Command(r.self, append(reap, c.argv...)...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.ExtraFiles = []*os.File{alive}
	output, input, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer shut(output)
	cmd.Stdout = input
	// The end of the tests' own errors is part of the log; events of go test come on standard output.
	cmd.Stderr = log
	if !c.test {
		cmd.Stderr = input
	}
	err = cmd.Start()
	shut(input)
	if err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { shut(hold) })
	defer stop()

	if c.test {
		err = tests.read(output, log)
	} else {
		err = stamped(output, log)
	}
	err = errors.Join(err, cmd.Wait())
	used := (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(c.argv, " "), err)
	}
	return used, err
}

// shut closes ends of pipes. That one is closed already changes nothing.
func shut(files ...*os.File) {
	for _, f := range files {
		_ = f.Close() //nolint:errcheck // see above
	}
}

// stamped copies lines, each with the second at which it came: scenarios wait a lot, and one wants to see for what.
func stamped(in io.Reader, log io.Writer) error {
	began := time.Now()
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			if _, err := fmt.Fprintf(log, "%4.0f  %s", time.Since(began).Seconds(), line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// stampWidth is what stamped puts before a line.
const stampWidth = 6

// unstamped returns the lines of a log without their seconds.
func unstamped(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\n")
		if len(line) >= stampWidth && stamp.Match(line[:stampWidth]) {
			line = line[stampWidth:]
		}
		out = append(out, string(line))
	}
	return out
}

var stamp = regexp.MustCompile(`^ *\d+  $`)
