package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"

	"brickyard/exporter/collector"
	"brickyard/exporter/probe"
)

const reference = "../docs/metrics.md"

// TestMain adds -update, which writes the generated parts of the reference.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the generated parts of the reference")
	os.Exit(m.Run())
}

// TestReferenceDocumentsEveryMetric compares the generated parts of docs/metrics.md with the code.
func TestReferenceDocumentsEveryMetric(t *testing.T) {
	data, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	text := replacePart(t, string(data), "metrics", metricTables(t))
	text = replacePart(t, text, "costs", costTable())
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(reference, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(data), text); diff != "" {
		t.Errorf("%s differs from the code; run go test ./exporter -update (-have +want):\n%s", reference, diff)
	}
}

// TestFormerNamesLeadToMetricsThatAreThere looks at the table of what other exporters call things.
func TestFormerNamesLeadToMetricsThatAreThere(t *testing.T) {
	data, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(data), "## Coming from another exporter")
	if !found {
		t.Fatal("the reference has no table of former names")
	}
	known := map[string]bool{}
	for _, m := range slices.Concat(collectorMetrics(), probeMetrics(t)) {
		known[m.name] = true
	}
	suffix := regexp.MustCompile(`_(bucket|sum|count)$`)
	checked := 0
	for line := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			continue
		}
		for _, name := range regexp.MustCompile(`gluster_[a-z_]+[a-z]`).FindAllString(cells[2], -1) {
			checked++
			if !known[name] && !known[suffix.ReplaceAllString(name, "")] {
				t.Errorf("%s is no metric of ours: %s", name, line)
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d names were checked", checked)
	}
}

func replacePart(t *testing.T, text, name, part string) string {
	t.Helper()
	begin := "<!-- begin " + name + ": made by go test ./exporter -update -->\n"
	end := "<!-- end " + name + " -->\n"
	before, rest, found := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no part between %q and %q", reference, begin, end)
	}
	return before + begin + "\n" + part + "\n" + end + after
}

type documented struct{ group, name, kind, labels, help string }

func collectorMetrics() []documented {
	var out []documented
	add := func(group string, metrics []*collector.Metric) {
		for _, m := range metrics {
			kind := "gauge"
			switch {
			case m.Histogram:
				kind = "histogram"
			case m.Type == prometheus.CounterValue:
				kind = "counter"
			}
			out = append(out, documented{group, m.Name, kind, strings.Join(m.Labels, ", "), m.Help})
		}
	}
	add("every scrape", collector.Own())
	for _, c := range collector.All(collector.Options{}) {
		add(c.Name, c.Metrics)
	}
	return out
}

// probeMetrics reads descriptions: the prober makes its series as it goes.
func probeMetrics(t *testing.T) []documented {
	t.Helper()
	descs := make(chan *prometheus.Desc, 100)
	probe.New(probe.Config{}, promslog.NewNopLogger()).Describe(descs)
	close(descs)
	form := regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: "(.*?)"(?:, unit: "[^"]*")?, constLabels: \{\}, variableLabels: \{([^}]*)\}\}$`)
	var out []documented
	for d := range descs {
		m := form.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("a description of another form: %s", d)
		}
		kind := "gauge"
		switch {
		case strings.HasSuffix(m[1], "_total"):
			kind = "counter"
		case strings.HasSuffix(m[1], "_operation_duration_seconds"), strings.HasSuffix(m[1], "_echo_seconds"):
			kind = "histogram"
		}
		out = append(out, documented{"prober", m[1], kind, strings.ReplaceAll(m[3], ",", ", "), m[2]})
	}
	return out
}

func metricTables(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	group := ""
	for _, m := range slices.Concat(collectorMetrics(), probeMetrics(t)) {
		if m.group != group {
			group = m.group
			fmt.Fprintf(&b, "\n### %s\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n", group)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kind, m.labels, strings.ReplaceAll(m.help, "|", "\\|"))
	}
	return strings.TrimPrefix(b.String(), "\n")
}

func costTable() string {
	var b strings.Builder
	b.WriteString("| collector | what it exports | what a scrape costs |\n|---|---|---|\n")
	for _, c := range collector.All(collector.Options{}) {
		name := "`" + c.Name + "`"
		if c.Off {
			name += " (off)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, c.Help, c.Cost)
	}
	return b.String()
}
