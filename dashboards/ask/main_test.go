package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const asked = `{"uid": "d", "title": "D", "panels": [
  {"id": 1, "type": "row", "title": "R"},
  {"id": 2, "type": "stat", "title": "Full", "targets": [{"refId": "A", "expr": "full{cluster=~\"$cluster\"}"}, {"refId": "B", "expr": "none"}]},
  {"id": 3, "type": "stat", "title": "May be empty", "targets": [{"refId": "A", "expr": "none"}], "fieldConfig": {"defaults": {"noValue": "nothing"}}}%s
]}`

func TestAskSaysWhichPanelsHaveNoData(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.FormValue("query") {
		case `full{cluster=~"c"}`:
			fmt.Fprint(w, `{"status": "success", "data": {"resultType": "vector", "result": [{}, {}]}}`)
		case "none":
			fmt.Fprint(w, `{"status": "success", "data": {"resultType": "vector", "result": []}}`)
		default:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"status": "error", "error": "parse error"}`)
		}
	}))
	defer server.Close()
	const good = "D (d)\n     2    Full\n  empty   May be empty: shows \"nothing\"\n"
	for name, test := range map[string]struct {
		more, out, err string
		code           int
	}{
		"all as it may be":   {"", good + "2 panels with 3 queries: 1 with data, 1 empty as they may be, 0 wrong\n", "", 0},
		"a panel is empty":   {`, {"id": 4, "type": "stat", "title": "X", "targets": [{"expr": "none"}]}`, good + "  NO DATA X\n3 panels", "ask: 1 panels have no data", 1},
		"a query is refused": {`, {"id": 4, "type": "stat", "title": "X", "targets": [{"expr": "("}]}`, good + "  ERROR   X: (: parse error\n3 panels", "ask: 1 panels have no data", 1},
		"a variable is unknown": {
			`, {"id": 4, "type": "stat", "title": "X", "targets": [{"expr": "a{b=\"$brick\"}"}]}`,
			good + `  ERROR   X: a{b="$brick"}: nobody knows the variable at "$brick\"}"` + "\n3 panels", "ask: 1 panels have no data", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "d.json"), fmt.Appendf(nil, asked, test.more), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errs strings.Builder
			code := run([]string{"-prometheus", server.URL + "/", "-json", dir, "-cluster", "c"}, &out, &errs)
			if code != test.code || !strings.HasPrefix(out.String(), test.out) || !strings.HasPrefix(errs.String(), test.err) {
				t.Errorf("exit status %d\n%s%s\nwant %d\n%s\n%s", code, out.String(), errs.String(), test.code, test.out, test.err)
			}
		})
	}
}

func TestAskLooksAtASpanOfTime(t *testing.T) {
	asked := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path + " every " + r.FormValue("step")
		begin, err := time.Parse(time.RFC3339, r.FormValue("start"))
		end, eerr := time.Parse(time.RFC3339, r.FormValue("end"))
		if err != nil || eerr != nil || end.Sub(begin) != time.Hour {
			t.Errorf("from %s to %s", r.FormValue("start"), r.FormValue("end"))
		}
		result := "[]"
		if r.FormValue("query") == "once" {
			result = "[{}]"
		}
		fmt.Fprintf(w, `{"status": "success", "data": {"resultType": "matrix", "result": %s}}`, result)
	}))
	defer server.Close()
	const dashboard = `{"uid": "d", "title": "D", "panels": [
  {"id": 1, "type": "stat", "title": "Once", "targets": [{"refId": "A", "expr": "once"}]},
  {"id": 2, "type": "stat", "title": "May be empty", "targets": [{"refId": "A", "expr": "none"}], "fieldConfig": {"defaults": {"noValue": "nothing"}}}
]}`
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "d.json"), []byte(dashboard), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-prometheus", server.URL, "-json", dir, "-since", "1h"}
	var out, errs strings.Builder
	if code := run(args, &out, &errs); code != 0 || !strings.HasSuffix(out.String(), "1 with data, 1 empty as they may be, 0 wrong\n") {
		t.Errorf("exit status %d\n%s%s", code, out.String(), errs.String())
	}
	if want := "/api/v1/query_range every 7s"; asked != want {
		t.Errorf("asked %s, want %s", asked, want)
	}
	out.Reset()
	if code := run(append(args, "-full"), &out, &errs); code != 1 || !strings.Contains(out.String(), "  NO DATA May be empty\n") {
		t.Errorf("with -full: exit status %d\n%s%s", code, out.String(), errs.String())
	}
	if code := run(append(args, "-full", "-except", "neither", "-except", "non"), &out, &errs); code != 0 {
		t.Errorf("with -except: exit status %d\n%s%s", code, out.String(), errs.String())
	}
}

func TestAskNeedsToKnowWhom(t *testing.T) {
	var out, errs strings.Builder
	if code := run(nil, &out, &errs); code != 2 || errs.String() != "ask: give either -prometheus URL or -rules\n" {
		t.Errorf("exit status %d, %s", code, errs.String())
	}
}
