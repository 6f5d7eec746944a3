package labtest_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// spoiled are ways in which a node has no place for the journals and notes of recover, as commands.
func spoiled() []struct{ name, spoil, mend string } {
	return []struct{ name, spoil, mend string }{
		{
			"the state's file system is full",
			"mkdir -p /var/lib/brickyard; mount -t tmpfs -o size=16k tmpfs /var/lib/brickyard; dd if=/dev/zero of=/var/lib/brickyard/filler bs=4k status=none || true",
			"umount -l /var/lib/brickyard",
		},
		{
			"the state is read-only",
			"mkdir -p /var/lib/brickyard; mount --bind /var/lib/brickyard /var/lib/brickyard; mount -o remount,bind,ro /var/lib/brickyard",
			"umount -l /var/lib/brickyard",
		},
	}
}

// TestAFullOrReadOnlyVarStopsNoRefill has a node come back without its brick, and without a byte of room for the journals and notes of
// recover, or with a place for them that nobody can write to. Without room for its own store glusterd itself changes nothing.
func TestAFullOrReadOnlyVarStopsNoRefill(t *testing.T) {
	t.Parallel()
	for _, c := range spoiled() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2, "ephemeral: true"))
			s.converge()
			first, second, client := s.Node(0), s.Node(1), s.Node(2)
			s.connected(client, s.Nodes()[:2])
			client.Run("bash", "-euc", `cd /client; mkdir dir; for i in $(seq 200); do echo "text $i" >dir/$i; done`)
			files := func() string { return client.Run("bash", "-c", "cd /client && ls -A && md5sum dir/* | sort") }
			want := files()

			wipe(second)
			second.StartGlusterd() // which itself starts neither on a full file system nor without its log
			s.waitFor("the servers to be connected", func() bool { return strings.Contains(second.Gluster("peer", "status"), "(Connected)") })
			second.Run("bash", "-euc", c.spoil)
			s.expect(second, 0, nil, "recover", "--timeout", "10m")
			s.waitFor("nothing to wait to be healed", func() bool { return s.healed() })
			if a, b := tree(first), tree(second); a != b {
				t.Errorf("the bricks differ.\nfirst:\n%s\nsecond:\n%s", a, b)
			}
			if got := files(); got != want {
				t.Errorf("the client sees\n%s\nand not\n%s", got, want)
			}
			second.Run("bash", "-euc", c.mend)
			s.expect(second, 0, nil, "recover", "--timeout", "10m")
			s.well(second)
		})
	}
}

// The same after a power cut, from the guard on: the brick is withheld, compared and healed, and what only it had lies beside it.
func TestAFullOrReadOnlyVarStopsNoComparison(t *testing.T) {
	t.Parallel()
	for _, c := range spoiled() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
			s.converge()
			first, second, client := s.Node(0), s.Node(1), s.Node(2)
			s.connected(client, s.Nodes()[:2])
			client.Run("bash", "-euc", `cd /client; mkdir dir; for i in $(seq 100); do echo "text $i" >dir/$i; done`)
			s.expect(second, 0, nil, "recover", "--timeout", "10m")
			client.Run("bash", "-euc", "cd /client/dir; echo new >7; echo new >created")
			cut(second)
			behind(second, "echo old >dir/7; forget dir/created; touch dir/half")
			second.Run("bash", "-euc", c.spoil)
			if o := s.try(second, "guard"); o.code > 1 {
				t.Errorf("guard ends with %d: %s", o.code, o.out)
			}
			if _, err := os.Stat(second.Path(onBrick)); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("the brick is in its place before it was compared: %v", err)
			}
			second.StartGlusterd()
			s.expect(second, 0, []string{"compared after a power cut", "taken_out=1", "word of the recovery cannot be left"}, "recover", "--timeout", "10m")
			s.waitFor("nothing to wait to be healed", func() bool { return s.healed() })
			if a, b := tree(first), tree(second); a != b {
				t.Errorf("the bricks differ.\nfirst:\n%s\nsecond:\n%s", a, b)
			}
			second.Run("bash", "-c", "test -f /bricks/server/.gluster-setup-aside/*-resync/dir/half")
			second.Run("bash", "-euc", c.mend)
			s.expect(second, 0, nil, "recover", "--timeout", "10m")
			s.well(second)
		})
	}
}
