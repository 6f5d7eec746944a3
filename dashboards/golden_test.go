package dashboards

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMain adds -update, which writes the dashboards.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write json/")
	os.Exit(m.Run())
}

func TestCommittedDashboardsAreThoseOfTheCode(t *testing.T) {
	files, err := JSON()
	if err != nil {
		t.Fatal(err)
	}
	old, err := filepath.Glob("json/*.json")
	if err != nil {
		t.Fatal(err)
	}
	update := flag.Lookup("update").Value.String() == "true"
	for _, f := range old {
		if _, ok := files[filepath.Base(f)]; ok {
			continue
		}
		if !update {
			t.Errorf("%s is no dashboard of the code: remove it with go test ./dashboards -update", f)
		} else if err := os.Remove(f); err != nil {
			t.Error(err)
		}
	}
	for name, want := range files {
		path := filepath.Join("json", name)
		if update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Error(err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(string(have), string(want)); diff != "" {
			t.Errorf("%s differs from the code; run go test ./dashboards -update (-have +want):\n%s", path, diff)
		}
	}
}
