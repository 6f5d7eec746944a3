package labtest_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"brickyard/internal/lab"
)

// held puts a script into the place of a program of a node. Called with the words, it waits, the first time, until the test lets it go on.
func held(t *testing.T, n *lab.Node, path, words string) {
	t.Helper()
	n.Run("mv", path, path+".held")
	script := fmt.Sprintf(`#!/bin/bash
case " $* " in *" %s "*)
	echo "$*" >>/run/calls
	if mkdir /run/held 2>/dev/null; then
		until [ -e /run/go ]; do sleep 0.05; done
	fi
esac
exec -a "$0" %s.held "$@"
`, words, path)
	if err := os.WriteFile(n.Path(path), []byte(script), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
}

// Somebody runs apply in a shell over ssh, and the connection drops in the middle of a step. The shell tells its jobs, and the kernel
// does once more when the shell has ended; nobody reads what apply prints. The step comes to its end and no other begins.
func TestAConnectionThatIsCutInTheMiddleOfAStepLeavesItWhole(t *testing.T) {
	t.Parallel()
	const (
		made   = "dumpe2fs -h /var/lib/server.img"
		partly = "4\n"
	)
	for _, c := range []struct{ name, path, words, whole, nohup, status string }{
		{"mkfs", "/usr/sbin/mkfs.ext4", "-q", made, "", partly},
		{"mkfs under nohup", "/usr/sbin/mkfs.ext4", "-q", made, "nohup", "0\n"}, // which is there to go on
		{"volume create", "/usr/sbin/gluster", "volume create", "test -s /var/lib/glusterd/vols/server/info", "", partly},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.ReplaceAll(clusterFile(2, 0, 2), "directory: /bricks/server", "disk: {mount: /srv/bricks/server, device: /var/lib/server.img, fstype: ext4}")
			s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, text)
			n, other := s.Node(0), s.Node(1)
			for _, n := range s.Nodes() {
				n.Run("truncate", "-s", "32m", "/var/lib/server.img")
			}
			held(t, n, c.path, c.words)
			// The first server makes the volume as soon as the other one is prepared.
			s.expect(other, 0, nil, "apply", "--parts", "host")

			terminal := n.Command(t.Context(), "script", "-qec", "exec bash --norc -i", "/dev/null") // the shell is what the terminal began, whatever SHELL is here
			out := &lab.Transcript{}
			terminal.Stdout, terminal.Stderr = out, out
			in, err := terminal.StdinPipe()
			if err == nil {
				err = terminal.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(in, "bash -c 'trap : HUP; %s %s apply -f %s; echo $? >/run/status'\n", c.nohup, os.Getenv(program), s.file) //nolint:errcheck // what follows waits for it
			there := func(path string) func() bool {
				return func() bool { return n.Command(t.Context(), "test", "-e", path).Run() == nil }
			}
			s.waitFor(c.name+" to have begun", there("/run/held"))
			if err := n.Signal(terminal, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = terminal.Wait() //nolint:errcheck // it was killed
			s.waitFor("the shell to have ended", func() bool { return n.Command(t.Context(), "pgrep", "-f", "bash --norc -i").Run() != nil })
			n.Run("touch", "/run/go")
			s.waitFor("apply to end", there("/run/status"))
			if status := n.Run("cat", "/run/status"); status != c.status {
				t.Errorf("exit status %swant %s%s", status, c.status, out)
			}
			n.Run("bash", "-euc", c.whole+" >/dev/null")
			if left := n.Run("bash", "-c", "pgrep -a 'mkfs|mke2fs|mount|gluster$|gluster.held|gluster-setup' || true"); left != "" {
				t.Errorf("still at work:\n%s", left)
			}
			s.converge()
			if calls := n.Run("cat", "/run/calls"); strings.Count(calls, "\n") != 1 {
				t.Errorf("it was done more than once:\n%s", calls)
			}
		})
	}
}
