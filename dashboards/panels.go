package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

type kind int

const (
	graph    kind = iota // lines over time
	number               // one number now, with its colour
	timeline             // states over time: since when
	list                 // a table of what is now
)

// panel is what our panels differ in.
type panel struct {
	kind               kind
	title, description string
	unit               string
	width, height      uint32 // of 24 columns, and in rows of 30 pixels
	queries            []query
	steps              []step   // colours by value
	states             []string // texts of the values 0, 1, 2... "!" before one that is bad, "?" before one to look at
	most               float64  // top of the axis, if it has one
	// empty is what is shown when there is no data; panels without it always have some on a healthy cluster.
	empty string
	// aside says that a graph has so many lines with such long names that they stand beside it.
	aside bool
	// signed says that a graph goes below zero.
	signed bool
	// columns of a list from left to right; without them all labels are shown, by name.
	columns []column
	// details is the uid of the dashboard that tells more.
	details string
}

type query struct{ expr, legend string }

// column of a list: a label, or Value, and what stands above it.
type column struct {
	field, title string
	pixels       int               // 0: what is left
	states       map[string]string // colours of texts
	link         string
}

// step is the colour from a value upwards.
type step struct {
	from  float64
	color string
}

// bad is green below a value, and red from it upwards.
func bad(from float64) []step { return []step{{0, "green"}, {from, "red"}} }

// lacking is red below warn, orange below good.
func lacking(warn, good float64) []step { return []step{{0, "red"}, {warn, "orange"}, {good, "green"}} }

var plain = []step{{0, "green"}}

const columns = 24

// layout places panels in rows of 24 columns, in their order.
func layout(rows []row) ([]dashboard.PanelOrRowPanel, error) {
	var all []dashboard.PanelOrRowPanel
	var x, y, line, id uint32
	next := func() *uint32 { id++; return new(id) }
	for _, r := range rows {
		y, x, line = y+line, 0, 0
		all = append(all, dashboard.PanelOrRowPanel{RowPanel: &dashboard.RowPanel{
			Type: "row", Id: *next(), Title: new(r.title), Panels: []dashboard.Panel{},
			GridPos: &dashboard.GridPos{X: 0, Y: y, W: columns, H: 1},
		}})
		y++
		for _, p := range r.panels {
			if x+p.width > columns {
				y, x, line = y+line, 0, 0
			}
			built, err := p.build()
			if err != nil {
				return nil, fmt.Errorf("panel %q: %w", p.title, err)
			}
			built.Id = next()
			built.GridPos = &dashboard.GridPos{X: x, Y: y, W: p.width, H: p.height}
			x, line = x+p.width, max(line, p.height)
			all = append(all, dashboard.PanelOrRowPanel{Panel: &built})
		}
	}
	return all, nil
}

// build makes the panel of its kind, and then what all kinds have.
func (p panel) build() (dashboard.Panel, error) {
	var built dashboard.Panel
	var err error
	switch p.kind {
	case graph:
		names := common.LegendPlacementBottom
		if p.aside {
			names = common.LegendPlacementRight
		}
		built, err = timeseries.NewPanelBuilder().
			LineWidth(2).FillOpacity(0).ShowPoints(common.VisibilityModeAuto).
			SpanNulls(common.BoolOrFloat64{Bool: new(false)}).
			Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(names).ShowLegend(true)).
			Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)).
			Build()
	case number:
		built, err = stat.NewPanelBuilder().
			ColorMode(common.BigValueColorModeBackground).GraphMode(common.BigValueGraphModeNone).
			Orientation(common.VizOrientationAuto).TextMode(common.BigValueTextModeAuto).JustifyMode(common.BigValueJustifyModeCenter).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}).Values(false)).
			Build()
	case timeline:
		built, err = statetimeline.NewPanelBuilder().
			MergeValues(true).ShowValue(common.VisibilityModeAuto).AlignValue(common.TimelineValueAlignmentLeft).
			RowHeight(0.85).FillOpacity(80).LineWidth(0).
			Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(false)).
			Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeSingle).Sort(common.SortOrderNone)).
			Build()
	case list:
		built, err = table.NewPanelBuilder().ShowHeader(true).Filterable(true).
			Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{})).
			Build()
	}
	if err != nil {
		return dashboard.Panel{}, err
	}
	built.Title, built.Description, built.Datasource = &p.title, &p.description, source()
	for i, q := range p.queries {
		target, err := p.target(q, string(rune('A'+i))).Build()
		if err != nil {
			return dashboard.Panel{}, err
		}
		built.Targets = append(built.Targets, target)
	}
	p.fields(&built)
	if p.kind == list {
		p.arrange(&built)
	}
	if p.details != "" {
		built.Links = []dashboard.DashboardLink{link("More", "/d/"+p.details+"?${__url_time_range}&${__all_variables}")}
	}
	return built, nil
}

func (p panel) target(q query, ref string) *prometheus.DataqueryBuilder {
	b := prometheus.NewDataqueryBuilder().RefId(ref).Expr(q.expr).LegendFormat(q.legend).Datasource(*source()).
		EditorMode(prometheus.QueryEditorModeCode)
	switch p.kind {
	case number:
		return b.Instant()
	case list:
		return b.Instant().Format(prometheus.PromQueryFormatTable)
	default:
		return b.Range()
	}
}

// fields sets what Grafana calls the field configuration: unit, colours, texts.
func (p panel) fields(built *dashboard.Panel) {
	if built.FieldConfig == nil {
		built.FieldConfig = dashboard.NewFieldConfigSource()
	}
	f := &built.FieldConfig.Defaults
	f.Unit = &p.unit
	steps := p.steps
	if p.states != nil {
		steps = nil
		f.Mappings = mappings(p.states)
		for value, state := range p.states {
			_, color := stateOf(state)
			steps = append(steps, step{float64(value), color})
		}
	}
	f.Thresholds = &dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute, Steps: thresholds(steps)}
	mode := dashboard.FieldColorModeIdThresholds
	switch p.kind {
	case graph:
		// Not by name: there two lines of one graph may get the same colour.
		mode = dashboard.FieldColorModeIdPaletteClassic
		if !p.signed {
			f.Min = new(0.0)
		}
	case number:
		// Without a word about it Grafana gives what it does not know the colour of the lowest value.
		if p.empty == "" {
			f.Mappings = append(f.Mappings, nothing("No data", "orange"))
		} else if p.empty != "0" {
			f.Mappings = append(f.Mappings, nothing(p.empty, gray))
		}
	}
	f.Color = &dashboard.FieldColor{Mode: mode}
	if p.most > 0 {
		f.Max = &p.most
	}
	if p.empty != "" {
		f.NoValue = &p.empty
	}
}

const gray = "#6e7077"

// nothing is what a number without data says instead.
func nothing(text, color string) dashboard.ValueMapping {
	return dashboard.ValueMapping{SpecialValueMap: &dashboard.SpecialValueMap{Type: dashboard.MappingTypeSpecialValue, Options: dashboard.DashboardSpecialValueMapOptions{
		Match: dashboard.SpecialValueMatchNull, Result: dashboard.ValueMappingResult{Text: &text, Color: &color},
	}}}
}

// arrange puts the columns of a list into their order.
func (p panel) arrange(built *dashboard.Panel) {
	hidden, index, names := map[string]bool{"Time": true, "Value": true}, map[string]int{}, map[string]string{}
	for i, c := range p.columns {
		delete(hidden, c.field)
		index[c.field], names[c.field] = i, c.title
		var properties []dashboard.DynamicConfigValue
		if c.pixels > 0 {
			properties = append(properties, dashboard.DynamicConfigValue{Id: "custom.width", Value: c.pixels})
		}
		if c.states != nil {
			options := map[string]dashboard.ValueMappingResult{}
			for state, color := range c.states {
				options[state] = dashboard.ValueMappingResult{Color: &color}
			}
			properties = append(properties,
				dashboard.DynamicConfigValue{Id: "custom.cellOptions", Value: map[string]any{"type": common.TableCellDisplayModeColorBackground}},
				dashboard.DynamicConfigValue{Id: "mappings", Value: []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}}})
		}
		if c.link != "" {
			properties = append(properties, dashboard.DynamicConfigValue{Id: "links", Value: []dashboard.DashboardLink{link(c.title, c.link)}})
		}
		if properties != nil {
			built.FieldConfig.Overrides = append(built.FieldConfig.Overrides, dashboard.DashboardFieldConfigSourceOverrides{
				Matcher: dashboard.MatcherConfig{Id: "byName", Options: c.title}, Properties: properties,
			})
		}
	}
	built.Transformations = []dashboard.DataTransformerConfig{{
		Id: "organize", Options: map[string]any{"excludeByName": hidden, "indexByName": index, "renameByName": names},
	}}
}

func link(title, url string) dashboard.DashboardLink {
	return dashboard.DashboardLink{Title: title, Type: dashboard.DashboardLinkTypeLink, Url: &url, Tags: []string{}, TargetBlank: false}
}

func thresholds(steps []step) []dashboard.Threshold {
	all := make([]dashboard.Threshold, 0, len(steps))
	for i, s := range steps {
		t := dashboard.Threshold{Color: s.color}
		if i > 0 { // the first has no lower end
			t.Value = new(s.from)
		}
		all = append(all, t)
	}
	return all
}

// stateOf takes the mark off a state.
func stateOf(state string) (text, color string) {
	if text, found := strings.CutPrefix(state, "!"); found {
		return text, "red"
	}
	if text, found := strings.CutPrefix(state, "?"); found {
		return text, "orange"
	}
	return state, "green"
}

func mappings(states []string) []dashboard.ValueMapping {
	options := map[string]dashboard.ValueMappingResult{}
	for value, state := range states {
		text, color := stateOf(state)
		options[fmt.Sprint(value)] = dashboard.ValueMappingResult{Text: &text, Color: &color, Index: new(int32(value))} //nolint:gosec // a handful of states
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}}
}
