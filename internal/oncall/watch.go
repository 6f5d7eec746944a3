package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// watch is the monitor's Prometheus and Alertmanager.
type watch struct {
	prometheus, alertmanager string // base URLs
}

// slowest is how long an answer may take: only what hangs takes so long, on a busy machine too.
const slowest = 5 * time.Minute

// maxReply bounds what is read of an answer.
const maxReply = 16 << 20

func get(ctx context.Context, address string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, slowest)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", address, response.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}

// labels of an alert or a sample.
type labels map[string]string

// String is how Prometheus writes them, without those that say nothing here.
func (l labels) String() string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(l)) {
		if !slices.Contains([]string{"alertname", "severity", "cluster", "job", "alertstate", "__name__"}, k) {
			parts = append(parts, fmt.Sprintf("%s=%q", k, l[k]))
		}
	}
	return l["alertname"] + "{" + strings.Join(parts, ",") + "}"
}

// query returns the series of an instant query.
func (w watch) query(ctx context.Context, expr string) ([]labels, error) {
	var reply struct {
		Data struct {
			Result []struct{ Metric labels }
		}
	}
	err := get(ctx, w.prometheus+"/api/v1/query?"+url.Values{"query": {expr}}.Encode(), &reply)
	if err != nil {
		return nil, err
	}
	out := make([]labels, 0, len(reply.Data.Result))
	for _, r := range reply.Data.Result {
		out = append(out, r.Metric)
	}
	return out, nil
}

// firing returns the alerts that Prometheus has firing now, and those that Alertmanager has.
func (w watch) firing(ctx context.Context) (here, arrived []labels, err error) {
	if here, err = w.query(ctx, `ALERTS{alertstate="firing"}`); err != nil {
		return nil, nil, err
	}
	var all []struct{ Labels labels }
	if err := get(ctx, w.alertmanager+"/api/v2/alerts?active=true", &all); err != nil {
		return nil, nil, err
	}
	for _, a := range all {
		arrived = append(arrived, a.Labels)
	}
	return here, arrived, nil
}

// fired returns the alerts that fired at any time since then, however briefly.
func (w watch) fired(ctx context.Context, then time.Time) ([]labels, error) {
	return w.query(ctx, fmt.Sprintf(`count_over_time(ALERTS{alertstate="firing"}[%dms])`, time.Since(then).Milliseconds()))
}

// waits returns for how long each alert's condition must last, in seconds, as Prometheus has it loaded.
func (w watch) waits(ctx context.Context) (map[string]float64, error) {
	var reply struct {
		Data struct {
			Groups []struct {
				Rules []struct {
					Name, Type string
					Duration   float64
				}
			}
		}
	}
	if err := get(ctx, w.prometheus+"/api/v1/rules", &reply); err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for _, g := range reply.Data.Groups {
		for _, r := range g.Rules {
			if r.Type == "alerting" {
				out[r.Name] = r.Duration
			}
		}
	}
	return out, nil
}
