package labtest_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"brickyard/internal/lab"
)

// Whoever runs apply over a connection that drops, or pipes it into head, must find no change half made and no program of it
// still at work: the change under way comes to its end, no other begins, and the exit status says that not all is done.
func TestAnApplyThatNobodyListensToEndsAfterTheChangeUnderWay(t *testing.T) {
	t.Parallel()
	for _, how := range []struct {
		name string
		end  func(t *testing.T, n *lab.Node, r run)
	}{
		{"hangup", func(t *testing.T, n *lab.Node, r run) {
			if err := n.Signal(r.cmd, syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
		}},
		{"broken pipe", func(t *testing.T, _ *lab.Node, r run) {
			if err := r.out.Close(); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, cacheFile(2, 0, 2))
			n := s.Node(0)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd, errs := s.command(ctx, n, "apply")
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close() //nolint:errcheck // closed below, in one of the cases
			cmd.Stdout = write
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			write.Close() //nolint:errcheck // the program has it now
			lines := bufio.NewReader(read)
			said := ""
			for !strings.Contains(said, "✓ ") {
				line, err := lines.ReadString('\n')
				if said += line; err != nil {
					t.Fatalf("%v after:\n%s%s", err, said, errs)
				}
			}
			how.end(t, n, run{cmd, read})
			if code := s.exit(cmd.Wait()); code != 4 {
				t.Errorf("exit status %d, want 4: partly done\n%s%s", code, said, errs)
			}
			if left := n.Run("bash", "-c", "pgrep -a 'mkfs|mount|gluster$' || true"); left != "" {
				t.Errorf("still at work:\n%s", left)
			}
			s.converge()
		})
	}
}

// run is one that somebody reads until the other end is closed.
type run struct {
	cmd *exec.Cmd
	out *os.File
}
