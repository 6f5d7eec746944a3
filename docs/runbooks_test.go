package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// alert is what a runbook must know of an alerting rule.
type alert struct {
	Name        string            `yaml:"alert"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// severities in the order in which the index has them.
var severities = []string{"page", "ticket", "info"}

// headings of every runbook, in this order.
var headings = []string{"Meaning", "Impact", "Check", "Fix", "Escalation"}

func alerts(t *testing.T) []alert {
	t.Helper()
	text, err := os.ReadFile("../dashboards/rules/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	var out []alert
	for _, g := range rules.Groups {
		out = append(out, g.Rules...)
	}
	if len(out) == 0 {
		t.Fatal("no alerts")
	}
	return out
}

// runbooks returns the text of every runbook by its path from the project's root.
func runbooks(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out["docs/"+f] = string(text)
	}
	if len(out) == 0 {
		t.Fatal("no runbooks")
	}
	return out
}

const index = "docs/runbooks/README.md"

func TestEveryAlertHasItsRunbookAndEveryRunbookItsAlert(t *testing.T) {
	t.Parallel()
	pages := runbooks(t)
	used := map[string]bool{index: true}
	for _, a := range alerts(t) {
		url := a.Annotations["runbook_url"]
		text, ok := pages[url]
		if !ok {
			t.Errorf("alert %s: its runbook_url %s does not exist", a.Name, url)
			continue
		}
		used[url] = true
		if line := fmt.Sprintf("`%s` (%s)", a.Name, a.Labels["severity"]); !strings.Contains(text, line) {
			t.Errorf("%s does not name its alert and severity: %s", url, line)
		}
	}
	for p := range pages {
		if !used[p] {
			t.Errorf("%s belongs to no alert of dashboards/rules/alerts.yml", p)
		}
	}
}

// What a rule says and what its runbook's first line says must not drift apart.
func TestARunbookNamesOnlyAlertsThatLinkIt(t *testing.T) {
	t.Parallel()
	linked := map[string][]string{}
	for _, a := range alerts(t) {
		url := a.Annotations["runbook_url"]
		linked[url] = append(linked[url], fmt.Sprintf("`%s` (%s)", a.Name, a.Labels["severity"]))
	}
	for p, text := range runbooks(t) {
		if p == index {
			continue
		}
		lines := strings.SplitN(text, "\n", 4)
		if want := "# " + strings.TrimSuffix(path.Base(p), ".md"); len(lines) < 4 || lines[0] != want {
			t.Errorf("%s:1: the title is not %q", p, want)
			continue
		}
		if want := strings.Join(linked[p], ", "); lines[2] != want {
			t.Errorf("%s:3: %q, want the alerts that link the page: %q", p, lines[2], want)
		}
	}
}

func TestEveryRunbookHasTheFiveHeadings(t *testing.T) {
	t.Parallel()
	heading := regexp.MustCompile(`(?m)^## (.*)$`)
	for p, text := range runbooks(t) {
		if p == index {
			continue
		}
		var got []string
		for _, m := range heading.FindAllStringSubmatch(text, -1) {
			got = append(got, m[1])
		}
		if !slices.Equal(got, headings) {
			t.Errorf("%s has the headings %q, want %q", p, got, headings)
			continue
		}
		parts := heading.Split(text, -1)
		for i, h := range headings {
			if strings.TrimSpace(parts[i+1]) == "" {
				t.Errorf("%s: nothing under %s", p, h)
			}
		}
		if check := parts[3]; !strings.Contains(check, "```sh check") {
			t.Errorf("%s: no block \"```sh check\" under Check: whoever is woken needs a command that only looks", p)
		}
		if fix := parts[4]; !strings.Contains(fix, "\n1. ") || !strings.Contains(fix, "Never") {
			t.Errorf("%s: Fix needs numbered steps, and what never to do", p)
		}
	}
}

func TestTheIndexListsEveryAlertUnderItsSeverity(t *testing.T) {
	t.Parallel()
	text := runbooks(t)[index]
	row := regexp.MustCompile(`(?m)^\| \[([A-Za-z]+)\]\(([A-Za-z]+\.md)\) \|`)
	want, got := map[string][]string{}, map[string][]string{}
	for _, a := range alerts(t) {
		s := a.Labels["severity"]
		if !slices.Contains(severities, s) {
			t.Errorf("alert %s has the severity %q, which the index does not know", a.Name, s)
		}
		want[s] = append(want[s], a.Name+" "+path.Base(a.Annotations["runbook_url"]))
	}
	sections := strings.Split(text, "\n## ")
	for _, s := range severities {
		for _, section := range sections {
			if !strings.HasPrefix(strings.ToLower(section), s) {
				continue
			}
			for _, m := range row.FindAllStringSubmatch(section, -1) {
				got[s] = append(got[s], m[1]+" "+m[2])
			}
		}
		slices.Sort(want[s])
		slices.Sort(got[s])
		if !slices.Equal(got[s], want[s]) {
			t.Errorf("%s lists under %q\n%s\nwant\n%s", index, s, strings.Join(got[s], "\n"), strings.Join(want[s], "\n"))
		}
	}
}
