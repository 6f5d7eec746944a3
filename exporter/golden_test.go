package main

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/internal/simulated"
)

// exposition is the page of a simulated node, whose daemons answer as those of GlusterFS 10.3 did.
const exposition = "testdata/exposition-glusterfs-10.3.txt"

// TestThePageOfANode compares everything but what changes from run to run: times, and what this machine's own file systems say.
func TestThePageOfANode(t *testing.T) {
	c := simulate(t, simulated.Size{Volumes: 2, Peers: 3})
	geoReplicate(t, c)
	status, body, err := serving(t, c).get("/metrics")
	if err != nil || status != 200 {
		t.Fatalf("status %d, %v", status, err)
	}
	others := regexp.MustCompile(`^(# (HELP|TYPE) )?(go|process|promhttp)_`)
	varying := regexp.MustCompile(`^gluster_(exporter_collector_duration|exporter_build_info|brick_(size|free|available|inodes)|brick_on_root|process_(cpu|resident|virtual|start|open))`)
	var page []string
	for line := range strings.SplitSeq(string(body), "\n") {
		if others.MatchString(line) {
			continue
		}
		line = strings.ReplaceAll(line, c.Dir, "DIR")
		if varying.MatchString(line) {
			name, _, _ := strings.Cut(line, "{")
			labels := ""
			if end := strings.LastIndex(line, "}"); end > 0 && !strings.HasPrefix(line, "gluster_exporter_build_info") {
				labels = line[len(name) : end+1]
			}
			line = name + labels + " *"
		}
		page = append(page, line)
	}
	got := strings.Join(page, "\n")
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(exposition, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(exposition)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; run go test ./exporter -update if that is right (-want +got):\n%s", exposition, diff)
	}
}
