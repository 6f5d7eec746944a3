package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"brickyard/dashboards/committed"
)

type server struct {
	dashboards, page string // directories
	prometheus       *url.URL
	drawn            func(report)
}

// report is what the page says when it has drawn a dashboard.
type report struct {
	UID      string   `json:"uid"`
	Panels   int      `json:"panels"`
	Height   int      `json:"height"` // in pixels
	Problems []string `json:"problems"`
}

func (r report) String() string {
	return strings.Join(append([]string{fmt.Sprintf("%s: %d panels drawn", r.UID, r.Panels)}, r.Problems...), "\n  ")
}

// Bounds of what the page may send.
const maxReport = 1 << 20

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dashboards", s.list)
	mux.HandleFunc("GET /dashboards/{uid}", s.dashboard)
	mux.HandleFunc("POST /drawn", s.report)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(s.prometheus) }}
	mux.Handle("POST /api/v1/query", proxy)
	mux.Handle("POST /api/v1/query_range", proxy)
	// A dashboard has the address that it has in Grafana; the page looks at it.
	mux.HandleFunc("GET /d/{uid}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(s.page, "index.html"))
	})
	mux.Handle("GET /", http.FileServer(http.Dir(s.page)))
	return mux
}

// list names the dashboards. They are read each time: what the generator has just written shows.
func (s *server) list(w http.ResponseWriter, _ *http.Request) {
	type entry struct {
		UID         string `json:"uid"`
		Title       string `json:"title"`
		Description string `json:"description"`
	}
	all, err := committed.Load(s.dashboards)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	entries := make([]entry, 0, len(all))
	for _, d := range all {
		entries = append(entries, entry{d.UID, d.Title, d.Description})
	}
	text, err := json.Marshal(entries)
	answer(w, text, err)
}

// dashboard hands one out with its variables filled in, by var-NAME, from and to of the address.
func (s *server) dashboard(w http.ResponseWriter, r *http.Request) {
	all, err := committed.Load(s.dashboards)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for _, d := range all {
		if d.UID != r.PathValue("uid") {
			continue
		}
		text, err := os.ReadFile(d.File)
		if err == nil {
			text, err = filled(text, d.Time.From, r.URL.Query())
		}
		answer(w, text, err)
		return
	}
	http.Error(w, "no dashboard has the uid "+r.PathValue("uid"), http.StatusNotFound)
}

func filled(text []byte, usual string, chosen url.Values) ([]byte, error) {
	or := func(name, otherwise string) string {
		if v := chosen.Get(name); v != "" {
			return v
		}
		return otherwise
	}
	from, to := or("from", usual), or("to", "now")
	length, err := between(from, to)
	if err != nil {
		return nil, err
	}
	values := committed.Everything()
	values.Cluster, values.Volume, values.Node = or("var-cluster", values.Cluster), or("var-volume", values.Volume), or("var-node", values.Node)
	values.Range = model.Duration(length).String()
	variables := url.Values{}
	for name, v := range chosen {
		if strings.HasPrefix(name, "var-") {
			variables[name] = v
		}
	}
	return values.Page(text, strings.NewReplacer(
		"${datasource}", "prometheus", "${runbooks}", or("var-runbooks", "docs/runbooks"),
		"${__url_time_range}", url.Values{"from": {from}, "to": {to}}.Encode(), "${__all_variables}", variables.Encode(),
	))
}

// between is the time from one of Grafana's moments to another: milliseconds, now, or now-3h.
func between(from, to string) (time.Duration, error) {
	now := time.Now()
	start, err := moment(from, now)
	if err != nil {
		return 0, err
	}
	end, err := moment(to, now)
	if err != nil {
		return 0, err
	}
	if !end.After(start) {
		return 0, fmt.Errorf("%s is not before %s", from, to)
	}
	return end.Sub(start).Round(time.Second), nil
}

func moment(s string, now time.Time) (time.Time, error) {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms), nil
	}
	rest, isNow := strings.CutPrefix(s, "now")
	if isNow && rest == "" {
		return now, nil
	}
	back, minus := strings.CutPrefix(rest, "-")
	if d, err := model.ParseDuration(back); isNow && minus && err == nil {
		return now.Add(-time.Duration(d)), nil
	}
	return time.Time{}, fmt.Errorf("%s is no time that the preview knows: give milliseconds, now, or now-3h", s)
}

func (s *server) report(_ http.ResponseWriter, r *http.Request) {
	var said report
	if err := json.NewDecoder(io.LimitReader(r.Body, maxReport)).Decode(&said); err != nil {
		said.Problems = []string{"the page reports what nobody understands: " + err.Error()}
	}
	s.drawn(said)
}

// answer sends JSON, or says what the reader can change.
func answer(w http.ResponseWriter, text []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // a reader that is gone reads nothing
}
