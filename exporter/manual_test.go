package main

import (
	"bytes"
	"flag"
	"testing"

	"brickyard/internal/clidoc"
)

// page is what gluster_exporter(8) says beyond the command line.
func page() clidoc.Page {
	return clidoc.Page{
		Section: 8,
		Purpose: "Prometheus exporter of GlusterFS",
		Text: []string{
			"It runs on every machine that serves or mounts volumes and exports what that node knows itself, over the daemons' own sockets and local files: no scrape takes a cluster lock or, unless told to, starts a program. " +
				"It answers while glusterd is down, while a brick's disk hangs, and on machines without GlusterFS.",
			"With --probe.mount it also writes, reads back and removes files on a mount, in a child process, so that a mount that hangs is seen and hangs nothing else.",
		},
		Files: []clidoc.Item{
			{Term: "/etc/default/gluster-exporter", Text: "Flags of the unit that the package installs. Where the cluster file of gluster-setup(8) asks for the exporter, apply writes a unit of the same name that takes its place, and the flags come from the cluster file."},
			{Term: "/var/run/glusterd.socket", Text: "Where glusterd is asked."},
		},
		Examples: []clidoc.Item{
			{Term: "gluster_exporter --probe.mount=/cache_client", Text: "Export what this node knows, and probe a mount."},
			{Term: "curl -s http://localhost:9189/metrics | grep ^gluster_up", Text: "Ask it."},
		},
		See: []string{"gluster-setup(8)", "glusterd(8)"},
	}
}

func TestManualAndCompletionsKnowTheCommandLine(t *testing.T) {
	t.Parallel()
	parser, err := newParser(&CLI{})
	if err != nil {
		t.Fatal(err)
	}
	clidoc.Check(t, "../packages", flag.Lookup("update").Value.String() == "true", parser.Model, page(), func(string) string {
		var out bytes.Buffer
		if code := run(t.Context(), []string{"--help"}, &out, &out); code != 0 {
			t.Fatal(out.String())
		}
		return out.String()
	})
}
