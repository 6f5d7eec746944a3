package dashboards

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"brickyard/dashboards/committed"
)

func load(t *testing.T) []committed.Dashboard {
	t.Helper()
	all, err := committed.Load("json")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDashboardsAreStableAndLinked(t *testing.T) {
	all := load(t)
	want := []string{"brickyard-heal", "brickyard-latency", "brickyard-nodes", "brickyard-overview", "brickyard-volumes"}
	var have []string
	for _, d := range all {
		have = append(have, d.UID)
	}
	if !slices.Equal(have, want) {
		t.Errorf("uids %v, want %v: bookmarks and links of readers hang on them", have, want)
	}
	for _, d := range all {
		if d.Title == "" || d.Description == "" {
			t.Errorf("%s has no title or no description", d.UID)
		}
		if d.SchemaVersion != schemaVersion {
			t.Errorf("%s has the schema %d: one later than Grafana 11's is not read by it", d.UID, d.SchemaVersion)
		}
		var variables []string
		for _, v := range d.Templating.List {
			variables = append(variables, v.Name)
		}
		if !slices.Equal(variables, []string{"datasource", "cluster", "volume", "node", "runbooks"}) {
			t.Errorf("%s has the variables %v", d.UID, variables)
		}
		for _, uid := range want {
			if uid != d.UID && !slices.ContainsFunc(d.Links, func(l committed.Link) bool { return l.URL == "/d/"+uid }) {
				t.Errorf("%s has no link to %s", d.UID, uid)
			}
		}
		for _, p := range d.Panels {
			for _, l := range p.Links {
				uid, _, _ := strings.Cut(strings.TrimPrefix(l.URL, "/d/"), "?")
				if !slices.Contains(want, uid) {
					t.Errorf("%s: panel %q leads to %s, which is no dashboard of ours", d.UID, p.Title, l.URL)
				}
			}
		}
		if len(d.Annotations.List) != 1 || d.Annotations.List[0].TitleFormat != "{{alertname}}" || d.Annotations.List[0].Datasource.UID != "${datasource}" ||
			!strings.HasPrefix(d.Annotations.List[0].Expr, "ALERTS{") {
			t.Errorf("%s does not show alerts as annotations", d.UID)
		}
	}
}

func TestEveryPanelSaysWhatItShows(t *testing.T) {
	// Grafana's names of the units that we use; another one would be shown as text behind each number.
	known := []string{units.NoUnit, units.Seconds, units.BytesIEC, units.BytesPerSecondSI, units.PercentUnit, units.OpsPerSecond, units.DateTimeFromNow}
	panels := 0
	for _, d := range load(t) {
		titles, ids := map[string]bool{}, map[int]bool{}
		for _, p := range d.Panels {
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: panel %q has the id %d of another one", d.UID, p.Title, p.ID)
			}
			ids[p.ID] = true
			if p.Type == "row" {
				continue
			}
			panels++
			f := p.FieldConfig.Defaults
			if p.Title == "" || titles[p.Title] {
				t.Errorf("%s: the title %q is empty or there twice", d.UID, p.Title)
			}
			titles[p.Title] = true
			if len(p.Description) < 8 || !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s: panel %q has no description in whole sentences: %q", d.UID, p.Title, p.Description)
			}
			if !slices.Contains(known, f.Unit) {
				t.Errorf("%s: panel %q has the unit %q; known are %v", d.UID, p.Title, f.Unit, known)
			}
			if len(f.Thresholds.Steps) == 0 || f.Thresholds.Steps[0].Value != nil {
				t.Errorf("%s: panel %q has no thresholds, or its first one does not begin at the bottom", d.UID, p.Title)
			}
			if p.Type == "state-timeline" && len(f.Mappings) == 0 {
				t.Errorf("%s: panel %q has states without words", d.UID, p.Title)
			}
			if p.Type == "stat" && len(f.Mappings) == 0 && f.NoValue != "0" {
				t.Errorf("%s: panel %q has the colour of its lowest value when there is no data", d.UID, p.Title)
			}
			if p.Datasource.UID != "${datasource}" || p.Datasource.Type != "prometheus" || len(p.Targets) == 0 {
				t.Errorf("%s: panel %q does not ask the data source that the reader chose", d.UID, p.Title)
			}
			legends := map[string]bool{}
			for _, target := range p.Targets {
				if target.Datasource.UID != "${datasource}" {
					t.Errorf("%s: a query of panel %q does not ask the data source that the reader chose", d.UID, p.Title)
				}
				if (p.Type == "timeseries" || p.Type == "state-timeline") && (target.LegendFormat == "" || legends[target.LegendFormat]) {
					t.Errorf("%s: panel %q has a query without a legend of its own", d.UID, p.Title)
				}
				legends[target.LegendFormat] = true
			}
		}
	}
	if panels < 60 {
		t.Errorf("only %d panels were looked at", panels)
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	for _, d := range load(t) {
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			g := p.GridPos
			if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
				t.Errorf("%s: panel %q does not fit into 24 columns: %+v", d.UID, p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: panels %q and %q overlap", d.UID, other, p.Title)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

// The matcher of a selector has to name the cluster: two clusters in one Prometheus have volumes of the same name.
func TestEveryQueryNamesTheCluster(t *testing.T) {
	for _, d := range load(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				selectors := selectorsOf(target.Expr)
				if len(selectors) == 0 {
					t.Errorf("%s: panel %q asks for nothing: %s", d.UID, p.Title, target.Expr)
				}
				for _, s := range selectors {
					if !strings.Contains(s.matchers, inCluster) {
						t.Errorf("%s: panel %q asks for %s of all clusters: %s", d.UID, p.Title, s.name, target.Expr)
					}
				}
				for _, group := range regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`).FindAllStringSubmatch(target.Expr, -1) {
					if !slices.Contains(strings.Split(group[1], ", "), "cluster") {
						t.Errorf("%s: panel %q mixes clusters, by (%s): %s", d.UID, p.Title, group[1], target.Expr)
					}
				}
				if strings.Contains(target.Expr, "without (") || strings.Contains(target.Expr, "ignoring (") {
					t.Errorf("%s: panel %q depends on labels of the reader: %s", d.UID, p.Title, target.Expr)
				}
				if _, err := committed.Everything().Fill(target.Expr); err != nil {
					t.Errorf("%s: panel %q: %v", d.UID, p.Title, err)
				}
			}
		}
	}
}

// Grafana's own types read what we wrote, and nothing in it is unknown to them but the texts of annotations.
func TestGrafanasTypesReadTheDashboards(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	files, err := JSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		for _, a := range fields["annotations"].(map[string]any)["list"].([]any) {
			for _, ours := range []string{"titleFormat", "textFormat", "tagKeys"} {
				delete(a.(map[string]any), ours)
			}
		}
		rest, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard.Dashboard
		if err := d.UnmarshalJSONStrict(rest); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
