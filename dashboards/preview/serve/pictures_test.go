package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// This test's own program is the browser when it has the browser's name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "chromium" {
		if err := pretend(os.NewFile(3, "messages"), os.NewFile(4, "answers")); err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// pretend answers as Chromium does, and in place of the page reports what was drawn.
func pretend(messages, answers *os.File) error {
	for in := bufio.NewReader(messages); ; {
		text, err := in.ReadBytes(0)
		if err != nil {
			return err
		}
		var message struct {
			ID     int
			Method string
			Params struct{ URL string }
		}
		if err := json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &message); err != nil {
			return err
		}
		result := map[string]any{"targetId": "T", "sessionId": "S", "data": "cGljdHVyZQ=="}
		if message.Method == "Page.navigate" {
			address, err := url.Parse(message.Params.URL)
			if err != nil {
				return err
			}
			said, err := json.Marshal(report{UID: path.Base(address.Path), Panels: 3, Height: 900, Problems: strings.Fields(os.Getenv("PROBLEMS"))})
			if err != nil {
				return err
			}
			response, err := http.Post("http://"+address.Host+"/drawn", "application/json", bytes.NewReader(said)) //nolint:gosec,noctx // a test's own server
			if err != nil {
				return err
			}
			if err := response.Body.Close(); err != nil {
				return err
			}
		}
		event := `{"method": "Some.event", "params": {}}` + "\x00"
		answer, err := json.Marshal(map[string]any{"id": message.ID, "result": result})
		if err != nil {
			return err
		}
		if _, err := answers.WriteString(event + string(answer) + "\x00"); err != nil {
			return err
		}
		if message.Method == "Browser.close" {
			return nil
		}
	}
}

func browserInPath(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "chromium")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func taken(t *testing.T, dir string) (int, string, string) {
	t.Helper()
	var out, errs strings.Builder
	code := run(context.Background(), []string{"-listen", "127.0.0.1:0", "-prometheus", "http://127.0.0.1:1", "-json", dashboards, "-page", t.TempDir(), "-pictures", dir, "-state", "well"}, &out, &errs)
	return code, out.String(), errs.String()
}

func TestAPictureIsTakenOfEveryDashboard(t *testing.T) {
	browserInPath(t)
	t.Setenv("TMPDIR", t.TempDir())
	dir := filepath.Join(t.TempDir(), "pictures")
	code, out, errs := taken(t, dir)
	if code != 0 || errs != "" {
		t.Fatalf("exit status %d: %s", code, errs)
	}
	for _, name := range []string{"heal", "latency", "nodes", "overview", "volumes"} {
		file := filepath.Join(dir, name+"-well.png")
		if text, err := os.ReadFile(file); err != nil || string(text) != "picture" || !strings.Contains(out, file+": 3 panels\n") {
			t.Errorf("%s: %q, %v, said %s", file, text, err, out)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("the browser left %v, %v", left, err)
	}
}

func TestAPictureOfAPanelThatFailedIsAnError(t *testing.T) {
	browserInPath(t)
	t.Setenv("PROBLEMS", "Bricks:refused")
	code, _, errs := taken(t, t.TempDir())
	if want := "serve: brickyard-heal: brickyard-heal: 3 panels drawn\n  Bricks:refused\n"; code != 1 || errs != want {
		t.Errorf("exit status %d: %s, want %s", code, errs, want)
	}
}

func TestWithoutABrowserTheErrorSaysSo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if code, _, errs := taken(t, t.TempDir()); code != 1 || !strings.Contains(errs, "chromium") || !strings.Contains(errs, "hack/install pictures") {
		t.Errorf("exit status %d: %s", code, errs)
	}
}

func TestServeNeedsToKnowWhom(t *testing.T) {
	var out, errs strings.Builder
	if code := run(t.Context(), nil, &out, &errs); code != 2 || errs.String() != "serve: give -prometheus URL\n" {
		t.Errorf("exit status %d, %s", code, errs.String())
	}
}
