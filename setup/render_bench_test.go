package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkRender renders the files of one node from a cluster file of a thousand nodes and two hundred volumes of two sets each, mounted
// on twenty nodes each.
func BenchmarkRender(b *testing.B) {
	dir := b.TempDir()
	file := filepath.Join(dir, "cluster.yaml")
	if err := os.WriteFile(file, []byte(bigFile(1000, 200)), 0o600); err != nil {
		b.Fatal(err)
	}
	var longest time.Duration
	for i := 0; b.Loop(); i++ {
		var out strings.Builder
		began := time.Now()
		code := run(b.Context(), []string{"render", "-f", file, "--node", "n5.example.com", "--root", filepath.Join(dir, fmt.Sprint(i))}, &out, &out)
		longest = max(longest, time.Since(began))
		if code != exitOK {
			b.Fatalf("exit status %d\n%s", code, out.String())
		}
	}
	b.ReportMetric(longest.Seconds(), "longest-s")
}

func bigFile(nodes, volumes int) string {
	var t strings.Builder
	name := func(i int) string { return fmt.Sprintf("n%d.example.com", i%nodes) }
	names := func(from, n int) string {
		var list []string
		for i := range n {
			list = append(list, name(from+i))
		}
		return strings.Join(list, ", ")
	}
	t.WriteString("nodes:\n")
	for i := range nodes {
		fmt.Fprintf(&t, "  %s: {address: 10.9.%d.%d}\n", name(i), i/250, i%250+1)
	}
	t.WriteString("volumes:\n")
	for v := range volumes {
		fmt.Fprintf(&t, "  v%d: {replica: 2, access: [10.9.0.0/16], bricks: {nodes: [%s], disk: {mount: /srv/bricks/v%d, device: /dev/disk/by-label/v%d, fstype: xfs}}}\n", v, names(5*v, 4), v, v)
	}
	t.WriteString("mounts:\n")
	for v := range volumes {
		fmt.Fprintf(&t, "  - {volume: v%d, path: /mnt/v%d, nodes: [%s]}\n", v, v, names(5*v, 20))
	}
	return t.String()
}
