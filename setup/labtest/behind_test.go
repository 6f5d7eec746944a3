package labtest_test

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"testing"

	"brickyard/gluster"
	"brickyard/internal/lab"
)

func TestAServerMountsWhenItsOwnBrickIsHealed(t *testing.T) {
	t.Parallel()
	const mounts = "mounts:\n  - {volume: server, path: /client, nodes: [n1.example.com, n2.example.com]}\n"
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, clusterFile(2, 0, 2)+mounts)
	s.converge()
	first, second := s.Node(0), s.Node(1)
	s.connected(first, s.Nodes())
	first.Run("bash", "-c", "for i in $(seq 20); do echo old >/client/$i; done")
	second.Run("umount", "/client")
	second.KillBrick(onBrick)
	first.Run("bash", "-c", "rm /client/1; for i in $(seq 2 20); do echo new >/client/$i; done")

	// What changed is noted on the first brick, and its node heals it.
	daemons, err := gluster.SelfHealProcesses(first.Path("/proc"))
	if err != nil || len(daemons) != 1 {
		t.Fatal(daemons, err)
	}
	healer := strconv.Itoa(daemons[0].PID)
	freeze(t, first, healer)
	t.Cleanup(func() { signal(first, syscall.SIGCONT, healer) })
	first.Gluster("volume", "start", "server", "force")
	const words = "brick n2.example.com:/bricks/server/brick to be healed"
	ended := make(chan outcome, 1)
	go func() { ended <- s.try(second, "wait", "server") }()
	word := second.Path("/run/brickyard/mount-wait/server")
	s.waitFor("the word for the exporter", func() bool {
		text, err := os.ReadFile(word)
		return err == nil && string(text) == words+"\n"
	})
	s.expect(first, 0, []string{"Nothing to do"}, "plan")
	signal(first, syscall.SIGCONT, healer)
	(<-ended).check(t, "wait", 0, "waiting for "+words, "serves")
	if _, err := os.Stat(word); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the word for the exporter: %v", err)
	}
	if left := first.Run("bash", "-c", "ls "+onBrick+"/.glusterfs/indices/xattrop | grep -vc ^xattrop || true"); left != "0\n" {
		t.Errorf("%s entries waited to be healed when the wait was over", left)
	}
	s.expect(second, 0, nil, "apply")
	if got := second.Run("bash", "-c", "cd /client; ls 1 2>&1; cat 2"); got != "ls: cannot access '1': No such file or directory\nnew\n" {
		t.Errorf("the first look: %s", got)
	}
}
