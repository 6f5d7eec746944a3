package labtest_test

import (
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// TestAFullOrReadOnlyVarStopsNoRefill has a node come back without its brick, and without a byte of room for the journals and notes of
// recover, or with a place for them that nobody can write to. Without room for its own store glusterd itself changes nothing.
func TestAFullOrReadOnlyVarStopsNoRefill(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, spoil, mend string }{
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
	} {
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
			s.expect(second, 0, nil, "recover", "--timeout", "4m")
			s.waitFor("nothing to wait to be healed", func() bool { return s.healed() })
			if a, b := tree(first), tree(second); a != b {
				t.Errorf("the bricks differ.\nfirst:\n%s\nsecond:\n%s", a, b)
			}
			if got := files(); got != want {
				t.Errorf("the client sees\n%s\nand not\n%s", got, want)
			}
			second.Run("bash", "-euc", c.mend)
			s.expect(second, 0, nil, "recover", "--timeout", "4m")
			s.well(second)
		})
	}
}
