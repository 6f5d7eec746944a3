package labtest_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"brickyard/internal/lab"
	"brickyard/setup/machine"
)

// Every pool may have a volume "server": what an application writes into the wrong one never reaches its own.
func TestOnlyThePoolsOwnVolumeIsFine(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 4, Names: names(4)}, clusterFile(2, 1, 2))
	first, client, stranger := s.Node(0), s.Node(2), s.Node(3)
	apply := func() {
		t.Helper()
		for i, o := range s.everywhere(s.Nodes()[:3], "apply") {
			o.check(t, s.Node(i).Name+" apply", 0)
		}
	}
	apply()
	for _, n := range []*lab.Node{client, stranger} {
		n.Run("bash", "-c", "echo "+stranger.Address+" "+stranger.Name+" >>/etc/hosts")
	}
	stranger.Gluster("volume", "create", "server", stranger.Name+":/bricks/server")
	stranger.Gluster("volume", "start", "server")
	// A client of the file has a glusterd and a pool of its own besides.
	client.Gluster("volume", "create", "server", "replica", "2", client.Name+":/bricks/a", client.Name+":/bricks/b", "force")
	client.Gluster("volume", "start", "server")
	if err := os.MkdirAll(client.Path("/client/sub/deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	mount := func(args ...string) {
		t.Helper()
		s.waitFor("mount "+strings.Join(args, " "), func() bool {
			_, err := machine.Run(t.Context(), nil, client.Command(t.Context(), append([]string{"mount"}, args...)...).Args...)
			return err == nil
		})
	}
	// wrong expects that nobody calls the mount fine or writes into it, and that the remedy, followed to the letter, makes it right.
	wrong := func(t *testing.T, words string) {
		t.Helper()
		s := &site{Lab: s.Lab, t: t, file: s.file}
		const remedy = `run "umount /client" when its users can do without it, then "gluster-setup apply"`
		s.refused(client, "mount /client", words, remedy)
		s.expect(client, 1, []string{"volume server is not mounted on /client: " + words, remedy}, "status")
		s.expect(client, 1, []string{"mount /client: " + words, remedy}, "verify", "--alone")
		client.Run("umount", "/client")
		s.expect(client, 0, []string{"Done: 1 change"}, "apply")
		s.expect(client, 0, []string{"Nothing to do"}, "plan")
		s.expect(client, 0, nil, "verify", "--alone")
	}

	for name, tc := range map[string]struct {
		mount []string
		words string
	}{
		"of another pool":                    {[]string{"-t", "glusterfs", stranger.Name + ":/server", "/client"}, "the volume server of another pool is mounted there: its bricks are on " + stranger.Name},
		"of another pool, by address":        {[]string{"-t", "glusterfs", stranger.Address + ":/server", "/client"}, "the volume server of another pool is mounted there"},
		"of this client's own pool":          {[]string{"-t", "glusterfs", "localhost:/server", "/client"}, "another volume named server is mounted there: it has the volume id "},
		"a directory of it":                  {[]string{"-t", "glusterfs", first.Name + ":/server/sub", "/client"}, "only the directory /sub of volume server is mounted there"},
		"a directory of it, by an option":    {[]string{"-t", "glusterfs", "-o", "subdir-mount=sub/deep", first.Name + ":/server", "/client"}, "only the directory /sub/deep of volume server is mounted there"},
		"a directory of it, by a bind mount": {[]string{"--bind", "/other/sub", "/client"}, "only the directory /sub of volume server is mounted there"},
	} {
		t.Run(name, func(t *testing.T) {
			client.Run("umount", "/client")
			if tc.mount[0] == "--bind" {
				client.Run("mkdir", "-p", "/other")
				mount("-t", "glusterfs", first.Name+":/server", "/other")
			}
			mount(tc.mount...)
			wrong(t, tc.words)
		})
	}

	t.Run("one of another pool that hangs", func(t *testing.T) {
		client.Run("umount", "/client")
		mount("-t", "glusterfs", stranger.Name+":/server", "/client")
		pid := mountProcess(t, client)
		freeze(t, client, pid)
		const words = "the volume is mounted there from n4.example.com, which is no server of the cluster file, and the mount does not say whose it is"
		s.soon(client, 3, []string{words}, "plan")
		s.soon(client, 1, []string{words}, "status")
		signal(client, syscall.SIGCONT, pid)
		wrong(t, "the volume server of another pool is mounted there")
	})

	t.Run("its own, mounted by hand from an address", func(*testing.T) {
		client.Run("umount", "/client")
		mount("-t", "glusterfs", "-o", "nosuid,nodev", first.Address+":server", "/client")
		s.expect(client, 0, []string{"Nothing to do"}, "plan")
		s.expect(client, 0, nil, "verify", "--alone")
	})
}
