package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brickyard/internal/simulated"
)

// TestTheClusterFileThatWasAppliedIsExported reads a file as gluster-setup apply writes it: the test of its package compares the same file.
func TestTheClusterFileThatWasAppliedIsExported(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../setup/onefile/testdata/cluster-file.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cluster-file.json")
	s := serving(t, simulate(t, simulated.Size{Volumes: 1, Peers: 2}), "--path.cluster-file="+path)
	scrape := func() string {
		t.Helper()
		status, body, err := s.get("/metrics")
		if err != nil || status != 200 {
			t.Fatalf("status %d, %v", status, err)
		}
		return string(body)
	}
	if strings.Contains(scrape(), "gluster_cluster_file_") {
		t.Error("there are metrics without a file")
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	body := scrape()
	for _, want := range []string{
		`gluster_cluster_file_info{file="0123456789abcdef0123456789abcdef",version="1.2.3"} 1`,
		"gluster_cluster_file_number 3",
		"gluster_cluster_file_applied_timestamp_seconds 1.795323845e+09",
		`gluster_exporter_collector_success{collector="cluster-file"} 1`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("%s is not there", want)
		}
	}
	for _, broken := range []string{string(text[:20]), `{"file": "none"}`} {
		if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(scrape(), `gluster_exporter_collector_success{collector="cluster-file"} 0`) {
			t.Errorf("%s is taken for a word", broken)
		}
	}
}
