package labtest_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// fingerprint is everything on a node that the program could change.
func fingerprint(n *lab.Node) string {
	return n.Run("bash", "-c", `find /etc/hosts /etc/fstab /etc/brickyard /etc/systemd/system /usr/local/sbin /var/lib/glusterd/peers /var/lib/glusterd/vols/*/info -type f 2>/dev/null | sort | xargs md5sum
		find /bricks -not -path '*/.glusterfs*' | sort; ls -d /client /cache_server 2>/dev/null; cut -d' ' -f4- /proc/self/mountinfo; getfattr -d -m trusted.glusterfs -e hex /bricks/*/* 2>/dev/null; true`)
}

// unchanged runs a test of a refusal and fails it where a node was changed.
func (s *site) unchanged(outer *testing.T, name string, test func(t *testing.T)) {
	outer.Helper()
	outer.Run(name, func(t *testing.T) {
		s.t = t
		defer func() { s.t = outer }()
		before := map[string]string{}
		for _, n := range s.Nodes() {
			before[n.Name] = fingerprint(n)
		}
		test(t)
		for _, n := range s.Nodes() {
			if after := fingerprint(n); after != before[n.Name] {
				t.Errorf("%s was changed, from\n%s\nto\n%s", n.Name, before[n.Name], after)
			}
		}
	})
}

// with puts lines at the end of a file of a node; what it returns takes them off
// again.
func with(t *testing.T, n *lab.Node, path, lines string) func() {
	t.Helper()
	old, err := os.ReadFile(n.Path(path))
	if err != nil {
		t.Fatal(err)
	}
	put := func(text []byte) {
		if err := os.WriteFile(n.Path(path), text, 0o644); err != nil { //nolint:gosec // as on any machine
			t.Fatal(err)
		}
	}
	put(append(slices.Clip(old), lines...))
	return func() { put(old) }
}

func TestWhatIsWrongWithTheMachineStopsApplyBeforeAnyChange(t *testing.T) {
	t.Parallel()
	right := clusterFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 2, Names: names(4)}, right)
	first, client, stranger := s.Node(0), s.Node(2), s.Node(3)
	at := s.file + ":"

	s.unchanged(t, "an unknown key", func(*testing.T) {
		s.write(strings.Replace(right, "    replica: 2", "    replicas: 2", 1))
		for _, command := range []string{"plan", "apply"} {
			s.expect(first, 1, []string{at + "7:5: unknown key", "hint: did you mean replica?"}, command)
		}
	})
	s.unchanged(t, "wrong replica arithmetic", func(*testing.T) {
		s.write(clusterFile(2, 1, 3))
		for _, command := range []string{"plan", "apply"} {
			s.expect(first, 1, []string{at + "9:14: ", "volume server: 2 brick nodes cannot be grouped into replica sets of 3", "hint: give 3 nodes"}, command)
		}
	})
	s.write(right)
	s.unchanged(t, "a node that is not in the file", func(*testing.T) {
		for _, command := range []string{"plan", "apply"} {
			s.expect(stranger, 1, []string{"n4.example.com", s.file, "--node"}, command)
			s.expect(first, 1, []string{"n9.example.com", s.file}, command, "--node", "n9.example.com")
		}
	})
	s.unchanged(t, "not root", func(t *testing.T) {
		for _, command := range []string{"plan", "apply"} {
			o := s.as(first, command)
			o.check(t, command, 1, command+" needs root", "sudo")
		}
	})
	s.unchanged(t, "somebody else's fstab line for our mount point", func(t *testing.T) {
		defer with(t, client, "/etc/fstab", "# keep\nLABEL=photos /client ext4 defaults 0 2\n")()
		s.refused(client, "/etc/fstab:2", `"LABEL=photos /client ext4 defaults 0 2" already configures /client`, "remove that line")
	})
	s.unchanged(t, "somebody else's address for one of our names", func(t *testing.T) {
		defer with(t, first, "/etc/hosts", "192.0.2.7 n2.example.com n2\n")()
		s.refused(first, "/etc/hosts:3", "gives n2.example.com the address 192.0.2.7, the cluster file says 10.77.0.12", "remove the name from this line, or correct nodes.n2.example.com.address")
	})
	s.unchanged(t, "a read-only /etc/hosts", func(*testing.T) {
		first.Run("mount", "--bind", "/etc/hosts", "/etc/hosts")
		first.Run("mount", "-o", "remount,bind,ro", "/etc/hosts")
		defer first.Run("umount", "/etc/hosts")
		s.expect(first, 2, []string{"edit /etc/hosts"}, "plan")
		s.expect(first, 1, []string{"edit /etc/hosts", "read-only file system", "Nothing was changed."}, "apply")
	})
	s.unchanged(t, "a stopped glusterd where nothing could start it", func(*testing.T) {
		first.StopGlusterd()
		s.refused(first, "glusterd", "it does not run, and this machine has no systemd", "start glusterd")
		s.expect(first, 1, []string{"gave up after a while waiting for glusterd on this node to answer"}, "apply", "--parts", "pool", "--timeout", s.deadline(first, 10*time.Second))
		first.StartGlusterd()
	})
	s.unchanged(t, "brick directories on the root disk", func(*testing.T) {
		s.write(strings.Replace(right, "/bricks/server", "/srv/server", 1))
		s.refused(first, "directory /srv/server", "on the root file system", "use disk with an image file in volumes.server.bricks")
	})
	// After all that it still works.
	s.write(right)
	for i, o := range s.everywhere(s.Nodes()[:3], "apply") {
		o.check(t, s.Node(i).Name+" apply", 0)
	}
}

// as runs the program as nobody.
func (s *site) as(n *lab.Node, command string) outcome {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := n.Command(ctx, "setpriv", "--reuid", "65534", "--clear-groups", "--", os.Getenv(program), command, "-f", s.file)
	out, err := cmd.CombinedOutput()
	return outcome{code: s.exit(err), out: string(out)}
}

func TestVolumesThatAreThereAlready(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Names: names(3)}, clusterFile(3, 0, 3))
	// As somebody may have made it by hand: by addresses.
	s.Pool()
	first := s.Node(0)
	brick := func(n *lab.Node, path string) string { return n.Address + ":" + path }
	remove := func() {
		first.Gluster("volume", "stop", "server")
		first.Gluster("volume", "delete", "server")
		for _, n := range s.Nodes() {
			n.Run("rm", "-rf", "/bricks/server", "/bricks/photos")
		}
	}
	create := func(name, replica, path string, nodes ...*lab.Node) {
		args := []string{"volume", "create", name}
		if replica != "" {
			args = append(args, strings.Fields(replica)...)
		}
		for _, n := range nodes {
			n.Run("mkdir", "-p", "/bricks/server")
			args = append(args, brick(n, path))
		}
		first.Gluster(args...)
		first.Gluster("volume", "start", name)
	}
	const path = "/bricks/server/brick"
	for _, c := range []struct {
		name, replica, problem string
		nodes                  []*lab.Node
	}{
		{"another replica count", "replica 2", "its replica count is 2, the cluster file says 3", s.Nodes()[:2]},
		{"an arbiter", "replica 3 arbiter 1", "its arbiter count is 1, the cluster file says 0", s.Nodes()},
		{"no replicas at all", "", "its type is Distribute, the cluster file says Replicate", s.Nodes()},
		{"another order of bricks", "replica 3", "its list of bricks is 10.77.0.12:/bricks/server/brick", []*lab.Node{s.Node(1), s.Node(0), s.Node(2)}},
	} {
		create("server", c.replica, path, c.nodes...)
		s.unchanged(t, c.name, func(*testing.T) {
			for _, n := range s.Nodes() {
				s.refused(n, "volume server", c.problem, "correct volumes.server in the cluster file")
			}
		})
		remove()
	}

	create("photos", "replica 3", path, s.Nodes()...)
	s.unchanged(t, "a brick of another volume", func(*testing.T) {
		for _, n := range s.Nodes() {
			s.refused(n, "brick "+n.Name+":"+path, "it belongs to volume photos, so it cannot become a brick of volume server", "choose another path in the cluster file")
		}
	})
	first.Gluster("volume", "stop", "photos")
	first.Gluster("volume", "delete", "photos")
	s.unchanged(t, "a brick with the files of a volume that was deleted", func(*testing.T) {
		for _, n := range s.Nodes() {
			s.refused(n, "brick "+n.Name+":"+path, "it belongs to a volume that this pool does not have (id ", "move it away (mv "+path)
		}
	})
	// The other nodes' bricks are free again: only the last one's is in use, which
	// the first finds out from GlusterFS.
	for _, n := range s.Nodes()[:2] {
		n.Run("rm", "-rf", path)
	}
	for _, n := range s.Nodes() {
		s.expect(n, 0, nil, "apply", "--parts", "host")
	}
	s.expect(s.Node(2), 3, []string{"conflict: brick n3.example.com:" + path}, "apply")
	s.expect(first, 3, []string{"Staging failed on 10.77.0.13. Error: " + path + " is already part of a volume"}, "apply", "--timeout", "10m")

	s.Node(2).Run("rm", "-rf", path)
	s.converge()
}

func TestAPoolMadeByAddressesIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	two := clusterFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 3, Clients: 0, Names: names(3)}, strings.Replace(two, "mounts", "mounts", 1))
	s.Pool()
	first, second := s.Node(0), s.Node(1)
	for _, n := range s.Nodes()[:2] {
		n.Run("mkdir", "-p", "/bricks/server")
	}
	first.Gluster("volume", "create", "server", "replica", "2", first.Address+":/bricks/server/brick", second.Address+":/bricks/server/brick")
	first.Gluster("volume", "start", "server")
	first.Gluster("volume", "set", "server", "performance.io-thread-count", "32")
	ids := func() string {
		return first.Run("bash", "-c", "ls /var/lib/glusterd/peers; grep -h volume-id= /var/lib/glusterd/vols/server/info; getfattr -n trusted.glusterfs.volume-id /bricks/server/brick 2>/dev/null")
	}
	before := ids()

	const stranger = "warning: peer 10.77.0.13 is in the pool but not in the cluster file: left alone"
	const option = "warning: volume server has the option performance.io-thread-count=32, which the cluster file does not name: left alone"
	o := s.expect(first, 2, []string{"probe peer n2.example.com", "this node knows it as 10.77.0.12 only"}, "plan")
	if strings.Contains(o.out, "create volume") || strings.Contains(o.out, "start volume") {
		t.Errorf("wants to make the volume again:\n%s", o.out)
	}
	// The third server is a client here.
	for i, o := range s.everywhere(s.Nodes(), "apply", "--timeout", "10m") {
		o.check(t, s.Node(i).Name+" apply", 0)
		if i < 2 && (!strings.Contains(o.out, stranger) && !strings.Contains(o.out, "warning: peer 10.77.0.13") || !strings.Contains(o.out, option)) {
			t.Errorf("%s does not warn:\n%s", s.Node(i).Name, o.out)
		}
	}
	s.settled()
	if after := ids(); after != before {
		t.Errorf("the pool was\n%s\nand is\n%s", before, after)
	}
	for i, n := range s.Nodes()[:2] {
		other := s.Node(1 - i).Name
		if out := n.Gluster("peer", "status"); !strings.Contains(out, other) {
			t.Errorf("%s does not know %s:\n%s", n.Name, other, out)
		}
	}
}
