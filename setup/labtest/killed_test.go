package labtest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// killer collects what a run prints and kills it a while after its first step
// has ended.
type killer struct {
	cmd   *exec.Cmd
	delay time.Duration

	mu   sync.Mutex
	out  bytes.Buffer
	step string // the step that ended
}

// Write sees every line at once: the program does not buffer.
func (k *killer) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.out.Write(p)
	if k.step != "" {
		return len(p), nil
	}
	if _, rest, ok := strings.Cut(k.out.String(), "✓ "); ok {
		k.step, _, _ = strings.Cut(rest, "  ")
		time.AfterFunc(k.delay, func() { _ = k.cmd.Process.Kill() }) //nolint:errcheck // it may have ended by itself
	}
	return len(p), nil
}

func (k *killer) said() (step, out string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.step, k.out.String()
}

// killAtEveryStep runs apply on a node again and again, kills each run a while
// after its first step, and returns the steps once a run came to its end.
func (s *site) killAtEveryStep(n *lab.Node, delay time.Duration) ([]string, error) {
	const most = 60
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var steps []string
	for range most {
		cmd := n.Command(ctx, os.Getenv(program), "apply", "-f", s.file, "--timeout", "60s")
		k := &killer{cmd: cmd, delay: delay}
		cmd.Stdout, cmd.Stderr = k, k
		err := cmd.Run()
		step, out := k.said()
		if err == nil {
			return steps, nil
		}
		if step == "" || cmd.ProcessState.Exited() {
			return steps, fmt.Errorf("%s, after %q: %w\n%s", n.Name, steps, err, out)
		}
		steps = append(steps, step)
	}
	return steps, fmt.Errorf("%s: still not done after %d runs: %q", n.Name, most, steps)
}

func TestKilledAtEveryStepTheNextRunConverges(t *testing.T) {
	// At once kills between two steps, later in the middle of the next one: the
	// gluster and mount programs that a run has started go on without it.
	for _, delay := range []time.Duration{0, 10 * time.Millisecond, 40 * time.Millisecond, 150 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, cacheFile(2, 1, 2, "profile: cache"))
			steps := make([][]string, len(s.Nodes()))
			errs := make([]error, len(s.Nodes()))
			var wg sync.WaitGroup
			for i, n := range s.Nodes() {
				wg.Go(func() { steps[i], errs[i] = s.killAtEveryStep(n, delay) })
			}
			wg.Wait()
			for _, err := range errs {
				if err != nil {
					t.Error(err)
				}
			}
			if delay == 0 {
				for i, want := range [][]string{
					{
						"edit /etc/hosts", "create /etc/fstab", "mount /cache_server",
						"probe peer n2.example.com", "create volume server", "set options of volume server", "start volume server",
					},
					{"edit /etc/hosts", "create /etc/fstab", "mount /cache_server"},
					{"edit /etc/hosts", "create /etc/fstab", "mount /client"},
				} {
					for _, w := range want {
						if !strings.Contains(strings.Join(steps[i], "\n")+"\n", w+"\n") {
							t.Errorf("%s was never killed after %q: %q", s.Node(i).Name, w, steps[i])
						}
					}
				}
			}
			s.converge()
			client := s.Node(2)
			if err := os.WriteFile(client.Path("/client/greeting"), []byte("hello"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, n := range s.Nodes()[:2] {
				if b, err := os.ReadFile(n.Path("/cache_server/brick/greeting")); err != nil || string(b) != "hello" {
					t.Errorf("%s: %q, %v", n.Name, b, err)
				}
			}
			for _, n := range s.Nodes() {
				if got := strings.Count(n.Run("cat", "/proc/self/mountinfo"), " /client "); (n == client) != (got == 1) {
					t.Errorf("%s: %d mounts on /client", n.Name, got)
				}
				if got := strings.Count(n.Run("cat", "/etc/hosts", "/etc/fstab"), "# BEGIN"); got != 2 {
					t.Errorf("%s: %d blocks in hosts and fstab", n.Name, got)
				}
			}
		})
	}
}
