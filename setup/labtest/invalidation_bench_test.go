package labtest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// invalidationRoundsEnv says how often each mount of BenchmarkInvalidation is measured.
const invalidationRoundsEnv = "INVALIDATION_ROUNDS"

// BenchmarkInvalidation measures what auto-invalidation=yes costs a client: the same work on a mount with it and on one as GlusterFS has it, in turn.
func BenchmarkInvalidation(b *testing.B) {
	rounds := 3
	if text := os.Getenv(invalidationRoundsEnv); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	l := lab.Start(b, lab.Options{Nodes: 2, Clients: 1})
	l.Pool()
	for _, n := range l.Nodes()[:2] {
		n.Run("mkdir", "-p", "/bricks/v0")
	}
	durability{}.serve(l, 0)
	client := l.Node(2)
	client.Run("bash", "-euc", "mkdir /mnt/with; mount -t glusterfs -o auto-invalidation=yes "+l.Node(0).Name+":/v0 /mnt/with; sleep 1")
	source, err := filepath.Abs("../..")
	if err != nil {
		b.Fatal(err)
	}
	list := exec.CommandContext(b.Context(), "git", "-C", source, "ls-files", "-z", "setup", "docs", "gluster")
	names, err := list.Output()
	if err != nil {
		b.Fatal(err)
	}
	tree := filepath.Join(b.TempDir(), "tree.tar")
	pack := exec.CommandContext(b.Context(), "tar", "-C", source, "--null", "-T", "-", "-cf", tree)
	pack.Stdin = bytes.NewReader(names)
	if out, err := pack.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	works := slices.Insert(workloads(tree), 5,
		workload{"again", `for i in 1 2 3; do find next -type f -exec cat {} + >/dev/null; done`},
		workload{"own", `head -c 20000000 /dev/zero >l; for i in $(seq 10); do cat l >/dev/null; done; rm l`})
	taken := map[string][]float64{}
	for round := range rounds {
		order := []string{"v0", "with"}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, mount := range order {
			for _, w := range works {
				taken[mount+w.name] = append(taken[mount+w.name], timed(b, client, "mkdir -p /mnt/"+mount+"/"+mount+"; cd /mnt/"+mount+"/"+mount+"\n"+w.script))
			}
		}
	}
	for _, w := range works {
		with, without := taken["with"+w.name], taken["v0"+w.name]
		ratios := make([]float64, rounds)
		for i := range ratios {
			ratios[i] = with[i] / without[i]
		}
		b.Run(strings.ReplaceAll(w.name, " ", "_"), func(b *testing.B) {
			b.ReportMetric(middle(without), "without-s")
			b.ReportMetric(middle(with), "with-s")
			b.ReportMetric(middle(ratios), "ratio")
			b.ReportMetric(slices.Min(ratios), "ratio-lowest")
			b.ReportMetric(slices.Max(ratios), "ratio-highest")
			b.ReportMetric(0, "ns/op")
		})
	}
}
