package ansible

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"brickyard/setup/cluster"
)

// Cluster is a cluster file that came as a parameter.
type Cluster struct {
	Text   string // as it is to lie on the node
	fields bool   // it came as a mapping: places in Text mean nothing to its author
}

// header tells who opens the file on a node where it came from.
const header = "# Written by Ansible from the parameter cluster of " + Module + ": changes made here do not last.\n"

func clusterOf(v any, raw json.RawMessage) (*Cluster, error) {
	switch v := v.(type) {
	case string:
		if !strings.HasSuffix(v, "\n") {
			v += "\n" // Ansible cuts the last one off where it templates
		}
		return &Cluster{Text: v}, nil
	case map[string]any:
		text, err := yaml.JSONToYAML(raw) // keeps the order of the keys, which decides who leads
		if err != nil {
			return nil, fmt.Errorf("cluster: %w", err)
		}
		return &Cluster{Text: header + string(text), fields: true}, nil
	}
	return nil, fmt.Errorf("cluster must be a mapping or the YAML text of a cluster file, not %s", show(v))
}

// Parse decodes and checks the cluster file, which will lie at path. Problems
// name the field in a mapping, the line in a text.
func (c *Cluster) Parse(path string) (*cluster.Cluster, error) {
	parsed, err := cluster.Parse("cluster", []byte(c.Text))
	if problems, ok := errors.AsType[cluster.Errors](err); ok && c.fields {
		return nil, FieldErrors(problems)
	}
	if err != nil {
		return nil, err
	}
	parsed.Source = path
	return parsed, nil
}

// FieldErrors are the problems of a cluster file that came as a mapping.
type FieldErrors cluster.Errors

func (e FieldErrors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = "cluster"
		if p.Field != "" {
			lines[i] += "." + p.Field
		}
		lines[i] += ": " + p.Message
		if p.Hint != "" {
			lines[i] += " (" + p.Hint + ")"
		}
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns them as problems of a file.
func (e FieldErrors) Unwrap() error { return cluster.Errors(e) }
