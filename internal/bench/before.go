package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// programs builds both programs of the sources in one directory into another.
func (s *session) programs(ctx context.Context, from, to string) error {
	for _, p := range []struct{ name, source string }{{"gluster-setup", "./setup"}, {"gluster_exporter", "./exporter"}} {
		err := s.do(ctx, []string{"CGO_ENABLED=0"}, "go", "-C", from, "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(to, p.name), p.source)
		if err != nil {
			return err
		}
	}
	return nil
}

// unpack puts the sources of a commit into a directory.
func (s *session) unpack(ctx context.Context, commit, to string) error {
	if _, err := s.ask(ctx, nil, "git", "rev-parse", "--verify", "--quiet", commit+"^{commit}"); err != nil {
		return fmt.Errorf("no commit %s in this clone: git fetch --unshallow, or name another one in BENCH_BEFORE", commit)
	}
	archive := to + ".tar"
	if err := s.do(ctx, nil, "git", "archive", "-o", archive, commit); err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o755); err != nil { //nolint:gosec // sources
		return err
	}
	return s.do(ctx, nil, "tar", "-x", "-C", to, "-f", archive)
}

// pair is a figure that both builds have.
type pair struct{ benchmark, unit string }

// before runs the same benchmarks with the programs of both, in turn within each round, so that what else the machine does hits both.
func (s *session) before(ctx context.Context) error {
	s.progress("building the programs of %s and of these sources", s.Before)
	sources, programs := filepath.Join(s.work, "sources"), filepath.Join(s.work, "programs")
	if err := s.unpack(ctx, s.Before, sources); err != nil {
		return err
	}
	builds := []named{{"before", sources}, {"now", s.Root}}
	for _, b := range builds {
		if err := s.programs(ctx, b.title, filepath.Join(programs, b.name)); err != nil {
			return err
		}
	}
	of := samples{}
	for round := range s.BeforeRounds {
		order := slices.Clone(builds)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, b := range order {
			s.progress("round %d of %d: %s", round+1, s.BeforeRounds, b.name)
			env := []string{"LAB_PROGRAMS=" + filepath.Join(programs, b.name), fmt.Sprintf("CHECK_FILES=%d", s.BeforeFiles)}
			for _, args := range [][]string{
				{"-bench=^BenchmarkCheck$/^check_--rate_0$", "-benchtime=1x", "./setup/labtest"},
				{"-bench=^BenchmarkResync$", "-benchtime=1x", "./setup/labtest"},
				{"-bench=^BenchmarkScrape$/^volumes=20$/^geo-replication=absent$", "-benchtime=2x", "./exporter/labtest"},
			} {
				all, err := s.goBench(ctx, "before-last", env, args...)
				if err != nil {
					return err
				}
				for _, r := range all {
					for unit, v := range r.of {
						of.add(b.name, r.name+" "+unit, round, v)
					}
				}
			}
		}
	}
	s.heading(fmt.Sprintf("10. Programs of %s and of now, in turn: medians of %d rounds (lowest-highest)", s.Before, s.BeforeRounds))
	s.measured("check, resync", fmt.Sprintf("%d files of 4 KB on two bricks; check with --rate 0; resync from the guard to the end of the heal of 100 files", s.BeforeFiles))
	s.measured("scrape", "one node of three with 20 volumes; its processor time and that of every GlusterFS daemon")
	s.measured("p", "how probable figures as different as these are when nothing has changed (Mann-Whitney)")
	s.show(beforeTable(of))
	return nil
}

// beforeTable has a row for each figure that both builds have.
func beforeTable(of samples) [][]string {
	table := [][]string{{"", "before", "now", "now / before", "p"}}
	for _, p := range []pair{
		{"Check", "s"},
		{"Check", "cpu-s"},
		{"Check", "MiB-peak"},
		{"Resync", "s"},
		{"Resync", "cpu-s"},
		{"Resync", "MiB-peak"},
		{"Scrape", "scrape-wall-ms"},
		{"Scrape", "scrape-client-cpu-ms"},
		{"Scrape", "scrape-total-cpu-ms"},
	} {
		what := p.benchmark + " " + p.unit
		then, now := of.of("before", "", what), of.of("now", "", what)
		if len(then) == 0 || len(now) == 0 {
			continue
		}
		table = append(table, []string{what, spread(then), spread(now), spread(of.of("now", "before", what)), fmt.Sprintf("%.2f", sameKindProbability(then, now))})
	}
	return table
}
