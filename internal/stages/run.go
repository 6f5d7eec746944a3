package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

type runCmd struct {
	Stages []string `arg:"" optional:"" help:"Stages; molecule stands for the scenarios of make test, molecule:NAME:SUITE for any."`
	All    bool     `help:"Those of make test-all: what passed at these sources already is not run again."`
	Anew   bool     `help:"With --all: run everything, whatever has passed."`
	Times  bool     `help:"Write the table of this run's times, and with --all of its results, into docs/testing.md."`
	Busy   bool     `help:"Beside eight threads that compute and eight that write and flush files."`
	List   bool     `help:"Only list the stages."`
	Root   string   `default:"." type:"existingdir" help:"Directory of the checkout."`
}

// Run runs stages and ends with an error unless all passed.
func (c *runCmd) Run(ctx context.Context) error {
	if err := os.Chdir(c.Root); err != nil {
		return err
	}
	if c.List {
		return list(os.Stdout, table())
	}
	stages, err := chosen(table(), c.Stages, c.All)
	if err != nil {
		return err
	}
	for _, s := range stages {
		if !s.user && os.Geteuid() != 0 {
			return fmt.Errorf("%s needs root: it installs packages or runs hosts. Try: sudo make test, or make test-unit without root", s.name)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cache, err := filepath.Abs(".cache")
	if err != nil {
		return err
	}
	r := &runner{self: self, cache: cache}
	if err := os.MkdirAll(filepath.Join(cache, "logs"), 0o755); err != nil {
		return err
	}
	before := passed{dir: filepath.Join(cache, "passed")}
	if c.All {
		if before.sources, err = sources(); err != nil {
			return err
		}
	}
	cold := !exists(filepath.Join(cache, "venv"))
	if c.Busy {
		end, err := busy(self, filepath.Join(cache, "busy"))
		if err != nil {
			return err
		}
		defer end()
	}

	began := time.Now()
	said := &sayer{out: os.Stderr, runner: r}
	var outcomes []outcome
	run := func(ctx context.Context, s stage) outcome {
		if c.All && !c.Anew && s.place != first {
			if o, ok := before.get(s); ok {
				return o
			}
		}
		o := r.run(ctx, s)
		if c.All && o.OK {
			if err := before.put(o); err != nil {
				o.why, o.OK = err.Error(), false
			}
		}
		return o
	}
	runAll(ctx, stages, run, said.begins, func(s stage, o outcome) {
		outcomes = append(outcomes, o)
		said.done(s, o)
	})
	wall := time.Since(began).Seconds()
	failed, err := said.sum(os.Stdout, stages, outcomes, wall)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d stages failed", failed, len(stages))
	}
	if c.Times {
		return record("docs/testing.md", section{All: c.All, Cold: cold, Busy: c.Busy, Named: len(c.Stages) > 0}, outcomes, wall)
	}
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// busy starts other work and returns what ends it. It also ends with this program.
func busy(self, dir string) (func(), error) {
	cmd := exec.Command(self, "load", "--dir", dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			fmt.Fprintf(os.Stderr, "the load beside the stages: %v\n", err)
		}
	}, nil
}

func list(out io.Writer, all []stage) error {
	for _, s := range all {
		about := s.about
		if s.more != "" {
			about += " (only make test-all: " + s.more + ")"
		}
		if _, err := fmt.Fprintf(out, "%-26s %s\n", s.name, about); err != nil {
			return err
		}
	}
	return nil
}
