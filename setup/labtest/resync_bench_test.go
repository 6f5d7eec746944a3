package labtest_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// BenchmarkResync measures what a node does after a power cut: withhold a brick with many files, as BenchmarkCheck has them, compare it with the
// other one, and wait until what it lost is healed, which is a hundred files of which it has former contents.
func BenchmarkResync(b *testing.B) {
	const lost = 100
	files := checkFiles(b)
	s := newSite(b, lab.Options{Nodes: 2, Clients: 1, Names: names(3), Size: "6g"}, clusterFile(2, 1, 2))
	for i, o := range s.everywhere(s.Nodes(), "apply") {
		o.check(b, s.Node(i).Name+" apply", 0)
	}
	second, client := s.Node(1), s.Node(2)
	s.connected(client, s.Nodes()[:2])
	fill(b, client.Path("/client"), files)
	s.expect(second, 0, nil, "recover", "--timeout", "10m") // has flushed the brick
	for b.Loop() {
		cut(second)
		behind(second, fmt.Sprintf("for i in $(seq 0 %d); do echo lost >d0/f$i; done", lost-1))
		began, used := time.Now(), time.Duration(0)
		run := func(command string, args ...string) {
			cmd, out := s.command(b.Context(), second, command, args...)
			if err := cmd.Run(); err != nil {
				b.Fatalf("%s: %v\n%s", command, err, out)
			}
			used += processorTime(cmd)
		}
		run("guard")
		second.StartGlusterd()
		run("recover", "--timeout", "30m")
		b.ReportMetric(time.Since(began).Seconds(), "s")
		b.ReportMetric(used.Seconds(), "cpu-s")
		if st, err := os.Stat(second.Path(onBrick + "/d0/f0")); err != nil || st.Size() != 4096 {
			b.Fatalf("what was lost is not healed: %v, %v", st, err)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// processorTime is that of a command that has ended, with all programs that it waited for.
func processorTime(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
