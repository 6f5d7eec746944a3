package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// result is one line of a Go benchmark.
type result struct {
	name string   // without Benchmark
	sub  []string // names of sub-benchmarks, without what stands before "="
	of   map[string]float64
}

// value is a figure of a result as a word; a dash where the benchmark did not report it.
func (r result) value(unit, format string) string {
	v, ok := r.of[unit]
	switch {
	case !ok:
		return "-"
	case format == "":
		return figure(v)
	}
	return fmt.Sprintf(format, v)
}

// results reads what `go test -bench` printed.
func results(output, file string) ([]result, error) {
	var out []result
	reader := benchfmt.NewReader(strings.NewReader(output), file)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.Result:
			r := result{of: map[string]float64{}}
			base, parts := rec.Name.Parts()
			r.name = string(base)
			for _, p := range parts {
				word := string(p)
				if strings.HasPrefix(word, "-") { // GOMAXPROCS
					continue
				}
				if _, after, ok := strings.Cut(word, "="); ok {
					word = after
				}
				r.sub = append(r.sub, strings.ReplaceAll(strings.TrimPrefix(word, "/"), "_", " "))
			}
			for _, v := range rec.Values {
				r.of[v.Unit] = v.Value
			}
			out = append(out, r)
		case *benchfmt.SyntaxError:
			return nil, rec
		}
	}
	if err := reader.Err(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no benchmark reported anything", file)
	}
	return out, nil
}

// goBench runs a Go benchmark. What it said stays in the session's directory, under the name.
func (s *session) goBench(ctx context.Context, name string, env []string, args ...string) ([]result, error) {
	output, err := s.ask(ctx, env, append([]string{"go", "test", "-run=NONE", "-timeout=2h"}, args...)...)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.work, name+".out")
	if err := os.WriteFile(file, []byte(output), 0o644); err != nil { //nolint:gosec // nothing of it is secret
		return nil, err
	}
	fmt.Fprintln(s.log, output) //nolint:errcheck // it is in the file, too
	return results(output, file)
}

func (s *session) status(ctx context.Context) error {
	s.progress("status by socket and by command line, %d runs", s.StatusRuns)
	runs := fmt.Sprintf("-count=%d", s.StatusRuns)
	all, err := s.goBench(ctx, "status", nil, "-bench=.", runs, "./gluster/")
	if err != nil {
		return err
	}
	s.heading(fmt.Sprintf("1. The status of a volume of three bricks on three nodes, in milliseconds: median of %d runs (lowest-highest)", s.StatusRuns))
	s.measured("measured with", "go test -run=NONE -bench=. "+runs+" ./gluster/")
	s.measured("socket", "gluster.Client.VolumeStatus in one process")
	s.measured("command line", "gluster --mode=script --xml volume status three")
	for _, kind := range []named{
		{"absent", "without geo-replication"},
		{"installed", "with geo-replication installed, which every gluster command starts, as Debian has it"},
	} {
		fmt.Fprintf(s.out, "\n   %s", kind.title)
		s.show(statusSamples(all, kind.name).table(
			[]named{{"wall", "wall"}, {"client", "CPU of the client"}, {"daemons", "CPU of glusterds"}, {"total", "CPU of all"}},
			[]named{{"socket", "socket"}, {"cli", "command line"}}, []ratio{{"cli", "socket", "command line / socket"}}))
	}
	return nil
}

func statusSamples(all []result, kind string) samples {
	of := samples{}
	for round, r := range all {
		if len(r.sub) == 0 || r.sub[0] != kind {
			continue
		}
		for _, way := range []string{"socket", "cli"} {
			client, daemons := r.of[way+"-client-cpu-ms"], r.of[way+"-daemons-cpu-ms"]
			of.add(way, "wall", round, r.of[way+"-wall-ms"])
			of.add(way, "client", round, client)
			of.add(way, "daemons", round, daemons)
			of.add(way, "total", round, client+daemons)
		}
	}
	return of
}

func (s *session) scrape(ctx context.Context) error {
	s.progress("scrape by exporter and by command line, %d rounds", s.ScrapeRounds)
	all, err := s.goBench(ctx, "scrape", nil, "-bench=Scrape", fmt.Sprintf("-benchtime=%dx", s.ScrapeRounds), "./exporter/labtest")
	if err != nil {
		return err
	}
	s.heading(fmt.Sprintf("4. The facts of one node of three, in milliseconds: median of %d rounds (lowest-highest)", s.ScrapeRounds))
	s.measured("scrape", "GET /metrics, the mean of 20")
	s.measured("command line", "gluster --mode=script --xml pool list, volume info, get all cluster.op-version, and of each volume: "+
		"status, status detail, status clients, profile info, heal statistics heal-count, heal statistics")
	for _, r := range all {
		table := [][]string{{r.title("volumes", "geo-replication"), "wall", "CPU of the client", "CPU of all"}}
		for _, row := range []struct{ title, before, after string }{{"scrape", "scrape-", "-ms"}, {"command line", "cli-", "-ms"}, {"command line / scrape", "x-", ""}} {
			line := []string{row.title}
			for _, what := range []string{"wall", "client-cpu", "total-cpu"} {
				unit := row.before + what + row.after
				line = append(line, fmt.Sprintf("%s (%s-%s)", r.value(unit, ""), r.value(unit+"-lowest", ""), r.value(unit+"-highest", "")))
			}
			table = append(table, line)
		}
		s.show(table)
	}
	return nil
}

// title is what the sub-benchmarks are about, with their words.
func (r result) title(words ...string) string {
	var out []string
	for i, w := range r.sub {
		if i < len(words) && words[i] != "" {
			w = words[i] + "=" + w
		}
		out = append(out, w)
	}
	return strings.Join(out, ", ")
}

// column is a figure of each result.
type column struct{ title, unit, format string }

// each has a row for each result, behind a first cell for each name of its sub-benchmarks.
func each(all []result, names []string, columns []column) [][]string {
	head := append([]string{}, names...)
	for _, c := range columns {
		head = append(head, c.title)
	}
	table := [][]string{head}
	for _, r := range all {
		line := make([]string, len(names))
		copy(line, r.sub)
		for _, c := range columns {
			line = append(line, r.value(c.unit, c.format))
		}
		table = append(table, line)
	}
	return table
}

func (s *session) scale(ctx context.Context) error {
	s.progress("scrapes of simulated nodes, %d of each size", s.ScaleScrapes)
	all, err := s.goBench(ctx, "scale", nil, "-bench=.", fmt.Sprintf("-benchtime=%dx", s.ScaleScrapes), "./exporter")
	if err != nil {
		return err
	}
	s.heading(fmt.Sprintf("5. A scrape over HTTP of simulated nodes, %d of each size after warming up", s.ScaleScrapes))
	size := []string{"volumes", "peers", "local bricks"}
	s.show(each(only(all, "Scrape"), size, []column{
		{"metrics", "metrics", "%.0f"},
		{"median ms", "ms/scrape", "%.1f"},
		{"fastest ms", "fastest-ms", "%.1f"},
		{"CPU ms", "cpu-ms/scrape", "%.1f"},
		{"allocs", "allocs/scrape", "%.0f"},
		{"MiB alloc.", "MiB-allocated/scrape", "%.1f"},
		{"MiB resident", "MiB-resident", "%.1f"},
		{"MiB peak", "MiB-peak", "%.1f"},
	}))
	fmt.Fprint(s.out, "\n   one collector alone, the page included")
	s.show(each(only(all, "Collector"), append(size, "collector"), []column{{"median ms", "ms/scrape", "%.1f"}, {"CPU ms", "cpu-ms/scrape", "%.1f"}}))
	return nil
}

// only returns the results of one benchmark.
func only(all []result, name string) []result {
	var out []result
	for _, r := range all {
		if r.name == name {
			out = append(out, r)
		}
	}
	return out
}

func (s *session) check(ctx context.Context) error {
	s.progress("check on %d files", s.CheckFiles)
	all, err := s.goBench(ctx, "check", []string{fmt.Sprintf("CHECK_FILES=%d", s.CheckFiles)}, "-bench=Check", "-benchtime=1x", "./setup/labtest")
	if err != nil {
		return err
	}
	s.heading(fmt.Sprintf("7. check on %d files of 4 KB on two bricks, beside a client that creates, reads, stats and removes a file of 4 KB and pauses for 20 ms", s.CheckFiles))
	s.show(each(all, []string{""}, []column{
		{"seconds", "s", "%.1f"},
		{"entries/s", "entries/s", "%.0f"},
		{"CPU s", "cpu-s", "%.1f"},
		{"bricks CPU s", "bricks-cpu-s", "%.1f"},
		{"MiB, peak", "MiB-peak", "%.1f"},
		{"MiB, a client", "MiB-peak-client", "%.1f"},
		{"round ms, median", "client-ms-median", "%.1f"},
		{"round ms, p99", "client-ms-p99", "%.1f"},
	}))
	s.measured("CPU s", "of gluster-setup and its two clients; MiB: the most that gluster-setup, and one of its clients, had resident")
	return nil
}

func (s *session) sync(ctx context.Context) error {
	s.progress("bricks on seven kinds of file systems, %d rounds", s.SyncRounds)
	all, err := s.goBench(ctx, "sync", []string{fmt.Sprintf("DURABILITY_ROUNDS=%d", s.SyncRounds)}, "-bench=Durability", "-benchtime=1x", "./setup/labtest")
	if err != nil {
		return err
	}
	s.heading(fmt.Sprintf("8. A client of two bricks on image files of this machine's disk: seconds, median of %d rounds, and the ratio to xfs async (lowest-highest)", s.SyncRounds))
	s.measured("create", "300 files of 43 bytes, and their removal; unpack: this project's tree out of a tar file; rsync: of that tree into a second one, with checksums;")
	s.measured("loop", "30 times a file of 1 MB, written, read and removed; read: the second tree; remove: both trees")
	works := []string{"create", "unpack", "rsync", "loop", "read", "remove"}
	table := [][]string{append([]string{""}, works...)}
	for _, r := range all {
		line := []string{r.title()}
		for _, w := range works {
			line = append(line, fmt.Sprintf("%s s  %s (%s-%s)", r.value(w+"-s", "%.2f"), r.value(w+"-ratio", "%.2f"), r.value(w+"-ratio-lowest", "%.2f"), r.value(w+"-ratio-highest", "%.2f")))
		}
		table = append(table, line)
	}
	s.show(table)
	return nil
}

func (s *session) mounts(ctx context.Context) error {
	s.progress("mounts with and without auto-invalidation, %d rounds", s.MountRounds)
	all, err := s.goBench(ctx, "mounts", []string{fmt.Sprintf("INVALIDATION_ROUNDS=%d", s.MountRounds)}, "-bench=Invalidation", "-benchtime=1x", "./setup/labtest")
	if err != nil {
		return err
	}
	s.heading(fmt.Sprintf("9. A client with auto-invalidation=yes against one without: seconds, median of %d rounds, and their ratio (lowest-highest)", s.MountRounds))
	s.measured("create", "to remove, but own, as in part 8, with less of this project's tree; again: read it three times more; own: read a file of 20 MB ten times that was just written")
	table := [][]string{{"", "without", "with", "ratio"}}
	for _, r := range all {
		table = append(table, []string{
			r.title(), r.value("without-s", "%.2f s"), r.value("with-s", "%.2f s"),
			fmt.Sprintf("%s (%s-%s)", r.value("ratio", "%.2f"), r.value("ratio-lowest", "%.2f"), r.value("ratio-highest", "%.2f")),
		})
	}
	s.show(table)
	return nil
}

func (s *session) render(ctx context.Context) error {
	s.progress("render for one node of a thousand")
	all, err := s.goBench(ctx, "render", nil, "-bench=^BenchmarkRender$", "-benchtime=20x", "./setup")
	if err != nil {
		return err
	}
	s.heading("11. render, from a cluster file of 1,000 nodes and 200 volumes, 20 times")
	s.show(each(all, []string{""}, []column{{"longest, s", "longest-s", ""}, {"mean, s", "sec/op", ""}}))
	return nil
}

func (s *session) looks(ctx context.Context) error {
	s.progress("looks at a simulated pool")
	all, err := s.goBench(ctx, "looks", nil, "-bench=^BenchmarkLook$", "-benchtime=3x", "./setup")
	if err != nil {
		return err
	}
	s.heading("12. One look at a simulated pool of 100 servers and 1,000 volumes of six bricks, mean of 3")
	s.show(each(all, []string{""}, []column{
		{"wall, s", "sec/op", "%.2f"},
		{"questions", "questions", "%.0f"},
		{"of them to others", "questions-others", "%.0f"},
		{"MiB asked", "MiB-asked", "%.2f"},
		{"MiB answered", "MiB-answered", "%.2f"},
	}))
	return nil
}

// endurance is what TestManyScrapes says of itself.
var endurance = regexp.MustCompile(`(?m)^ *endurance_test\.go:\d+: (.*)$|^--- PASS: [^(]*\((.*)\)$`)

func (s *session) day(ctx context.Context) error {
	const scrapes = 5760 // one every 15 s
	s.progress("24 hours of scrapes")
	output, err := s.ask(ctx, []string{fmt.Sprintf("EXPORTER_SCRAPES=%d", scrapes)}, "go", "test", "-count=1", "-v", "-timeout=2h", "-run=^TestManyScrapes$", "./exporter")
	if err != nil {
		return err
	}
	said := endurance.FindAllStringSubmatch(output, -1)
	if said == nil {
		return errors.New("TestManyScrapes said nothing")
	}
	s.heading(fmt.Sprintf("6. %d scrapes of a simulated node, volumes and bricks coming and going", scrapes))
	for _, m := range said {
		fmt.Fprintf(s.out, "   %s\n", strings.TrimSpace(m[1]+" "+m[2]))
	}
	return nil
}
