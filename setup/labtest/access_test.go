package labtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// mayMount tries to mount volume server on a node by hand until files can be made there, or a brick says that it lets nobody in from
// here: what else a mount that has just begun may fail with says nothing.
func (s *site) mayMount(n *lab.Node, options ...string) bool {
	s.t.Helper()
	var out string
	s.waitFor("a mount by hand on "+n.Name+" to work or to be refused", func() bool {
		out = n.Run("bash", "-c", fmt.Sprintf(`mkdir -p /try; rm -f /var/log/glusterfs/try.log
			mount -t glusterfs %s %s:/server /try >/dev/null 2>&1
			if grep -q ' /try fuse.glusterfs ' /proc/self/mounts && touch /try/"$(hostname)" 2>/dev/null; then echo in
			elif grep -q 'Authentication failed' /var/log/glusterfs/try.log; then echo refused; fi
			umount -l /try 2>/dev/null || true`, strings.Join(options, " "), s.Node(0).Name))
		return out != ""
	})
	return out == "in\n"
}

// knows gives a node that is not in the file the names of those that are: without them it could not mount the volume anyway.
func (s *site) knows(n *lab.Node) {
	var lines strings.Builder
	for _, other := range s.Nodes() {
		fmt.Fprintf(&lines, "%s %s\n", other.Address, other.Name)
	}
	n.Run("bash", "-c", "echo \"$0\" >>/etc/hosts", lines.String())
}

// inet6Mount is what a mount by hand needs where the pool talks IPv6.
const inet6Mount = "-o xlator-option=transport.address-family=inet6"

// address gives a node one more address on its network.
func address(n *lab.Node, prefix string) func() {
	n.Run("ip", "addr", "add", prefix, "dev", "eth0", "nodad")
	return func() { n.Run("ip", "addr", "del", prefix, "dev", "eth0") }
}

func TestAVolumeIsForTheNodesOfTheFile(t *testing.T) {
	for _, family := range []struct {
		name    string
		six     bool
		options []string
	}{{"IPv4", false, nil}, {"IPv6", true, []string{inet6Mount}}} {
		t.Run(family.name, func(t *testing.T) {
			text := clusterFile(3, 1, 3)
			if family.six {
				text = strings.ReplaceAll(text, "10.77.0.", "fd77::")
			}
			// The fifth host is on the network and not in the file.
			s := newSite(t, lab.Options{Clients: 2, IPv6: family.six, Names: names(5)}, text)
			known, fifth := s.Nodes()[:4], s.Node(4)
			for i, o := range s.everywhere(known, "apply") {
				o.check(t, s.Node(i).Name+" apply", 0)
			}
			for i, o := range s.everywhere(known, "plan") {
				o.check(t, s.Node(i).Name+" plan", 0, "Nothing to do.")
			}
			s.knows(fifth)
			if s.mayMount(fifth, family.options...) {
				t.Error("the fifth host mounts the volume")
			}
			for _, n := range known {
				if !s.mayMount(n, family.options...) {
					t.Errorf("%s does not mount the volume", n.Name)
				}
			}
			s.selfCareGoesOn()

			// A node's other address: what it is to do stands in the plan, and in what apply waits for.
			other := "10.77.0.99"
			if family.six {
				other = "fd77::99"
			}
			s.fromAnotherAddress(s.Node(3), other)

			// The network of the fifth host is let in, and nobody who is there notices.
			network := map[bool]string{false: "10.77.0.0/24", true: "fd77::/16"}[family.six]
			s.write(strings.Replace(text, "replica: 3\n", "replica: 3\n    access: ['"+network+"']\n", 1))
			s.whileWriting(s.Node(3), func() { s.expect(s.Node(0), 0, []string{"set options of volume server"}, "apply") })
			if !s.mayMount(fifth, family.options...) {
				t.Error("a host whose network is let in does not mount the volume")
			}
			s.write(text)
			s.whileWriting(s.Node(3), func() { s.expect(s.Node(0), 0, []string{"set options of volume server"}, "apply") })
			if s.mayMount(fifth, family.options...) {
				t.Error("the fifth host mounts the volume again")
			}
		})
	}
}

// selfCareGoesOn has GlusterFS and gluster-setup do what they do by themselves: all of it connects from servers' addresses.
func (s *site) selfCareGoesOn() {
	s.t.Helper()
	n, client := s.Node(0), s.Node(3)
	n.KillBrick(onBrick)
	client.Run("bash", "-c", "mkdir -p /client/heal; for i in $(seq 20); do echo $i >/client/heal/$i; done")
	n.Gluster("--mode=script", "volume", "start", "server", "force")
	s.waitFor("the brick to be healed", func() bool {
		s.Node(1).Command(s.t.Context(), "gluster", "volume", "heal", "server").Run() //nolint:errcheck // refused until the brick is connected
		return s.healed() && strings.Count(n.Run("ls", onBrick+"/heal"), "\n") == 20
	})
	for _, server := range s.Nodes()[:3] {
		if c, code := s.check(server, "--content"); code != 0 {
			s.t.Errorf("check on %s: %d, %+v", server.Name, code, c)
		}
	}
	s.expect(client, 0, nil, "verify")
	s.expect(n, 0, []string{"all is well"}, "status")
}

// fromAnotherAddress has a client reach the bricks from an address that the file does not have.
func (s *site) fromAnotherAddress(client *lab.Node, other string) {
	s.t.Helper()
	bits := "/24"
	route := []string{"ip", "route"}
	host := "/32"
	if strings.Contains(other, ":") {
		bits, host = "/64", "/128"
		route = []string{"ip", "-6", "route"}
	}
	remove := address(client, other+bits)
	to := s.Node(1).Address + host
	client.Run(append(route, "add", to, "dev", "eth0", "src", other)...)
	client.Run("umount", "/client")
	s.expect(client, 2, []string{"to let this node in: its bricks know it as " + other, "volumes.server.access"}, "plan")
	text := s.text()
	s.write(strings.Replace(text, "replica: 3\n", "replica: 3\n    access: ['"+other+"']\n", 1))
	s.expect(s.Node(0), 0, nil, "apply")
	s.expect(client, 0, nil, "apply")
	s.write(text)
	client.Run("umount", "/client")
	client.Run(append(route, "del", to, "dev", "eth0")...)
	remove()
	s.expect(s.Node(0), 0, nil, "apply")
	s.expect(client, 0, nil, "apply")
}

// whileWriting has a client write and look all the time while something happens, and expects that it never fails.
func (s *site) whileWriting(client *lab.Node, do func()) {
	s.t.Helper()
	stop := filepath.Join(s.t.TempDir(), "stop")
	cmd := client.Command(s.t.Context(), "bash", "-c", `exec 3>/client/log
		n=0
		until [ -e "$0" ]; do
			echo $n >&3 && stat /client/log >/dev/null || exit 1
			n=$((n + 1))
			sleep 0.01
		done
		[ "$(tail -n 1 /client/log)" = $((n - 1)) ] && [ $n -gt 1 ]`, stop)
	out := &lab.Transcript{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.waitFor("the writer to begin", func() bool { _, err := os.Stat(client.Path("/client/log")); return err == nil })
	do()
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		s.t.Errorf("a client in the middle of its work: %v\n%s", err, out)
	}
}

func TestAnOpenVolumeIsClosedWhileItsClientsWork(t *testing.T) {
	// The former state: everybody may mount, and mounts keep setuid programs and devices.
	closed := clusterFile(2, 1, 2, "ephemeral: true")
	open := strings.Replace(closed, "replica: 2\n", "replica: 2\n    access: any\n", 1)
	open = strings.Replace(open, "path: /client,", "path: /client, options: [suid, dev],", 1)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 2, Names: names(4)}, open)
	known, first, second, client, stranger := s.Nodes()[:3], s.Node(0), s.Node(1), s.Node(2), s.Node(3)
	for i, o := range s.everywhere(known, "apply") {
		o.check(t, s.Node(i).Name+" apply", 0)
	}
	s.expect(first, 0, []string{"volume server lets in every machine that reaches its bricks (auth.allow *)"}, "plan")
	s.knows(stranger)
	stranger.Run("bash", "-c", "mkdir -p /client; mount -t glusterfs "+first.Address+":/server /client")
	s.connected(client, known[:2])

	s.write(closed)
	s.expect(first, 3, []string{"a client with the address 10.77.0.14 is connected, which no node of the cluster file has", "volumes.server.access"}, "apply")
	stranger.Run("umount", "/client")
	s.soon(first, 2, []string{"every machine that reaches the bricks is let in", "auth.allow 10.77.0.11,10.77.0.12,10.77.0.13"}, "plan")
	s.expect(first, 0, []string{"volume server lets in every machine that reaches its bricks, and the cluster file names who may use it: run apply"}, "status")
	s.expect(client, 0, []string{"mount /client is not nosuid and nodev, as the cluster file has it: run apply"}, "status")
	client.Run("bash", "-euc", "cp /usr/bin/id /client/id; chmod 4755 /client/id; mknod /client/null c 1 3; chmod 666 /client/null")
	asNobody := func(script string) string {
		return client.Run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "bash", "-c", script+" 2>&1 || true")
	}
	if got := asNobody("/client/id -u; echo x >/client/null && echo opened"); got != "0\nopened\n" {
		t.Fatalf("the test shows nothing: %q", got)
	}
	process := mountProcess(t, client)
	s.whileWriting(client, func() {
		for i, o := range s.everywhere(known, "apply") {
			o.check(t, s.Node(i).Name+" apply", 0)
		}
	})
	if now := mountProcess(t, client); now != process {
		t.Errorf("the mount is another one: process %s, now %s", process, now)
	}
	if got := asNobody("/client/id -u; echo x >/client/null && echo opened"); !strings.HasPrefix(got, "65534\n") || strings.Contains(got, "opened") {
		t.Errorf("a setuid program and a device of another client: %q", got)
	}
	if s.mayMount(stranger) {
		t.Error("a machine that is not in the file mounts the volume")
	}
	for i, o := range s.everywhere(known, "plan") {
		o.check(t, s.Node(i).Name+" plan", 0, "Nothing to do.")
	}

	// The root belongs to somebody else, also when all copies are gone and begin anew under another umask.
	s.write(strings.Replace(closed, "replica: 2\n", "replica: 2\n    owner: 33:33\n    mode: '2770'\n", 1))
	s.whileWriting(client, func() {
		for i, o := range s.everywhere(known, "apply") {
			o.check(t, s.Node(i).Name+" apply", 0)
		}
	})
	s.writableBy33(client, known)
	wipe(first)
	wipe(second)
	first.StartGlusterd()
	second.StartGlusterd()
	for _, n := range known[:2] {
		r := n.Command(t.Context(), "bash", "-c", "umask 077; exec "+os.Getenv(program)+" recover -f "+s.file+" --timeout 10m &>/run/recover.log")
		if err := r.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := r.Wait(); err != nil {
				t.Errorf("%s recover: %v\n%s", n.Name, err, n.Run("cat", "/run/recover.log"))
			}
		}()
	}
	s.waitFor("the client to see an empty volume", func() bool {
		out, err := client.Command(t.Context(), "ls", "-A", "/client").Output()
		return err == nil && strings.TrimSpace(string(out)) == ""
	})
	s.writableBy33(client, known)
}

// writableBy33 expects that the volume's root is 33's everywhere, that 33 can write there, and that nobody has anything to do.
func (s *site) writableBy33(client *lab.Node, known []*lab.Node) {
	s.t.Helper()
	s.waitFor("the root of the volume to be 33's on all bricks", func() bool {
		for _, n := range known[:2] {
			if out, err := n.Command(s.t.Context(), "stat", "-c", "%u:%g %a", onBrick).Output(); err != nil || string(out) != "33:33 2770\n" {
				return false
			}
		}
		return true
	})
	client.Run("setpriv", "--reuid", "33", "--regid", "33", "--clear-groups", "bash", "-euc", "echo mine >/client/mine; cat /client/mine; rm /client/mine")
	for i, o := range s.everywhere(known, "plan") {
		o.check(s.t, s.Node(i).Name+" plan", 0, "Nothing to do.")
	}
}
