package status

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatCheckFoundIsAProblem(t *testing.T) {
	t.Parallel()
	s, g := &Status{}, &Gatherer{Checked: filepath.Join(t.TempDir(), "check.json")}
	if g.checked(s); len(s.Problems) > 0 {
		t.Errorf("without a check: %q", s.Problems)
	}
	g.Checked = "../check/testdata/check.json"
	if g.checked(s); len(s.Problems) != 1 || !strings.HasPrefix(s.Problems[0], "volume server, replica set 1: 2 entries differed between the bricks when check looked, 2026-11-") {
		t.Errorf("%q", s.Problems)
	}
	broken := &Status{}
	g.Checked = filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(g.Checked, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if g.checked(broken); len(broken.Problems) != 1 || !strings.Contains(broken.Problems[0], "remove the file") {
		t.Errorf("%q", broken.Problems)
	}
}
