package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
)

const checkout = "../.."

func TestDurationsAreDividedAndNothingElseChanges(t *testing.T) {
	const rules = `groups:
  - rules:
      - record: a:b:p90_5m
        expr: rate(a{b="5m"}[5m]) > 300
      - alert: A
        expr: |
          predict_linear(a[6h], 86400) < 0 and time() - b > 21 * 86400
          and delta(a[20m]) >= 0 and a offset 20m > 0 and max_over_time(a[1h:1m]) > 1
        for: 2m
        keep_firing_for: 30s
        annotations: {summary: "for 2m"}
`
	for by, want := range map[int]string{
		1: rules,
		10: strings.NewReplacer("[5m]", "[30s]", "[6h]", "[36m]", "[20m]", "[2m]", "offset 20m", "offset 2m", "[1h:", "[6m:",
			"for: 2m", "for: 12s", "keep_firing_for: 30s", "keep_firing_for: 3s").Replace(rules),
		7: strings.NewReplacer("[5m]", "[42s857ms]", "[6h]", "[51m25s714ms]", "[20m]", "[2m51s428ms]", "offset 20m", "offset 2m51s428ms", "[1h:", "[8m34s285ms:",
			"for: 2m", "for: 17s142ms", "keep_firing_for: 30s", "keep_firing_for: 4s285ms").Replace(rules),
	} {
		have, err := scale(rules, by)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("divided by %d (-want +have):\n%s", by, diff)
		}
	}
	for _, bad := range []struct {
		rules string
		by    int
	}{{rules, 0}, {"        for: 2mm\n", 2}} {
		if have, err := scale(bad.rules, bad.by); err == nil {
			t.Errorf("divided by %d:\n%s\nis no error", bad.by, have)
		}
	}
}

// TestTheCommittedRulesScale compares the rules of the checkout with themselves.
func TestTheCommittedRulesScale(t *testing.T) {
	window, length := regexp.MustCompile(`\[[^]]+\]|offset \S+`), regexp.MustCompile(`[0-9][0-9a-z]*`)
	for _, name := range ruleFiles() {
		text, err := os.ReadFile(filepath.Join(checkout, "dashboards", "rules", name))
		if err != nil {
			t.Fatal(err)
		}
		before, err := parseRules(string(text))
		if err != nil {
			t.Fatal(err)
		}
		divided, err := scale(string(text), 10)
		if err != nil {
			t.Fatal(err)
		}
		after, err := parseRules(divided)
		if err != nil {
			t.Fatal(err)
		}
		tenth := func(was, is string) bool {
			a, erra := model.ParseDuration(was)
			b, errb := model.ParseDuration(is)
			return was == is && was == "" || erra == nil && errb == nil && time.Duration(b) == time.Duration(a)/10
		}
		for i, was := range before {
			is := after[i]
			if !tenth(was.For, is.For) || !tenth(was.KeepFiringFor, is.KeepFiringFor) {
				t.Errorf("%s: for %s and %s became %s and %s", was.Alert, was.For, was.KeepFiringFor, is.For, is.KeepFiringFor)
			}
			old, now := window.FindAllString(was.Expr, -1), window.FindAllString(is.Expr, -1)
			for n := range old {
				if !tenth(length.FindString(old[n]), length.FindString(now[n])) {
					t.Errorf("%s%s: %s became %s", was.Alert, was.Record, old[n], now[n])
				}
			}
			was.For, was.KeepFiringFor, is.For, is.KeepFiringFor = "", "", "", ""
			was.Expr, is.Expr = window.ReplaceAllString(was.Expr, ""), window.ReplaceAllString(is.Expr, "")
			if diff := cmp.Diff(was, is); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestMetricsOfRulesAreFound(t *testing.T) {
	have := metricsOf([]rule{{Record: "a:gluster_b:max", Expr: `max(gluster_b{job=~".*gluster.*"}) > time()`}, {Expr: "a:gluster_b:p90_5m unless on (volume) gluster_b == 0"}})
	if want := []string{"a:gluster_b:max", "a:gluster_b:p90_5m", "gluster_b"}; !slices.Equal(have, want) {
		t.Errorf("%q, want %q", have, want)
	}
}

// TestEveryAlertIsInTheMatrixOrExcused: docs/detection.md has the measured ones in its first table, all others with a reason in the second.
func TestEveryAlertIsInTheMatrixOrExcused(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(checkout, "docs", "detection.md"))
	if err != nil {
		t.Fatal(err)
	}
	measured, excused, ok := strings.Cut(string(text), "\n## Not broken here\n")
	if !ok {
		t.Fatal("docs/detection.md has no section about what is not broken")
	}
	rules, err := readRules(checkout)
	if err != nil {
		t.Fatal(err)
	}
	severity := map[string]string{}
	for _, r := range rules {
		if r.Alert != "" {
			severity[r.Alert] = r.Labels["severity"]
		}
	}
	broken := map[string]bool{}
	for _, wave := range faults() {
		for _, f := range wave {
			if !strings.Contains(measured, "| "+f.name+" | ") {
				t.Errorf("docs/detection.md has no row for: %s", f.name)
			}
			for _, a := range f.fires {
				broken[a.name] = true
				if severity[a.name] == "" {
					t.Errorf("%s: there is no alert %s", f.name, a.name)
				}
			}
			for _, p := range slices.Concat(f.pages, f.briefly) {
				if severity[p] != "page" {
					t.Errorf("%s may raise %s, whose severity is %q", f.name, p, severity[p])
				}
			}
		}
	}
	for name := range severity {
		if broken[name] != strings.Contains(measured, "`"+name+"`") {
			t.Errorf("%s: broken on purpose: %t, in the measured table: %t", name, broken[name], !broken[name])
		}
		if broken[name] == strings.Contains(excused, "| `"+name+"` |") {
			t.Errorf("%s: broken on purpose: %t, and excused: %t", name, broken[name], broken[name])
		}
	}
}

func TestTheTableSaysWhatTheTrueRulesTake(t *testing.T) {
	rows := []row{
		{Fault: "f", Alert: "A", Severity: "page", Wait: 12, Fired: 15.4, Over: 20, Others: []string{"B (ticket)", "C (info)"}},
		{Alert: "D", Severity: "ticket", Fired: 1, On: on(web1, "volume", "v")},
	}
	const want = `| fault | alert | severity | the rule waits, s | fired after, s | with the rule as it is, s | ended after, s | other alerts |
|---|---|---|---|---|---|---|---|
| f | ` + "`A`" + ` | page | 12 of 120 | 15 | 123 | 20 | B (ticket), C (info) |
| | ` + "`D`" + ` (web1, v) | ticket | 0 | 1 | 1 | 0 | |
`
	if diff := cmp.Diff(want, markdown(rows, 10)); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
	const plain = `| fault | alert | severity | the rule waits, s | fired after, s | ended after, s | other alerts |
|---|---|---|---|---|---|---|
| f | ` + "`A`" + ` | page | 12 | 15 | 20 | B (ticket), C (info) |
| | ` + "`D`" + ` (web1, v) | ticket | 0 | 1 | 0 | |
`
	if diff := cmp.Diff(plain, markdown(rows, 1)); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}

func TestLabelsMatchAndRead(t *testing.T) {
	have := labels{"alertname": "A", "severity": "page", "cluster": "c", "instance": "web1.example.com", "volume": "v"}
	if want := `A{instance="web1.example.com",volume="v"}`; have.String() != want {
		t.Errorf("%s, want %s", have, want)
	}
	for a, want := range map[*alert]bool{
		{"A", of("volume", "v")}: true, {"A", on(web1)}: true, {"A", on(web2)}: false, {"B", nil}: false, {"A", nil}: true,
	} {
		if a.matches(have) != want {
			t.Errorf("%s matches %s: %t", a, have, !want)
		}
	}
}

func TestConnectedReadsThePool(t *testing.T) {
	const pool = "UUID\t\t\t\t\tHostname          \tState\n1-2\tcache2.example.com\tConnected \n3-4\tcache3.example.com\tDisconnected \n5-6\tlocalhost         \tConnected "
	if !connected(pool, "cache2.example.com") || connected(pool, "cache3.example.com") || connected(pool, "cache1.example.com") {
		t.Error("a wrong node is connected")
	}
}
