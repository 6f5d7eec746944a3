package host

import (
	"context"

	"brickyard/setup/change"
)

// ScrapeTargets plans the file from which a Prometheus learns whom to ask.
type ScrapeTargets struct {
	Path    string
	Content string
}

// Part says that the file belongs to the host part.
func (t *ScrapeTargets) Part() change.Part { return change.Host }

// Plan compares the file with what it should hold.
func (t *ScrapeTargets) Plan(context.Context) (change.Plan, error) {
	var p change.Plan
	old, err := readText(t.Path)
	if err != nil {
		return p, err
	}
	if old != t.Content {
		p.Changes = append(p.Changes, (&Files{}).write(t.Path, old, t.Content, 0o644, false, "Prometheus must ask the exporters of all nodes"))
	}
	return p, nil
}
