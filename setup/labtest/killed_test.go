package labtest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
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
			if step != "" { // its last, and it ended before it could be killed
				steps = append(steps, step)
			}
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
	t.Parallel()
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
					{"edit /etc/hosts", "probe peer n2.example.com", "create volume server"}, {"edit /etc/hosts"}, {"edit /etc/hosts", "mount /client"},
				} {
					for _, w := range want {
						if !slices.Contains(steps[i], w) {
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
				// A client that is just connecting may reach one brick first; the other heals.
				s.waitFor("the file on "+n.Name, func() bool {
					b, err := os.ReadFile(n.Path("/cache_server/brick/greeting"))
					return err == nil && string(b) == "hello"
				})
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

func TestKilledAtAnyMomentOfTheHostPartTheNextRunConverges(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, cacheFile(2, 1, 2, "profile: cache"))
	killed := make([]int, len(s.Nodes()))
	var wg sync.WaitGroup
	for i, n := range s.Nodes() {
		wg.Go(func() {
			// Steps of the host part are too short to be waited for: kill later and later,
			// each time on a machine that a killed run has left behind or that is new again.
			for after := 20 * time.Millisecond; after < 200*time.Millisecond; after += 6 * time.Millisecond {
				ctx, cancel := context.WithTimeout(context.Background(), after)
				cmd := n.Command(ctx, os.Getenv(program), "apply", "-f", s.file, "--parts", "host")
				if cmd.Run() != nil {
					killed[i]++
				}
				cancel()
				if after%(4*6*time.Millisecond) < 6*time.Millisecond {
					n.Run("bash", "-c", "umount /cache_server 2>/dev/null; rm -rf /usr/local/sbin/gluster-setup /etc/brickyard /etc/systemd/system/gluster* /var/lib/glusterd/gluster-setup; >/etc/fstab")
				}
			}
		})
	}
	wg.Wait()
	for i, n := range s.Nodes() {
		if killed[i] < 3 {
			t.Errorf("%s: only %d runs were killed", n.Name, killed[i])
		}
	}
	s.converge()
	for _, n := range s.Nodes() {
		if got := strings.Count(n.Run("cat", "/etc/hosts", "/etc/fstab"), "# BEGIN"); got != 2 {
			t.Errorf("%s: %d blocks in hosts and fstab", n.Name, got)
		}
		if left := n.Run("bash", "-c", "ls -A /etc /etc/brickyard /etc/systemd/system /usr/local/sbin | grep -E '^\\.(hosts|fstab|cluster|gluster)' || true"); left != "" {
			t.Logf("%s: temporary files of killed runs: %s", n.Name, left)
		}
	}
}
