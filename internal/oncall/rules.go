package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml"
)

// rule is one of Prometheus' rules.
type rule struct {
	Alert, Record, Expr string
	For                 string
	Labels              map[string]string
	Annotations         map[string]string
	KeepFiringFor       string `yaml:"keep_firing_for"`
}

// ruleFiles are those of dashboards/rules.
func ruleFiles() []string { return []string{"recording.yml", "alerts.yml"} }

// readRules returns all rules of the checkout.
func readRules(root string) ([]rule, error) {
	var all []rule
	for _, name := range ruleFiles() {
		text, err := os.ReadFile(filepath.Join(root, "dashboards", "rules", name))
		if err != nil {
			return nil, err
		}
		rules, err := parseRules(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, rules...)
	}
	return all, nil
}

func parseRules(text string) ([]rule, error) {
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		return nil, err
	}
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all, nil
}

// metric is a name that an exporter or a recording rule gives: ours all hold gluster_.
var metric = regexp.MustCompile(`\b(?:[a-z_]+:)?gluster_[a-z_]+(?::[a-z0-9_]+)?\b`)

// metricsOf are the metrics that rules ask for, and those that they record.
func metricsOf(rules []rule) []string {
	var all []string
	for _, r := range rules {
		all = append(all, metric.FindAllString(r.Expr, -1)...)
		if r.Record != "" {
			all = append(all, r.Record)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
