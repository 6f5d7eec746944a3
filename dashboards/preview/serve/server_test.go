package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brickyard/dashboards/committed"
)

const dashboards = "../../json"

// served is the preview with the committed dashboards, before a Prometheus that repeats what it is asked.
func served(t *testing.T) *httptest.Server {
	t.Helper()
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.URL.Path, r.FormValue("query"))
	}))
	t.Cleanup(prometheus.Close)
	target, err := url.Parse(prometheus.URL)
	if err != nil {
		t.Fatal(err)
	}
	page := t.TempDir()
	if err := os.WriteFile(filepath.Join(page, "index.html"), []byte("the page"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer((&server{dashboards: dashboards, page: page, prometheus: target, drawn: func(report) {}}).handler())
	t.Cleanup(s.Close)
	return s
}

func ask(t *testing.T, method, address string, form url.Values) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestEveryDashboardIsServedWithItsVariablesFilled(t *testing.T) {
	all, err := committed.Load(dashboards)
	if err != nil {
		t.Fatal(err)
	}
	s := served(t)
	if _, list := ask(t, http.MethodGet, s.URL+"/dashboards", nil); strings.Count(list, `"uid":"brickyard-`) != len(all) {
		t.Errorf("the list of dashboards is %s", list)
	}
	queries := 0
	for _, d := range all {
		code, text := ask(t, http.MethodGet, s.URL+"/dashboards/"+d.UID+"?from=now-15m&to=now&var-cluster=one", nil)
		if code != http.StatusOK {
			t.Errorf("%s: status %d: %s", d.UID, code, text)
			continue
		}
		// A group of label_replace, what only a row knows, and the choice All are no variables.
		rest := strings.NewReplacer("$1", "", "${__data.fields.runbook}", "", `"$__all"`, "").Replace(text)
		if at := strings.IndexByte(rest, '$'); at >= 0 {
			t.Errorf("%s: a variable is left: %.60s", d.UID, rest[at:])
		}
		var have committed.Dashboard
		if err := json.Unmarshal([]byte(text), &have); err != nil {
			t.Fatal(err)
		}
		if len(have.Panels) != len(d.Panels) {
			t.Errorf("%s: %d panels of %d", d.UID, len(have.Panels), len(d.Panels))
		}
		values := committed.Everything()
		values.Cluster, values.Range = "one", "15m"
		for i, p := range d.Panels {
			for j, target := range p.Targets {
				want, err := values.Fill(target.Expr)
				if err != nil {
					t.Fatal(err)
				}
				if got := have.Panels[i].Targets[j].Expr; got != want {
					t.Errorf("%s: panel %q asks %s, want %s", d.UID, p.Title, got, want)
				}
				queries++
			}
		}
	}
	if queries < 60 {
		t.Errorf("only %d queries were looked at", queries)
	}
}

func TestWhatTheServerRefuses(t *testing.T) {
	s := served(t)
	for name, test := range map[string]struct {
		method, path, says string
		code               int
	}{
		"a dashboard that is not there":     {http.MethodGet, "/dashboards/none", "no dashboard has the uid none\n", http.StatusNotFound},
		"a time that nobody knows":          {http.MethodGet, "/dashboards/brickyard-heal?from=yesterday", "yesterday is no time that the preview knows: give milliseconds, now, or now-3h\n", http.StatusBadRequest},
		"an end before the beginning":       {http.MethodGet, "/dashboards/brickyard-heal?from=now&to=now-1h", "now is not before now-1h\n", http.StatusBadRequest},
		"what changes a Prometheus":         {http.MethodPost, "/api/v1/admin/tsdb/delete_series", "Method Not Allowed\n", http.StatusMethodNotAllowed},
		"what the page does not ask either": {http.MethodGet, "/api/v1/targets", "404 page not found\n", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			if code, text := ask(t, test.method, s.URL+test.path, nil); code != test.code || text != test.says {
				t.Errorf("status %d, %q; want %d, %q", code, text, test.code, test.says)
			}
		})
	}
	if _, err := filled([]byte(`{"expr": "a{b=\"$brick\"}"}`), "now-1h", nil); err == nil || !strings.Contains(err.Error(), "nobody knows the variable") {
		t.Errorf("an unknown variable: %v", err)
	}
}

func TestQueriesGoToPrometheusAndAddressesToThePage(t *testing.T) {
	s := served(t)
	for _, path := range []string{"/api/v1/query", "/api/v1/query_range"} {
		if code, text := ask(t, http.MethodPost, s.URL+path, url.Values{"query": {"up"}}); code != http.StatusOK || text != path+" up" {
			t.Errorf("%s: status %d, %q", path, code, text)
		}
	}
	for _, path := range []string{"/", "/d/brickyard-heal?from=now-1h"} {
		if code, text := ask(t, http.MethodGet, s.URL+path, nil); code != http.StatusOK || text != "the page" {
			t.Errorf("%s: status %d, %q", path, code, text)
		}
	}
}

func TestTimesAsInAddressesOfGrafana(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	for s, want := range map[string]time.Time{"now": now, "now-3h": now.Add(-3 * time.Hour), "now-2d": now.Add(-48 * time.Hour), "1699999999000": now.Add(-time.Second)} {
		if have, err := moment(s, now); err != nil || !have.Equal(want) {
			t.Errorf("%s is %s, %v; want %s", s, have, err, want)
		}
	}
	for _, s := range []string{"", "now+1h", "now-", "3h", "nowadays"} {
		if have, err := moment(s, now); err == nil {
			t.Errorf("%q is %s", s, have)
		}
	}
}

func TestOnlyThisMachineIsServed(t *testing.T) {
	for address, fine := range map[string]bool{"127.0.0.1:0": true, "localhost:0": true, "0.0.0.0:0": false, ":0": false} {
		listener, err := loopback(t.Context(), address)
		if (err == nil) != fine {
			t.Errorf("%s: %v", address, err)
		}
		if err == nil {
			err = listener.Close()
		}
		if fine && err != nil {
			t.Error(err)
		}
	}
}
