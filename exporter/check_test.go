package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brickyard/internal/simulated"
)

// TestTheLastCheckIsExported reads a file as gluster-setup check writes it: the test of its package compares the same file.
func TestTheLastCheckIsExported(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../setup/check/testdata/check.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "check.json")
	s := serving(t, simulate(t, simulated.Size{Volumes: 1, Peers: 2}), "--path.check="+path)
	for line := range s.checks() {
		if strings.HasPrefix(line, "gluster_check_") {
			t.Errorf("without a file: %s", line)
		}
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`
gluster_check_bytes{subvolume="server-replicate-0",volume="server"}=1.073741824e+09
gluster_check_bytes{subvolume="server-replicate-1",volume="server"}=0
gluster_check_busy_entries{subvolume="server-replicate-0",volume="server"}=3
gluster_check_complete{subvolume="server-replicate-0",volume="server"}=1
gluster_check_complete{subvolume="server-replicate-1",volume="server"}=0
gluster_check_content{subvolume="server-replicate-0",volume="server"}=1
gluster_check_content{subvolume="server-replicate-1",volume="server"}=0
gluster_check_different_entries{subvolume="server-replicate-0",volume="server"}=2
gluster_check_different_entries{subvolume="server-replicate-1",volume="server"}=0
gluster_check_differing_entries{kind="missing",subvolume="server-replicate-0",volume="server"}=1
gluster_check_differing_entries{kind="no_gfid",subvolume="server-replicate-1",volume="server"}=0
gluster_check_duration_seconds{subvolume="server-replicate-0",volume="server"}=100.5
gluster_check_entries{subvolume="server-replicate-0",volume="server"}=100000
gluster_check_heal_pending_entries{subvolume="server-replicate-0",volume="server"}=1
gluster_check_timestamp_seconds{subvolume="server-replicate-0",volume="server"}=1.795316645678e+09
gluster_exporter_collector_success{collector="check"}=1`)
	got := s.checks()
	for _, line := range want {
		if !got[line] {
			t.Errorf("%s is not there", line)
		}
	}
	if t.Failed() {
		for line := range got {
			t.Log(line)
		}
	}
	if err := os.WriteFile(path, text[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.checks(); !got[`gluster_exporter_collector_success{collector="check"}=0`] || !got[`gluster_exporter_collector_errors_total{class="parse",collector="check"}=1`] {
		t.Errorf("a broken file: %v", got)
	}
}

// checks are the metrics of the last check, and those about its collector.
func (s *server) checks() map[string]bool {
	s.t.Helper()
	status, body, err := s.get("/metrics")
	if err != nil || status != 200 {
		s.t.Fatalf("status %d, %v", status, err)
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "gluster_check_") || strings.Contains(line, `collector="check"`) {
			out[strings.Replace(strings.TrimSpace(line), "} ", "}=", 1)] = true
		}
	}
	return out
}
