package labtest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/internal/lab"
	"brickyard/setup/machine"
	"brickyard/setup/pool"
)

// names are the host names of the first nodes of a lab.
func names(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("n%d.example.com", i+1))
	}
	return out
}

// clusterFile describes servers with one volume on the labs' file system for
// bricks, and clients behind them that mount it on /client.
func clusterFile(servers, clients, replica int, more ...string) string {
	var b strings.Builder
	b.WriteString("nodes:\n")
	all := names(servers + clients)
	for i, n := range all {
		fmt.Fprintf(&b, "  %s: {address: 10.77.0.%d}\n", n, i+11)
	}
	fmt.Fprintf(&b, "volumes:\n  server:\n    replica: %d\n    bricks:\n      nodes: [%s]\n      directory: /bricks/server\n", replica, strings.Join(all[:servers], ", "))
	for _, m := range more {
		b.WriteString("    " + m + "\n")
	}
	if clients > 0 {
		fmt.Fprintf(&b, "mounts:\n  - {volume: server, path: /client, nodes: [%s]}\n", strings.Join(all[servers:], ", "))
	}
	return b.String()
}

// mountProcess is the identifier of the FUSE client of /client in a node.
func mountProcess(t *testing.T, n *lab.Node) string {
	t.Helper()
	return mountProcessAt(t, n, "/client")
}

func mountProcessAt(t *testing.T, n *lab.Node, path string) string {
	t.Helper()
	found, err := gluster.MountProcesses(n.Path("/proc"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		if p.Path == path {
			return strconv.Itoa(p.PID)
		}
	}
	t.Fatalf("%s: nothing is mounted on %s: %v", n.Name, path, found)
	return ""
}

// signal sends a signal to processes of a node, given by their identifiers in it.
func signal(n *lab.Node, sig syscall.Signal, pids ...string) {
	n.Run(append([]string{"bash", "-c", `kill "-$@"`, "kill", strconv.Itoa(int(sig))}, pids...)...)
}

// freeze stops a process of a node, given by its identifier in it, until SIGCONT.
func freeze(t *testing.T, n *lab.Node, pid string) {
	t.Helper()
	number, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	n.Freeze(number)
}

func (s *site) waitFor(what string, done func() bool) {
	s.t.Helper()
	lab.WaitFor(s.t, what, done)
}

// readable waits until a file can be read through the mount of a node.
func (s *site) readable(n *lab.Node, path string) {
	s.t.Helper()
	s.waitFor(path, func() bool {
		_, err := os.ReadFile(n.Path(path))
		return err == nil
	})
}

func TestTheClientMountWaitsForAVolumeThatServes(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	s.expect(client, 0, nil, "apply", "--parts", "host")
	const planned = "mount /client"
	s.expect(client, 2, []string{planned, "waits for volume server to be created"}, "plan")
	s.expect(client, 1, []string{"gave up after", "waiting for volume server to be created", "Nothing was changed."}, "apply", "--timeout", s.deadline(client, 12*time.Second), "--parts", "host,client")

	// Created, as a run leaves it that ends before the start.
	for _, n := range []*lab.Node{first, second} {
		s.expect(n, 0, nil, "apply", "--parts", "host")
	}
	first.Gluster("peer", "probe", second.Name)
	s.waitFor("the pool", func() bool { return strings.Contains(first.Gluster("peer", "status"), "Peer in Cluster (Connected)") })
	create := "volume create server replica 2 " + first.Name + ":/bricks/server/brick " + second.Name + ":/bricks/server/brick"
	first.Gluster(strings.Fields(create)...)
	s.expect(client, 2, []string{planned, "waits for volume server to be started"}, "plan")

	for i, o := range s.everywhere(s.Nodes()[:2], "apply") {
		o.check(t, s.Node(i).Name+" apply", 0)
	}
	first.KillBrick("/bricks/server/brick")
	second.KillBrick("/bricks/server/brick")
	s.expect(client, 2, []string{planned, "waits for replica set 1 of volume server: 0 of 2 bricks accept connections, too few to write"}, "plan")
	first.StopGlusterd()
	first.StartGlusterd() // starts its brick again
	s.waitFor("one brick of two", func() bool {
		return !strings.Contains(s.try(client, "plan").out, "waits for")
	})
	s.expect(client, 0, []string{planned}, "apply")
	s.expect(client, 0, []string{"Nothing to do"}, "plan")

	first.KillBrick("/bricks/server/brick")
	first.StopGlusterd()
	second.StopGlusterd()
	client.Run("umount", "/client")
	s.expect(client, 2, []string{planned, "waits for a server of volume server to answer (n1.example.com:"}, "plan")
	s.expect(client, 1, []string{"no server of the pool answers", "volume server is not mounted on /client"}, "status")
}

func TestTheClientMountOfThreeCopiesWaitsForTwo(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Clients: 1, Names: names(4)}, clusterFile(3, 1, 3))
	s.converge()
	client := s.Node(3)
	client.Run("umount", "/client")
	s.Node(0).KillBrick("/bricks/server/brick")
	s.expect(client, 2, nil, "plan") // two of three serve
	s.Node(1).KillBrick("/bricks/server/brick")
	o := s.expect(client, 2, []string{"waits for replica set 1 of volume server: 1 of 3 bricks accept connections, too few to write"}, "plan")
	if strings.Count(o.out, "waits for") != 1 {
		t.Errorf("waits for more:\n%s", o.out)
	}
	s.expect(client, 1, []string{"client part: gave up after", "1 of 3 bricks accept connections"}, "apply", "--timeout", s.deadline(client, 15*time.Second))
}

func TestClientMountsThatAreNotRight(t *testing.T) {
	t.Parallel()
	// A mount whose bricks hang answers after the ping-timeout, which is longer than any run of the program may take here: see patience.
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2, "options: {network.ping-timeout: 1000}"))
	s.converge()
	client := s.Node(2)
	if err := os.WriteFile(client.Path("/client/greeting"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}

	t.Run("a mount that lost its process is mounted again", func(t *testing.T) {
		signal(client, syscall.SIGKILL, mountProcess(t, client))
		var o outcome
		s.waitFor("the end of the mount", func() bool {
			o = s.try(client, "status")
			return strings.Contains(o.out, "Transport endpoint is not connected")
		})
		o.check(t, "status", 1, "mount /client:")
		s.expect(client, 2, []string{"mount again /client", "umount -l /client", "1 change to make here"}, "plan")
		s.expect(client, 0, []string{"Done: 1 change"}, "apply")
		s.readable(client, "/client/greeting")
		s.expect(client, 0, nil, "plan")
	})

	t.Run("a mount whose process hangs does not hang plan and status", func(t *testing.T) {
		pid := mountProcess(t, client)
		freeze(t, client, pid)
		s.soon(client, 0, nil, "plan")
		s.soon(client, 1, []string{"mount /client does not answer"}, "status")
		signal(client, syscall.SIGCONT, pid)
		s.readable(client, "/client/greeting")
	})

	t.Run("a mount whose bricks hang does not hang plan and status", func(t *testing.T) {
		frozen := map[*lab.Node]string{}
		for _, n := range s.Nodes()[:2] {
			bricks, err := gluster.BrickProcesses(n.Path("/proc"))
			if err != nil || len(bricks) != 1 {
				t.Fatalf("%s: %v, %v", n.Name, bricks, err)
			}
			frozen[n] = strconv.Itoa(bricks[0].PID)
			freeze(t, n, frozen[n])
		}
		s.soon(client, 0, nil, "plan")
		s.soon(client, 1, []string{"mount /client does not answer"}, "status")
		for n, pid := range frozen {
			signal(n, syscall.SIGCONT, pid)
		}
		s.readable(client, "/client/greeting")
	})

	t.Run("a mount whose bricks are all away is not mounted again", func(t *testing.T) {
		before := mountProcess(t, client)
		for _, n := range s.Nodes()[:2] {
			n.KillBrick("/bricks/server/brick")
		}
		s.waitFor("the mount's error", func() bool {
			return machineAnswers(t, client) != nil
		})
		s.expect(client, 0, nil, "plan")
		for _, n := range s.Nodes()[:2] {
			n.Gluster("volume", "start", "server", "force")
		}
		s.readable(client, "/client/greeting")
		s.expect(client, 0, []string{"Nothing to do"}, "apply")
		if after := mountProcess(t, client); after != before {
			t.Errorf("another process serves the mount: %s, before %s", after, before)
		}
	})

	t.Run("another volume in its place is a conflict", func(t *testing.T) {
		client.Run("umount", "/client")
		n := s.Node(0)
		n.Gluster("volume", "create", "photos", "replica", "2", n.Name+":/bricks/photos", s.Node(1).Name+":/bricks/photos")
		n.Gluster("volume", "start", "photos")
		s.waitFor("photos", func() bool {
			_, err := machine.Run(t.Context(), nil, client.Command(t.Context(), "mount", "-t", "glusterfs", n.Name+":/photos", "/client").Args...)
			return err == nil
		})
		s.refused(client, "mount /client", "the volume n1.example.com:/photos is mounted there, the cluster file says volume server", "unmount it")
		client.Run("umount", "/client")
	})

	t.Run("another file system in its place is a conflict", func(*testing.T) {
		client.Run("mount", "-t", "tmpfs", "tmpfs", "/client")
		s.refused(client, "mount /client", "tmpfs (tmpfs) is mounted there", "unmount it")
		client.Run("umount", "/client")
	})

	t.Run("files that the mount would hide are a conflict", func(*testing.T) {
		client.Run("touch", "/client/precious")
		s.refused(client, "/client", "it holds files (precious), which a mount would hide", "move the files away")
		client.Run("rm", "/client/precious")
	})

	t.Run("a file in place of the mount point is a conflict", func(*testing.T) {
		client.Run("bash", "-c", "rmdir /client && touch /client")
		s.refused(client, "/client", "it is no directory", "move it away")
		client.Run("rm", "/client")
	})

	s.expect(client, 0, []string{"Done: 1 change"}, "apply")
	s.readable(client, "/client/greeting")
}

func machineAnswers(t *testing.T, n *lab.Node) error {
	t.Helper()
	return machine.Answers(t.Context(), machine.Run, n.Path("/client"))
}

// soon is expect for a command that must not take long, as the machine is before it and after it.
func (s *site) soon(n *lab.Node, code int, words []string, command string, args ...string) {
	s.t.Helper()
	limit := s.allowance(n, 30*time.Second)
	began := time.Now()
	s.expect(n, code, words, command, args...)
	if took := time.Since(began); took > limit && took > s.allowance(n, 30*time.Second) {
		s.t.Errorf("%s took %v, and not %v", command, took, limit)
	}
}

// refused expects that plan and apply both end with 3 and say all the words,
// that apply changes nothing.
func (s *site) refused(n *lab.Node, words ...string) {
	s.t.Helper()
	s.expect(n, 3, append([]string{"conflict: "}, words...), "plan")
	s.expect(n, 3, append([]string{"conflict: ", "Refused: nothing was changed."}, words...), "apply", "--timeout", "10m")
}

// answered runs status until all that it asks answer in time, which on a busy machine they do not always: whatever else
// it sees is returned at once.
func (s *site) answered(n *lab.Node) outcome {
	s.t.Helper()
	for end := time.Now().Add(lab.Patience); ; {
		o := s.try(n, "status")
		other := false
		for line := range strings.Lines(o.out) {
			other = other || strings.HasPrefix(line, "  ! ") && !strings.Contains(line, "does not answer")
		}
		if o.code == 0 || other || time.Now().After(end) {
			return o
		}
	}
}

func TestWritersDoNotDisturbStatus(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	s.converge()
	s.connected(s.Node(2), s.Nodes()[:2])
	// Writes as the exporter's prober makes them, and a deploy: what is being written is no backlog of heals.
	writer := s.Node(2).Command(t.Context(), "bash", "-c", `cd /client && while :; do
		dd if=/dev/zero of=new bs=1000000 count=1 conv=fsync; mv new old; cp -r /etc/default tree; rm -r tree old
	done >/dev/null 2>&1`)
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		for _, n := range s.Nodes() {
			s.answered(n).check(t, n.Name+" status", 0)
		}
	}
	if err := writer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := writer.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
}

// accepts reports whether the brick of a server accepts connections, found out as clients do.
func accepts(n *lab.Node) bool {
	var err error
	n.Network(func() {
		c := gluster.NewClient("tcp", net.JoinHostPort(n.Address, pool.Port))
		err = errors.Join(c.BrickServes(context.Background(), onBrick), c.Close())
	})
	return err == nil
}

func TestAClientIsNotFasterThanABrickThatIsStarting(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	s.converge()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	// Apply gives the brick 5 s. On a busy machine it may need longer, and the attempt says nothing.
	const grace, most = 5 * time.Second, 60
	for try := 1; ; try++ {
		s.connected(client, s.Nodes()[:2])
		client.Run("umount", "/client")
		second.KillBrick(onBrick)
		began := time.Now()
		apply := s.start(client, "apply")
		time.Sleep(time.Second)
		first.Gluster("volume", "start", "server", "force")
		s.waitFor("the second brick", func() bool { return accepts(second) })
		took := time.Since(began)
		apply.wait().check(t, "apply", 0, "Done: 1 change")
		if took > grace {
			if try == most {
				t.Fatalf("in %d attempts the brick was never started within %s", most, grace)
			}
			continue
		}
		if err := os.WriteFile(client.Path("/client/greeting"), []byte("hello"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, n := range []*lab.Node{first, second} {
			if b, err := os.ReadFile(n.Path(onBrick + "/greeting")); err != nil || string(b) != "hello" {
				t.Errorf("%s: %q, %v: written to the other brick only", n.Name, b, err)
			}
		}
		return
	}
}
