// Package dashboards makes the Grafana dashboards in json/. They are written in Go with Grafana's own types,
// and committed: go test ./dashboards -update writes them again.
package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// schemaVersion is that of Grafana 11's JSON, which 12 and 13 bring up to their own when they load it.
const schemaVersion = 39

// Matchers that every query has: the cluster, and what its variables narrow further.
const (
	inCluster = `cluster=~"$cluster"`
	inVolume  = inCluster + `, volume=~"$volume"`
	onNode    = inCluster + `, instance=~"$node"`
	inBoth    = inVolume + `, instance=~"$node"`
	// The name of the job is the reader's; it has to have gluster in it, as for the alerts.
	jobs = `job=~".*gluster.*"`
)

// page is one dashboard.
type page struct {
	uid, title, description string
	rows                    []row
}

type row struct {
	title  string
	panels []panel
}

// pages returns all dashboards in the order of their links.
func pages() []page {
	return []page{overview(), volumes(), heal(), latency(), nodes()}
}

// JSON returns the dashboards as Grafana reads them, by the name of their file.
func JSON() (map[string][]byte, error) {
	all := pages()
	files := map[string][]byte{}
	for _, p := range all {
		text, err := p.json(all)
		if err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", p.uid, err)
		}
		files[p.uid+".json"] = text
	}
	return files, nil
}

func (p page) json(all []page) ([]byte, error) {
	d := dashboard.NewDashboard()
	d.Uid, d.Title, d.Description = &p.uid, &p.title, &p.description
	d.Tags = []string{"brickyard", "glusterfs"}
	d.SchemaVersion = schemaVersion
	d.Editable = new(false)
	d.GraphTooltip = new(dashboard.DashboardCursorSyncCrosshair)
	d.Time = &dashboard.DashboardDashboardTime{From: "now-3h", To: "now"}
	d.Refresh = new("30s")
	d.Templating.List = variables()
	d.Annotations.List = []dashboard.AnnotationQuery{{
		Name: alertsName, Enable: true, IconColor: "red", Datasource: source(),
		Expr: new(`ALERTS{alertname=~"Gluster.*", alertstate="firing", severity=~"page|ticket", ` + inCluster + `}`),
	}}
	for _, other := range all {
		if other.uid != p.uid {
			d.Links = append(d.Links, dashboard.DashboardLink{
				Title: other.title, Type: dashboard.DashboardLinkTypeLink, Icon: "dashboard", Tooltip: other.description,
				Url: new("/d/" + other.uid), Tags: []string{}, IncludeVars: true, KeepTime: true,
			})
		}
	}
	panels, err := layout(p.rows)
	if err != nil {
		return nil, err
	}
	d.Panels = panels
	return encode(d)
}

const alertsName = "Alerts"

// encode writes the JSON and adds what the SDK's type of an annotation lacks: what Grafana shows of it.
func encode(d *dashboard.Dashboard) ([]byte, error) {
	typed, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := json.Unmarshal(typed, &all); err != nil {
		return nil, err
	}
	annotations, _ := all["annotations"].(map[string]any)
	list, _ := annotations["list"].([]any)
	for _, a := range list {
		if fields, ok := a.(map[string]any); ok && fields["name"] == alertsName {
			fields["titleFormat"] = "{{alertname}}"
			fields["textFormat"] = "{{volume}} {{subvolume}} {{brick}} {{mountpoint}} {{instance}}"
			fields["tagKeys"] = "severity"
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(all); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// source is the reader's choice of a Prometheus.
func source() *common.DataSourceRef {
	return &common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
}

func variables() []dashboard.VariableModel {
	return []dashboard.VariableModel{
		{
			Type: dashboard.VariableTypeDatasource, Name: "datasource", Label: new("Prometheus"),
			Description: new("Which Prometheus has the exporters and the rules."),
			Query:       &dashboard.StringOrMap{String: new("prometheus")},
			Current:     &dashboard.VariableOption{Text: text(""), Value: text("")},
			Refresh:     new(dashboard.VariableRefreshOnDashboardLoad),
		},
		choice("cluster", "Cluster", "The label cluster of the scrape configuration. All includes exporters without one.", `label_values(gluster_up, cluster)`),
		choice("volume", "Volume", "Volumes of the cluster.", `label_values(gluster_volume_started{`+inCluster+`}, volume)`),
		choice("node", "Node", "Exporters, by the label instance.", `label_values(gluster_up{`+inCluster+`}, instance)`),
		{
			Type: dashboard.VariableTypeTextbox, Name: "runbooks", Label: new("Runbooks"),
			Description: new("Where docs/runbooks is to be read: links to the runbook of an alert begin with this."),
			Query:       &dashboard.StringOrMap{String: new("docs/runbooks")},
			Current:     &dashboard.VariableOption{Text: text("docs/runbooks"), Value: text("docs/runbooks")},
		},
	}
}

// choice is a variable with the values of a label; All matches series without the label, too.
func choice(name, label, description, query string) dashboard.VariableModel {
	return dashboard.VariableModel{
		Type: dashboard.VariableTypeQuery, Name: name, Label: &label, Description: &description, Datasource: source(),
		Query: &dashboard.StringOrMap{Map: map[string]any{"query": query, "qryType": 1, "refId": "PrometheusVariableQueryEditor-VariableQuery"}}, Definition: &query,
		Refresh: new(dashboard.VariableRefreshOnTimeRangeChanged), Sort: new(dashboard.VariableSortAlphabeticalAsc),
		Multi: new(true), IncludeAll: new(true), AllValue: new(".*"),
		Current: &dashboard.VariableOption{Selected: new(true), Text: texts("All"), Value: texts("$__all")},
	}
}

func text(s string) dashboard.StringOrArrayOfString {
	return dashboard.StringOrArrayOfString{String: &s}
}

func texts(s ...string) dashboard.StringOrArrayOfString {
	return dashboard.StringOrArrayOfString{ArrayOfString: s}
}
