package templates_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// settings are the lines of a unit's section that set something.
func settings(t *testing.T, file, section string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n["+section+"]\n")
	if !found {
		t.Fatalf("%s has no section %s", file, section)
	}
	rest, _, _ = strings.Cut(rest, "\n[")
	lines := strings.Split(rest, "\n")
	return slices.DeleteFunc(lines, func(l string) bool {
		return l == "" || strings.HasPrefix(l, "#") || strings.HasPrefix(l, " ") || strings.HasPrefix(l, "ExecStart=") || strings.HasPrefix(l, "EnvironmentFile=") ||
			strings.HasPrefix(l, "RestrictAddressFamilies=")
	})
}

// The package's unit of the exporter and the one that apply writes differ in their flags only, and rights above all are the same. One is left
// out: the package's listens itself, where the flags in /etc/default say.
func TestPackagedExporterHasTheSameRights(t *testing.T) {
	t.Parallel()
	for _, section := range []string{"Service", "Install"} {
		ours := settings(t, "gluster_exporter.service.tmpl", section)
		if len(ours) == 0 {
			t.Fatalf("the template sets nothing in %s", section)
		}
		if diff := cmp.Diff(ours, settings(t, "../packages/gluster_exporter.service", section)); diff != "" {
			t.Errorf("section %s (-template +package):\n%s", section, diff)
		}
	}
}
