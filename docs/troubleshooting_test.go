package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTroubleshootingQuotesWhatTheProgramsSay finds every quoted word of the table in the programs' sources.
func TestTroubleshootingQuotesWhatTheProgramsSay(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, dir := range []string{"../setup", "../gluster", "../exporter"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			sources.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	quoted := regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(string(page), -1)
	if len(quoted) < 15 {
		t.Errorf("only %d quotations", len(quoted))
	}
	for _, q := range quoted {
		if !strings.Contains(sources.String(), q[1]) {
			t.Errorf("no program says %q", q[1])
		}
	}
}
