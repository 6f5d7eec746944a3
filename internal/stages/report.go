package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// sayer tells a person how far it is.
type sayer struct {
	out    io.Writer
	runner *runner
}

func (s *sayer) begins(st stage) { fmt.Fprintf(s.out, "==> %s: %s\n", st.name, st.about) }

func (s *sayer) done(st stage, o outcome) {
	if o.OK {
		if st.shown != nil {
			for _, line := range unstamped(s.runner.log(st)) {
				if st.shown.MatchString(line) {
					fmt.Fprintf(s.out, "  %s\n", strings.TrimLeft(line, " "))
				}
			}
		}
		fmt.Fprintf(s.out, "    %s: ok in %.0f s\n", o.Name, o.Wall)
		return
	}
	fmt.Fprintf(s.out, "    %s: FAILED in %.0f s, all of it in %s\n", o.Name, o.Wall, s.runner.log(st))
	s.failure(s.out, st, o, 60)
}

// serious are the lines of a scenario, a linter or a driver that say what failed.
var serious = regexp.MustCompile(`fatal: \[|FAILED|level=error|^panic|DATA RACE|^error:|: error: |\d\d:\d\d:\d\d +(! |WRONG: )|^ *E: |left running by`)

var (
	// again are the words of a playbook about a task that may still succeed.
	again = regexp.MustCompile(`^FAILED - RETRYING`)
	// fatal begins what a playbook says of a task that failed, and step what comes after.
	fatal = regexp.MustCompile(`fatal: \[|failed: \[`)
	step  = regexp.MustCompile(`^(TASK|PLAY|RUNNING HANDLER|NO MORE HOSTS)|^\S+ > \S+:|^\.\.\.ignoring`)
)

// failures are the serious lines of a log, and of a playbook's failed task all that it said and its name.
func failures(log []string) []string {
	var out []string
	var task string
	inside := false
	for _, line := range log {
		switch {
		case fatal.MatchString(line):
			out, inside = append(out, task), true
		case step.MatchString(line):
			task, inside = line, false
		}
		if (inside && strings.TrimSpace(line) != "" || serious.MatchString(line)) && !again.MatchString(line) {
			out = append(out, line)
		}
	}
	return out
}

const widest = 300

// failure says why a stage failed: of each failed test at most some lines, of other logs those that tell, and their end.
func (s *sayer) failure(out io.Writer, st stage, o outcome, lines int) {
	part := func(title string, text []string, most int) {
		fmt.Fprintf(out, "    %s\n", title)
		if skipped := len(text) - most; skipped > 0 {
			fmt.Fprintf(out, "    | (%d lines before)\n", skipped)
			text = text[skipped:]
		}
		for _, line := range text {
			line = strings.TrimRight(line, "\n")
			fmt.Fprintf(out, "    | %s\n", line[:min(len(line), widest)])
		}
	}
	if o.why != "" {
		part("why:", strings.Split(o.why, "\n"), lines)
	}
	for _, t := range o.fails {
		part(strings.TrimSpace(t.Package+" "+t.Name)+":", essential(t.output), lines)
		fmt.Fprintf(out, "    again: %s\n", t.again())
	}
	if len(o.fails) == 0 {
		log := unstamped(s.runner.log(st))
		part("what failed:", failures(log), lines/2)
		if report := s.runner.report(st); report != "" && exists(report) {
			part("what its driver said last:", unstamped(report), lines)
		}
		part("its last lines:", log, lines/2)
	}
	fmt.Fprintf(out, "    again: hack/test install build images %s\n", o.Name)
}

// daemonLog begins, in what a lab says of a failure, the end of a daemon's log, and testLine a message of a test.
var (
	daemonLog = regexp.MustCompile(`(the end of [a-z.-]+\.log|log of the exporter on \S+):$`)
	testLine  = regexp.MustCompile(`^ +[a-z_]+(_test)?\.go:\d+: `)
)

// essential leaves out of a test's output what go test says of every test, and the logs of daemons.
func essential(output []string) []string {
	inLog := false
	return slices.DeleteFunc(slices.Clone(output), func(l string) bool {
		l = strings.TrimRight(l, "\n")
		if testLine.MatchString(l) || strings.HasPrefix(l, "--- ") {
			inLog = daemonLog.MatchString(l)
		}
		return inLog || strings.HasPrefix(l, "=== ") || strings.TrimSpace(l) == ""
	})
}

// sum prints the table of a run and, again at the end, where whoever reads only that finds it, what failed. It returns how
// many stages did, those included that did not come to run.
func (s *sayer) sum(out io.Writer, stages []stage, outcomes []outcome, wall float64) (int, error) {
	var text, short strings.Builder
	failed, processor := 0, 0.0
	fmt.Fprintf(&text, "\n%-32s %7s %11s\n", "", "seconds", "processor s")
	for _, o := range outcomes {
		mark := "ok   "
		if !o.OK {
			mark = "FAIL "
			failed++
		}
		processor += o.Processor
		fmt.Fprintf(&text, "%s %-26s %7.0f %11.0f\n", mark, o.Name, o.Wall, o.Processor)
		fmt.Fprintf(&short, "%s %-26s %5.0f s\n", mark, o.Name, o.Wall)
	}
	fmt.Fprintf(&text, "%-32s %7.0f %11.0f\n\n", "total", wall, processor)
	missing := len(stages) - len(outcomes)
	if missing > 0 {
		fmt.Fprintf(&text, "%d stages did not run\n", missing)
	}
	for _, o := range outcomes {
		if o.OK {
			continue
		}
		i := slices.IndexFunc(stages, func(st stage) bool { return st.name == o.Name })
		fmt.Fprintf(&text, "%s FAILED\n", o.Name)
		s.failure(&text, stages[i], o, 30)
	}
	fmt.Fprintf(&text, "%d passed, %d failed\n", len(outcomes)-failed, failed+missing)
	if err := os.WriteFile(filepath.Join(s.runner.cache, "logs", "results"), []byte(short.String()), 0o644); err != nil {
		return 0, err
	}
	_, err := io.WriteString(out, text.String())
	return failed + missing, err
}
