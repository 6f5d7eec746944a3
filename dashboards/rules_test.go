package dashboards

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// rule is one of Prometheus' rules.
type rule struct {
	Alert, Record, Expr string
	Labels              map[string]string
	Annotations         map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	files, err := filepath.Glob("rules/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	var all []rule
	for _, f := range files {
		var groups struct{ Groups []struct{ Rules []rule } }
		readYAML(t, f, &groups)
		for _, g := range groups.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// selector is the choice of series in a query: a metric and its matchers.
type selector struct{ name, matchers string }

var (
	quoted   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	grouping = regexp.MustCompile(`\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)`)
	names    = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\}|\()?`)
	ranges   = regexp.MustCompile(`\[[^]]*\]`)
	numbers  = regexp.MustCompile(`\b[0-9][0-9a-z.]*`)
	words    = []string{"and", "or", "unless", "bool", "offset"}
)

// selectorsOf finds the selectors of a query: names that are no functions, keywords, labels or durations.
func selectorsOf(expr string) []selector {
	// Braces inside texts would end matchers: texts are put back when the matchers are known.
	texts := quoted.FindAllString(expr, -1)
	expr = quoted.ReplaceAllString(expr, "\x00")
	for _, ignored := range []*regexp.Regexp{grouping, ranges, numbers} {
		expr = ignored.ReplaceAllString(expr, " ")
	}
	var all []selector
	for _, at := range names.FindAllStringSubmatchIndex(expr, -1) {
		s := selector{name: expr[at[2]:at[3]]}
		if at[4] >= 0 {
			s.matchers = expr[at[4]:at[5]]
		}
		if s.matchers == "(" || slices.Contains(words, s.name) {
			continue
		}
		for before := strings.Count(expr[:at[0]], "\x00"); strings.Contains(s.matchers, "\x00"); before++ {
			s.matchers = strings.Replace(s.matchers, "\x00", texts[before], 1)
		}
		all = append(all, s)
	}
	return all
}

// documented are the metrics of docs/metrics.md, which a test of the exporter compares with the code, with what histograms are made of.
func documented(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{
		// Prometheus' own, and what every program with its library exports.
		"up": true, "ALERTS": true, "ALERTS_FOR_STATE": true, "scrape_duration_seconds": true,
		"process_cpu_seconds_total": true, "process_resident_memory_bytes": true, "gluster_exporter_build_info": true,
	}
	before := len(known)
	for _, m := range regexp.MustCompile("(?m)^\\| `(gluster_[a-z_]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(string(text), -1) {
		if m[2] != "histogram" {
			known[m[1]] = true
			continue
		}
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			known[m[1]+suffix] = true
		}
	}
	if len(known)-before < 80 {
		t.Fatalf("docs/metrics.md has only %d metrics", len(known)-before)
	}
	return known
}

func TestEveryMetricOfPanelsAndRulesExists(t *testing.T) {
	known := documented(t)
	all := rules(t)
	for _, r := range all {
		if r.Record != "" {
			known[r.Record] = true
		}
	}
	used := map[string]bool{}
	check := func(where, expr string) {
		for _, s := range selectorsOf(expr) {
			used[s.name] = true
			if !known[s.name] {
				t.Errorf("%s asks for %s, which is no metric of docs/metrics.md and no recording rule: %s", where, s.name, expr)
			}
		}
	}
	for _, r := range all {
		check("rule "+r.Alert+r.Record, r.Expr)
	}
	for _, d := range load(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				check(d.UID+": panel "+p.Title, target.Expr)
			}
		}
	}
	if len(used) < 60 {
		t.Errorf("only %d metrics were found in all rules and panels", len(used))
	}
	for _, r := range all {
		if r.Record != "" && !used[r.Record] {
			t.Errorf("nobody asks for the recording rule %s", r.Record)
		}
	}
}

func TestSelectorsOfQueriesAreFound(t *testing.T) {
	for expr, want := range map[string][]selector{
		`sum by (cluster) (rate(a_total{b="}("}[5m])) / on (cluster) group_left () c`:      {{"a_total", `{b="}("}`}, {"c", ""}},
		`min_over_time(x:y:p90_5m{z=~"w|v"}[15m]) > 1e3 and up offset 20m unless bool > 5`: {{"x:y:p90_5m", `{z=~"w|v"}`}, {"up", ""}},
	} {
		if have := selectorsOf(expr); !slices.Equal(have, want) {
			t.Errorf("%s has the selectors %q, want %q", expr, have, want)
		}
	}
}

// tested returns which alerts fire in the tests of the rules, and which of them do not at another time of the same test.
func tested(t *testing.T) (fires, silent map[string]bool) {
	t.Helper()
	files, err := filepath.Glob("rules/tests/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	fires, silent = map[string]bool{}, map[string]bool{}
	name := regexp.MustCompile(`alertname="([A-Za-z]+)"`)
	for _, f := range files {
		var suite struct {
			Tests []struct {
				PromqlExprTest []struct {
					ExpSamples []struct{ Labels string } `yaml:"exp_samples"`
				} `yaml:"promql_expr_test"`
			}
		}
		readYAML(t, f, &suite)
		for _, test := range suite.Tests {
			times := map[string]int{}
			for _, expected := range test.PromqlExprTest {
				now := map[string]bool{}
				for _, sample := range expected.ExpSamples {
					if m := name.FindStringSubmatch(sample.Labels); m != nil && !now[m[1]] {
						now[m[1]] = true
						times[m[1]]++
					}
				}
			}
			for alert, n := range times {
				fires[alert] = true
				silent[alert] = silent[alert] || n < len(test.PromqlExprTest)
			}
		}
	}
	return fires, silent
}

func TestEveryAlertIsTestedAndHasARunbook(t *testing.T) {
	fires, silent := tested(t)
	alerts := map[string]bool{}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		alerts[r.Alert] = true
		if !fires[r.Alert] {
			t.Errorf("no test in rules/tests has %s fire", r.Alert)
		}
		if !silent[r.Alert] {
			t.Errorf("no test in rules/tests has %s be silent", r.Alert)
		}
		if !slices.Contains([]string{"page", "ticket", "info"}, r.Labels["severity"]) {
			t.Errorf("%s has the severity %q", r.Alert, r.Labels["severity"])
		}
		// Two alerts about one thing share a page; the overview finds it by the alert's name.
		runbook := r.Annotations["runbook_url"]
		if want := "docs/runbooks/" + strings.TrimSuffix(r.Alert, "Soon") + ".md"; runbook != want {
			t.Errorf("%s names the runbook %q, want %s", r.Alert, runbook, want)
		}
		if _, err := os.Stat(filepath.Join("..", runbook)); err != nil {
			t.Errorf("%s has no runbook: write %s", r.Alert, runbook)
		}
	}
	for name := range fires {
		if !alerts[name] {
			t.Errorf("rules/tests test the alert %s, which there is not", name)
		}
	}
}
