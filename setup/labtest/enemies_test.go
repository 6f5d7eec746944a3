package labtest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"brickyard/internal/impostor"
	"brickyard/internal/lab"
)

// nobody runs a script on a node as a user without any rights.
func nobody(n *lab.Node, script string) string {
	return n.Run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "bash", "-c", script)
}

// A user of both servers wants the volume to forget its files, or root to write somewhere else. The brick file systems are
// mounted as former versions did, open to everybody.
func TestAUserOfTheServersTakesNothing(t *testing.T) {
	t.Parallel()
	const mark = "/bricks/server/.gluster-setup-refill"
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)},
		strings.ReplaceAll(clusterFile(2, 1, 2, "ephemeral: true"), "directory: /bricks/server", "tmpfs: {mount: /bricks/server, size: 64m}"))
	s.converge()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	s.connected(client, s.Nodes()[:2])
	client.Run("bash", "-euc", `chmod 1777 /client; cd /client; mkdir dir; for i in $(seq 100); do echo "text $i" >dir/$i; done`)
	files := func() string { return client.Run("bash", "-c", "cd /client && find . -type f | sort | xargs md5sum") }
	want := files()
	served := first.Run("pgrep", "-x", "glusterfsd")
	for _, n := range s.Nodes()[:2] {
		n.Run("bash", "-euc", "mount -o remount,suid,dev /bricks/server; chmod 1777 /bricks/server; echo secret >/etc/victim; chmod 0600 /etc/victim")
	}
	nobody(first, "echo 'begun x' >"+mark)
	nobody(second, "ln -s /etc/victim "+mark)

	for i, o := range s.everywhere(s.Nodes()[:2], "recover", "--timeout", "10m") {
		o.check(t, s.Node(i).Name+" recover", 0, "others could get at what lies beside a brick", "a file beside a brick is not root's: it is ignored")
	}
	if got := files(); got != want {
		t.Fatalf("the client sees\n%s\nand not\n%s", got, want)
	}
	if out := nobody(first, "(echo 'begun x' >"+mark+"; ls "+onBrick+"; cat "+onBrick+"/dir/1) 2>&1 || true"); strings.Count(out, "Permission denied") != 3 {
		t.Errorf("nobody still gets at the brick: %s", out)
	}

	// The brick of the other is gone, and root writes its mark where the link lies.
	cut(second)
	second.Run("bash", "-euc", "chmod 1777 /bricks/server; rm -rf "+onBrick)
	nobody(second, "mkdir "+onBrick+"; ls -l "+mark)
	second.StartGlusterd()
	s.expect(second, 0, nil, "recover", "--timeout", "10m")
	s.waitFor("nothing to wait to be healed", func() bool { return s.healed() })
	if got := files(); got != want {
		t.Errorf("after a refill the client sees\n%s\nand not\n%s", got, want)
	}
	if text, err := os.ReadFile(second.Path("/etc/victim")); err != nil || string(text) != "secret\n" {
		t.Errorf("the file that the link names holds %q, %v", text, err)
	}
	if owner := second.Run("stat", "-c", "%u", onBrick); owner != "0\n" {
		t.Errorf("the root of the volume belongs to %s", owner)
	}

	// apply makes it last, and no brick notices.
	s.expect(first, 2, []string{"mount -o remount,nosuid,nodev /bricks/server"}, "plan")
	for i, o := range s.everywhere(s.Nodes()[:2], "apply") {
		o.check(t, s.Node(i).Name+" apply", 0)
	}
	s.settled()
	if now := first.Run("pgrep", "-x", "glusterfsd"); now != served {
		t.Errorf("the brick process is %s, it was %s", now, served)
	}
	for _, n := range s.Nodes()[:2] {
		if out := n.Run("bash", "-c", "stat -c '%a %u' /bricks/server; findmnt -n -o OPTIONS /bricks/server"); !strings.HasPrefix(out, "700 0\n") || !strings.Contains(out, "nosuid,nodev") {
			t.Errorf("%s: %s", n.Name, out)
		}
	}
	if out := client.Run("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "bash", "-euc",
		"cd /client; mkdir mine; echo x >mine/a; mv mine/a mine/b; ln -s b mine/c; cat mine/c dir/1"); out != "x\ntext 1\n" {
		t.Errorf("a user of the client reads %q", out)
	}
	for _, n := range s.Nodes()[:2] {
		s.well(n)
	}
}

// posing is the environment variable with which this test's own program poses as GlusterFS's daemons.
const posing = "LABTEST_POSES"

const impostorSocket = "/run/impostor.socket"

// pose poses until this process is killed.
func pose() int {
	err := impostor.Pose(context.Background(), os.Getenv(posing),
		[]string{"/usr/sbin/glusterfs", "-s", "localhost", "--volfile-id", "shd/server", "-p", "/run/impostor.pid", "-S", os.Getenv(posing), "--process-name", "glustershd"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// A user of both servers has a daemon that says of every brick that nothing is left to be healed. A refill must not end
// before it is complete.
func TestAnImpostorEndsNoRefill(t *testing.T) {
	t.Parallel()
	const files = 2000
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2, "ephemeral: true"))
	s.converge()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	s.connected(client, s.Nodes()[:2])
	client.Run("bash", "-euc", fmt.Sprintf(`cd /client; mkdir dir; for i in $(seq %d); do echo "text $i" >dir/$i; done`, files))
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range s.Nodes()[:2] {
		n.Run("chmod", "1777", "/run")
		cmd := n.Command(t.Context(), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program)
		cmd.Env = append(os.Environ(), posing+"="+impostorSocket)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() //nolint:errcheck // it was killed
		})
		s.waitFor("the impostor to listen", func() bool {
			return n.Command(t.Context(), "test", "-S", impostorSocket).Run() == nil
		})
	}

	wipe(second)
	second.StartGlusterd()
	s.expect(second, 0, nil, "recover", "--timeout", "10m")
	// At once: what recover calls complete is.
	if a, b := tree(first), tree(second); a != b || strings.Count(b, "./dir/") != 2*files {
		t.Errorf("recover has ended, and of %d lines of the other brick this one has %d", strings.Count(a, "\n"), strings.Count(b, "\n"))
	}
	s.well(second)
}
