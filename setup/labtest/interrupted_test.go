package labtest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// A brick that goes away again while what it missed is being healed has to have all of it in the end, removals too. With granular entry heal, as
// GlusterFS has it on new volumes, some of these kills left a file on the brick for good (10.3, 11.1), or each of them hundreds (9.2).
func TestARemovalWhoseHealIsInterruptedIsNotForgotten(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2, "profile: web"))
	s.converge()
	second, client := s.Node(1), s.Node(2)
	s.connected(client, s.Nodes()[:2])
	const files, kills, most = 300, 6, 30
	killed := 0
	for round := 0; killed < kills; round++ {
		if round == most {
			t.Fatalf("only %d of %d kills came in the middle of a heal", killed, most)
		}
		dir := fmt.Sprintf("dir%d", round)
		client.Run("bash", "-euc", fmt.Sprintf("mkdir /client/%s; cd /client/%[1]s; for i in $(seq %d); do echo $i >old$i; done; echo 1 >stays", dir, files))
		left := func() int {
			names, err := filepath.Glob(second.Path(onBrick + "/" + dir + "/old*"))
			if err != nil {
				t.Fatal(err)
			}
			return len(names)
		}
		if got := left(); got != files {
			t.Fatalf("the second brick has %d files and not %d", got, files)
		}
		second.KillBrick(onBrick)
		s.waitFor("the client to do without the second brick", func() bool { return away(client, second) })
		client.Run("bash", "-euc", fmt.Sprintf("cd /client/%s; rm old*; for i in $(seq 30); do echo $i >new$i; done; echo 2 >stays", dir))
		if got := left(); got != files {
			t.Fatalf("the second brick lost %d files while it was away", files-got)
		}
		second.Gluster("volume", "start", "server", "force")
		until := files - 10 - 20*killed
		// Until it begins, a look at the directory's time is enough.
		for began, before := time.Now(), changed(t, second, dir); changed(t, second, dir).Equal(before) && time.Since(began) < patience; time.Sleep(time.Millisecond) {
		}
		for began := time.Now(); left() > until && time.Since(began) < patience; time.Sleep(time.Millisecond) {
		}
		second.KillBrick(onBrick)
		at := left()
		t.Logf("killed when %d of %d removals were left to heal", at, files)
		switch at {
		case files:
			t.Fatal("the heal of removals did not begin")
		case 0: // The kill came after the end of the heal, which says nothing: once more.
		default:
			killed++
		}
		second.Gluster("volume", "start", "server", "force")
		// A heal that was interrupted may be taken up again at the daemons' next turn only, ten minutes later.
		s.waitFor("nothing to wait to be healed", func() bool { return s.healed() || s.healNow() && s.healed() })
		if got := left(); got != 0 {
			t.Errorf("killed when %d removals were left to heal; %d files stayed, and nothing waits to be healed", at, got)
		}
		s.connected(client, s.Nodes()[:2])
	}
	if a, b := tree(s.Node(0)), tree(second); a != b {
		t.Errorf("the bricks differ.\nfirst:\n%s\nsecond:\n%s", a, b)
	}
}

// changed is when names in a directory of a brick changed last.
func changed(t *testing.T, n *lab.Node, dir string) time.Time {
	t.Helper()
	info, err := os.Stat(n.Path(onBrick + "/" + dir))
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// away reports whether a client writes without a brick.
func away(client, without *lab.Node) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name := fmt.Sprintf("without%d", time.Now().UnixNano())
	if client.Command(ctx, "touch", "/client/"+name).Run() != nil {
		return false
	}
	client.Run("rm", "/client/"+name)
	_, err := os.Stat(filepath.Join(without.Path(onBrick), name))
	return err != nil
}
