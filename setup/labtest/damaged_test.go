package labtest_test

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"brickyard/internal/lab"
)

// damaged takes a brick's file system away, damages the inode of a file on it, and mounts it again: from then on the kernel refuses
// whatever asks for that name ("Structure needs cleaning"). The brick's process must not run.
func damaged(n *lab.Node, name string) {
	n.Run("bash", "-euc", `umount /bricks/server; debugfs -w -R "sif brick/$0 mode 0" /var/lib/server.img; mount -o loop,nosuid,nodev /var/lib/server.img /bricks/server; ! stat /bricks/server/brick/"$0"`, name)
}

// A disk cannot read one file of a brick that is to be compared after a power cut: its own, or that of the brick that it is compared with.
// That name is for a person, and everything else is compared and healed.
func TestAFileThatADiskCannotReadKeepsNoOtherFromBeingCompared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		on   int
	}{{"on the suspect brick", 1}, {"on the complete brick", 0}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.ReplaceAll(clusterFile(2, 1, 2), "directory: /bricks/server", "disk: {mount: /bricks/server, device: /var/lib/server.img, fstype: ext4, size: 64m, durability: async}")
			s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, text)
			s.converge()
			first, second, client := s.Node(0), s.Node(1), s.Node(2)
			s.connected(client, s.Nodes()[:2])
			client.Run("bash", "-euc", `cd /client; mkdir dir; for f in a bad lost z; do echo old >dir/$f; done`)
			s.expect(second, 0, nil, "recover", "--timeout", "10m")
			if c.on == 0 {
				first.StopGlusterd()
				first.KillBrick(onBrick)
				s.expect(first, 0, nil, "guard", "--stopped")
				damaged(first, "dir/bad")
				s.boot(first)
				s.expect(first, 0, nil, "recover", "--timeout", "10m")
				s.connected(client, s.Nodes()[:2])
			}
			client.Run("bash", "-euc", "cd /client/dir; echo new >lost; echo new >created")
			cut(second)
			behind(second, "echo old >dir/lost; forget dir/created")
			if c.on == 1 {
				damaged(second, "dir/bad")
			}
			s.boot(second)
			const waits = "what the brick lost in a power cut is being healed from n1.example.com:/bricks/server/brick; undecided names, of which there are 1"
			recovery := s.start(second, "recover")
			recovery.says(waits)
			s.waitFor("the file behind it to be healed", func() bool {
				text, err := os.ReadFile(second.Path(onBrick + "/dir/lost"))
				return err == nil && string(text) == "new\n"
			})
			if err := second.Signal(recovery.cmd, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			recovery.wait().check(t, "a recover that is terminated", 1)
			s.expect(second, 1, []string{waits}, "status")
			j := s.journal(second)
			if len(j.Resynced) != 1 || j.Resynced[0].Undecided != 1 || !slices.Equal(j.Resynced[0].Listed, []string{"/dir/bad"}) || j.Resynced[0].Entries < 6 {
				t.Errorf("journal: %+v", j)
			}
			if out := client.Run("bash", "-c", "sleep 1.2; cd /client/dir; cat a bad created lost z"); out != "old\nold\nnew\nnew\nold\n" {
				t.Errorf("a client reads %q", out)
			}

			// What the runbook says.
			client.Run("cp", "-a", "/client/dir/bad", "/root/bad")
			n := s.Node(c.on)
			n.StopGlusterd()
			n.KillBrick(onBrick)
			s.expect(n, 0, nil, "guard", "--stopped")
			n.Run("bash", "-c", "umount /bricks/server; fsck.ext4 -fy /var/lib/server.img; [ $? -le 1 ] && mount -o loop,nosuid,nodev /var/lib/server.img /bricks/server")
			s.boot(n)
			for i, o := range s.everywhere(s.Nodes()[:2], "recover", "--timeout", "10m") {
				o.check(t, s.Node(i).Name+" recover", 0)
			}
			first.Gluster("volume", "heal", "server", "full") // else the name that could not be read is in no list of what waits
			whole := func() bool { a := tree(first); return a == tree(second) && strings.Count(a, "./dir/") == 10 }
			if c.on == 1 {
				s.waitFor("the bricks to be equal", whole)
			}
			client.Run("bash", "-euc", "[ -e /client/dir/bad ] || cp -a /root/bad /client/dir/bad")
			s.waitFor("the bricks to be equal", whole)
			if text := client.Run("cat", "/client/dir/bad"); text != "old\n" {
				t.Errorf("the file that could not be read is %q", text)
			}
			s.connected(client, s.Nodes()[:2])
			for _, n := range s.Nodes()[:2] {
				s.well(n)
			}
		})
	}
}
