package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of a package that could not be built
	Test       string
	Elapsed    float64
	Output     string
	Key, Value string // of an attribute, testing.T.Attr
}

// processorKey is the attribute by which package internal/lab says what the nodes of a test have used.
const processorKey = "processor_seconds"

// testRun is what became of one test function, or of a package as a whole, where its name is empty.
type testRun struct {
	Package   string  `json:"package"`
	Name      string  `json:"name"`
	Wall      float64 `json:"wall_seconds"`
	Processor float64 `json:"processor_seconds,omitempty"` // of the nodes of its labs and the programs in them
	failed    bool
	output    []string
}

func (t *testRun) top() bool { return t.Name != "" && !strings.Contains(t.Name, "/") }

// again is how to repeat it alone.
func (t *testRun) again() string {
	if t.Name == "" {
		return "go test -count=1 " + t.Package
	}
	parts := strings.Split(t.Name, "/")
	for i, p := range parts {
		parts[i] = "^" + p + "$"
	}
	return fmt.Sprintf("go test -count=1 -run '%s' %s", strings.Join(parts, "/"), t.Package)
}

// results of one or more runs of `go test`.
type results struct {
	tests map[string]*testRun
	fails []*testRun // in the order in which they ended
}

func newResults() *results {
	return &results{tests: map[string]*testRun{}}
}

// read takes the events from in until it ends and writes what tests print to log. A line that is no event is printed
// as it is.
func (r *results) read(in io.Reader, log io.Writer) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
				r.take(e)
				line = e.Output
			}
			if _, err := io.WriteString(log, line); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// test returns what is known of a test, or of a package, which may be nothing yet.
func (r *results) test(pkg, name string) *testRun {
	key := pkg + "\x00" + name
	if r.tests[key] == nil {
		r.tests[key] = &testRun{Package: strings.Replace(pkg, "brickyard", ".", 1), Name: name}
	}
	return r.tests[key]
}

func (r *results) take(e event) {
	name := e.Package
	if name == "" {
		name, _, _ = strings.Cut(e.ImportPath, " ")
	}
	t := r.test(name, e.Test)
	switch e.Action {
	case "attr":
		if used, err := strconv.ParseFloat(e.Value, 64); err == nil && e.Key == processorKey {
			top := r.test(name, strings.Split(e.Test, "/")[0])
			top.Processor += used
		}
	case "output", "build-output":
		t.output = append(t.output, e.Output)
	case "pass", "skip", "fail", "build-fail":
		t.Wall = e.Elapsed
		if e.Action == "fail" || e.Action == "build-fail" {
			if !t.failed {
				r.fails = append(r.fails, t)
			}
			t.failed = true
		}
		if !t.failed {
			t.output = nil
		}
	}
}

// failed returns the failures that say something: not those of a test whose subtest failed, nor of a package whose test did.
func (r *results) failed() []*testRun {
	var out []*testRun
	for _, t := range r.fails {
		below := slices.ContainsFunc(r.fails, func(o *testRun) bool {
			return o != t && o.Package == t.Package && o.Name != t.Name && (t.Name == "" || strings.HasPrefix(o.Name, t.Name+"/"))
		})
		if !below {
			out = append(out, t)
		}
	}
	return out
}

// slow returns the test functions that took longer than some seconds, the slowest first.
func (r *results) slow(seconds float64) []testRun {
	var out []testRun
	for _, key := range slices.Sorted(maps.Keys(r.tests)) {
		if t := r.tests[key]; t.top() && t.Wall > seconds {
			out = append(out, testRun{Package: t.Package, Name: t.Name, Wall: t.Wall, Processor: t.Processor})
		}
	}
	slices.SortStableFunc(out, func(a, b testRun) int { return int(b.Wall*1000 - a.Wall*1000) })
	return out
}

// count is the number of test functions, fuzz targets among them.
func (r *results) count() int {
	n := 0
	for _, t := range r.tests {
		if t.top() {
			n++
		}
	}
	return n
}
