// Command ask puts every query of the dashboards to a Prometheus, and says which panels had no data.
//
//	go run ./dashboards/ask -prometheus http://127.0.0.1:9090
//	go run ./dashboards/ask -rules >FILE    all queries as recording rules, for promtool check rules
//
// A panel that may be empty says so itself, in the text that it shows then. Any other one without data, and any
// query that is refused, ends it with exit status 1. With -since 10m a panel has data if it had some at any time of the
// last ten minutes; with -full none may be empty.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"brickyard/dashboards/committed"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("ask", flag.ContinueOnError)
	flags.SetOutput(errs)
	dir := flags.String("json", "dashboards/json", "directory with the dashboards")
	var prometheus api
	base := flags.String("prometheus", "", "base URL of the Prometheus")
	flags.DurationVar(&prometheus.since, "since", 0, "look at a span of time that ends now, not at this moment alone")
	full := flags.Bool("full", false, "no panel may be empty, not even one that says what that means")
	flags.Func("except", "with -full: panels whose queries contain this may be empty all the same; may be given again", func(text string) error {
		prometheus.except = append(prometheus.except, text)
		return nil
	})
	rules := flags.Bool("rules", false, "print the queries as recording rules instead")
	values := committed.Everything()
	flags.StringVar(&values.Cluster, "cluster", values.Cluster, "regular expression in place of $cluster")
	flags.StringVar(&values.Volume, "volume", values.Volume, "in place of $volume")
	flags.StringVar(&values.Node, "node", values.Node, "in place of $node")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if (*base == "") != *rules {
		fmt.Fprintln(errs, "ask: give either -prometheus URL or -rules")
		return 2
	}
	all, err := committed.Load(*dir)
	if err != nil {
		fmt.Fprintln(errs, "ask:", err)
		return 1
	}
	if *rules {
		err = printRules(out, all, values)
	} else {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute) // for hundreds of queries, on a busy machine too
		defer cancel()
		prometheus.base = strings.TrimSuffix(*base, "/")
		err = askAll(ctx, out, all, values, prometheus, *full)
	}
	if err != nil {
		fmt.Fprintln(errs, "ask:", err)
		return 1
	}
	return 0
}

// printRules has promtool's own parser judge the queries.
func printRules(out io.Writer, all []committed.Dashboard, values committed.Values) error {
	fmt.Fprintln(out, "groups:")
	for _, d := range all {
		fmt.Fprintf(out, "  - name: %s\n    rules:\n", d.UID)
		for _, p := range d.Panels {
			for _, t := range p.Targets {
				expr, err := values.Fill(t.Expr)
				if err != nil {
					return fmt.Errorf("%s: panel %q: %w", d.File, p.Title, err)
				}
				fmt.Fprintf(out, "      - record: %s:p%d_%s\n        expr: %q\n", strings.ReplaceAll(d.UID, "-", "_"), p.ID, strings.ToLower(t.RefID), expr)
			}
		}
	}
	return nil
}

func askAll(ctx context.Context, out io.Writer, all []committed.Dashboard, values committed.Values, prometheus api, full bool) error {
	panels, queries, wrong, empty := 0, 0, 0, 0
	for _, d := range all {
		fmt.Fprintf(out, "%s (%s)\n", d.Title, d.UID)
		for _, p := range d.Panels {
			if p.Type == "row" {
				continue
			}
			panels++
			series, excepted := 0, false
			var failed error
			for _, t := range p.Targets {
				queries++
				excepted = excepted || slices.ContainsFunc(prometheus.except, func(text string) bool { return strings.Contains(t.Expr, text) })
				expr, err := values.Fill(t.Expr)
				if err == nil {
					var n int
					n, err = prometheus.series(ctx, expr)
					series += n
				}
				if err != nil && failed == nil {
					failed = err
				}
			}
			switch {
			case failed != nil:
				wrong++
				fmt.Fprintf(out, "  ERROR   %s: %v\n", p.Title, failed)
			case series > 0:
				fmt.Fprintf(out, "  %4d    %s\n", series, p.Title)
			case p.FieldConfig.Defaults.NoValue != "" && (!full || excepted):
				empty++
				fmt.Fprintf(out, "  empty   %s: shows %q\n", p.Title, p.FieldConfig.Defaults.NoValue)
			default:
				wrong++
				fmt.Fprintf(out, "  NO DATA %s\n", p.Title)
			}
		}
	}
	fmt.Fprintf(out, "%d panels with %d queries: %d with data, %d empty as they may be, %d wrong\n", panels, queries, panels-wrong-empty, empty, wrong)
	if wrong > 0 {
		return fmt.Errorf("%d panels have no data or a query that is refused: see above", wrong)
	}
	return nil
}

// api is a Prometheus' HTTP API.
type api struct {
	base   string
	since  time.Duration // of the queries; 0 asks for this moment
	except []string      // what queries that need no data contain
}

// points are how many moments of a span are looked at. One every second at most: nobody scrapes more often.
const points = 500

// maxReply bounds what we read of an answer.
const maxReply = 64 << 20

// series returns how many series a query has, or had at any time of the span.
func (a api) series(ctx context.Context, expr string) (int, error) {
	path, kind, parameters := "/api/v1/query", "vector", url.Values{"query": {expr}}
	if a.since > 0 {
		path, kind = "/api/v1/query_range", "matrix"
		now := time.Now()
		parameters.Set("start", now.Add(-a.since).UTC().Format(time.RFC3339))
		parameters.Set("end", now.UTC().Format(time.RFC3339))
		parameters.Set("step", max(a.since/points, time.Second).Truncate(time.Second).String())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+path, strings.NewReader(parameters.Encode()))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	var reply struct {
		Status, Error string
		Data          struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxReply)).Decode(&reply); err != nil {
		return 0, fmt.Errorf("%s answers %s, and no JSON: %w", a.base, response.Status, err)
	}
	if reply.Status != "success" {
		return 0, fmt.Errorf("%s: %s", expr, reply.Error)
	}
	if reply.Data.ResultType != kind {
		return 0, fmt.Errorf("%s is a %s, no %s", expr, reply.Data.ResultType, kind)
	}
	var result []json.RawMessage
	if err := json.Unmarshal(reply.Data.Result, &result); err != nil {
		return 0, fmt.Errorf("%s: %w", expr, err)
	}
	return len(result), nil
}
