// Package committed reads dashboards as Grafana reads them: the JSON, its panels, and their queries with the variables filled in.
package committed

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Dashboard is what we look at of a dashboard's JSON.
type Dashboard struct {
	File          string `json:"-"`
	UID           string `json:"uid"`
	Title         string `json:"title"`
	Description   string `json:"description"`
	SchemaVersion int    `json:"schemaVersion"`
	Links         []Link `json:"links"`
	Panels        []Panel
	Time          struct {
		From string `json:"from"`
	} `json:"time"`
	Templating struct {
		List []Variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Name, Expr  string
			TitleFormat string     `json:"titleFormat"`
			Datasource  Datasource `json:"datasource"`
		} `json:"list"`
	} `json:"annotations"`
}

// Panel is one panel, or the head of a row (type row).
type Panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  Datasource `json:"datasource"`
	Links       []Link     `json:"links"`
	GridPos     struct {
		X, Y, W, H int
	} `json:"gridPos"`
	Targets []struct {
		Expr         string     `json:"expr"`
		LegendFormat string     `json:"legendFormat"`
		RefID        string     `json:"refId"`
		Datasource   Datasource `json:"datasource"`
	} `json:"targets"`
	FieldConfig struct {
		Defaults struct {
			Unit       string `json:"unit"`
			NoValue    string `json:"noValue"`
			Links      []Link `json:"links"`
			Thresholds struct {
				Steps []struct {
					Color string   `json:"color"`
					Value *float64 `json:"value"`
				} `json:"steps"`
			} `json:"thresholds"`
			Mappings []json.RawMessage `json:"mappings"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
}

// Variable is one of the choices above the panels.
type Variable struct {
	Name, Type string
	AllValue   string          `json:"allValue"`
	Query      json.RawMessage `json:"query"`
}

// Datasource says whom a panel asks.
type Datasource struct {
	Type, UID string
}

// Link leads to another dashboard or page.
type Link struct {
	Title, URL string
}

// Load reads the dashboards in a directory, sorted by file.
func Load(dir string) ([]Dashboard, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no dashboards (*.json) in %s: name the directory that has them", dir)
	}
	all := make([]Dashboard, 0, len(files))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		d := Dashboard{File: f}
		if err := json.Unmarshal(text, &d); err != nil {
			return nil, fmt.Errorf("%s: %w: write it again with go test ./dashboards -update", f, err)
		}
		all = append(all, d)
	}
	return all, nil
}

// Values are what the variables of a dashboard and Grafana's own stand for.
type Values struct {
	Cluster, Volume, Node string // regular expressions
	RateInterval, Range   string // durations
}

// Everything is the choice All, for a Prometheus that scrapes at least every 15 seconds.
func Everything() Values {
	return Values{Cluster: ".*", Volume: ".*", Node: ".*", RateInterval: "1m", Range: "1h"}
}

// Fill puts values in place of the variables of a query. A variable that is left is an error.
func (v Values) Fill(expr string) (string, error) {
	filled := strings.NewReplacer(
		"$__rate_interval", v.RateInterval, "$__range", v.Range,
		"$cluster", v.Cluster, "$volume", v.Volume, "$node", v.Node,
	).Replace(expr)
	// $1 is the first group of a regular expression of label_replace.
	if left := strings.ReplaceAll(filled, "$1", ""); strings.Contains(left, "$") {
		return "", fmt.Errorf("%s: nobody knows the variable at %q", expr, left[strings.IndexByte(left, '$'):])
	}
	return filled, nil
}

// Page fills a whole dashboard, as Grafana does before it draws it: queries, links, the choices themselves. more has what
// stands in place of other variables, each written as in the JSON. What only a row of data knows ("${__data.") is left.
func (v Values) Page(text []byte, more *strings.Replacer) ([]byte, error) {
	var all any
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	filled, err := v.page(all, more)
	if err != nil {
		return nil, err
	}
	return json.Marshal(filled)
}

func (v Values) page(at any, more *strings.Replacer) (any, error) {
	var err error
	switch at := at.(type) {
	case string:
		// "$__all" is Grafana's name of the choice All.
		if rest := strings.ReplaceAll(more.Replace(at), "${__data.", ""); rest == "$__all" || !strings.Contains(rest, "$") {
			return more.Replace(at), nil
		}
		return v.Fill(more.Replace(at))
	case []any:
		for i := range at {
			if at[i], err = v.page(at[i], more); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range at {
			if at[key], err = v.page(at[key], more); err != nil {
				return nil, err
			}
		}
	}
	return at, nil
}
