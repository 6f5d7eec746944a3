package labtest_test

import (
	"os"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// Each of these names or addresses is one by which GlusterFS does not find the node that is meant.
func TestNamesAndAddressesThatMeanAnotherMachineAreRefused(t *testing.T) {
	t.Parallel()
	right := cacheFile(2, 0, 2)
	own := right + "manage: {hosts: false}\n"
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, right)
	first, second := s.Node(0), s.Node(1)
	const mistaken = "GlusterFS would take it for this machine"
	for _, tc := range []struct {
		name, file, hosts string
		words             []string
	}{
		{"another node at the loopback address of the other family", right, "::1 n2.example.com n2\n", []string{"/etc/hosts:3", "gives n2.example.com the address ::1", mistaken, "remove the name from this line"}},
		{"an alias of another node at an address of this one", strings.Replace(right, "{address: 10.77.0.12}", "{address: 10.77.0.12, aliases: [two]}", 1), first.IPv6 + " two\n", []string{"/etc/hosts:3", "gives two the address " + first.IPv6, mistaken}},
		{"another node at loopback where others write the names", own, "10.77.0.11 n1.example.com\n127.0.1.1 n2.example.com n2\n", []string{"/etc/hosts:4", "gives n2.example.com the address 127.0.1.1", mistaken, "resolves to 10.77.0.12", "systemctl restart glusterd"}},
		{"another node at this one's address where others write the names", own, "10.77.0.11 n1.example.com n2.example.com\n", []string{"/etc/hosts:3", "gives n2.example.com the address 10.77.0.11", mistaken}},
		{"a third machine's address where others write the names", own, "10.77.0.11 n1.example.com\n10.77.0.99 n2.example.com\n", []string{"nodes.n2.example.com", "resolves to 10.77.0.99 on this machine", "the cluster file says 10.77.0.12"}},
		{"the own name at a third machine's address", own, "10.77.0.99 n1.example.com\n10.77.0.12 n2.example.com\n", []string{"nodes.n1.example.com", "resolves to 10.77.0.99", "does not know its own name"}},
		{"an own address that no interface has", strings.Replace(right, "10.77.0.11", "10.77.0.151", 1), "", []string{"nodes.n1.example.com.address", "10.77.0.151 is on no interface of this machine, which has 10.77.0.11", "does not know its own name", "ip addr"}},
		{"another node's address on an interface of this one", strings.NewReplacer("10.77.0.11", "10.77.0.151", "10.77.0.12", "10.77.0.11").Replace(right), "", nil},
	} {
		s.unchanged(t, tc.name, func(t *testing.T) {
			s.write(tc.file)
			defer with(t, first, "/etc/hosts", tc.hosts)()
			if tc.words == nil { // the program asks which node this is
				s.expect(first, 1, []string{"this machine has the host name of node n1.example.com and the address of node n2.example.com"}, "plan")
				s.expect(first, 3, []string{"nodes.n2.example.com.address", "10.77.0.11 is on an interface of this machine, which is n1.example.com"}, "plan", "--node", "n1.example.com")
				return
			}
			s.refused(first, tc.words...)
		})
	}
	s.unchanged(t, "a name that nobody knows yet", func(t *testing.T) {
		s.write(own)
		defer with(t, first, "/etc/hosts", "10.77.0.11 n1.example.com\n")()
		s.expect(first, 2, []string{"this machine to know n2.example.com by name", "getent ahosts n2.example.com"}, "plan")
	})
	// The address went away from a node that serves, as when it is given another one.
	s.write(strings.Replace(right, "10.77.0.11", "10.77.0.151", 1))
	s.expect(first, 1, []string{"! nodes.n1.example.com.address: 10.77.0.151 is on no interface of this machine", "ip addr"}, "status")
	// By the remedies.
	s.write(own)
	for _, n := range s.Nodes() {
		with(t, n, "/etc/hosts", "10.77.0.11 n1.example.com\n10.77.0.12 n2.example.com\n")
	}
	s.converge()
	if out := second.Gluster("peer", "status"); !strings.Contains(out, "n1.example.com") {
		t.Errorf("n2 does not know n1 by its name:\n%s", out)
	}
}

// glusterd keeps in mind which names are its own. It answers a probe of them with success.
func TestANameThatGlusterdTakesForItsOwnEndsApply(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, cacheFile(2, 0, 2))
	first, second := s.Node(0), s.Node(1)
	s.expect(second, 0, nil, "apply", "--parts", "host")
	s.expect(first, 0, nil, "apply", "--parts", "host")
	mended, err := os.ReadFile(first.Path("/etc/hosts"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(first.Path("/etc/hosts"), []byte(text), 0o644); err != nil { //nolint:gosec // as on any machine
			t.Fatal(err)
		}
	}
	refused := []string{`conflict: peer n2.example.com GlusterFS takes it for this machine ("Probe on localhost not needed")`, "have n2.example.com resolve to 10.77.0.12 and nothing else", "systemctl restart glusterd"}
	write("127.0.0.1 localhost\n::1 localhost n2.example.com\n10.77.0.11 n1.example.com\n")
	s.expect(first, 3, append(refused, "the name resolves to ::1 here"), "apply", "--parts", "pool")

	write(string(mended))
	s.expect(first, 3, append(refused, "keeps it in mind until it is restarted"), "apply", "--parts", "pool")
	first.StopGlusterd()
	first.StartGlusterd()
	s.converge()
}

// cloud-init with manage_etc_hosts writes /etc/hosts anew at every boot.
func TestHostsThatHaveLostTheirLinesAreNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, cacheFile(2, 1, 2))
	s.converge()
	second, client := s.Node(1), s.Node(2)
	second.Run("mkdir", "-p", "/etc/cloud/cloud.cfg.d")
	second.Run("bash", "-c", "echo 'manage_etc_hosts: true' >/etc/cloud/cloud.cfg.d/99.cfg")
	s.expect(second, 0, []string{"warning: /etc/hosts: cloud-init writes /etc/hosts anew at every boot (manage_etc_hosts: true in /etc/cloud/cloud.cfg.d/99.cfg)", "Write `manage_etc_hosts: false` there"}, "plan")

	// The machine is started again.
	second.KillBrick("/cache_server/brick")
	second.StopGlusterd()
	second.Run("bash", "-c", "umount /cache_server; mount /cache_server")
	second.Run("bash", "-c", `printf '127.0.1.1 n2.example.com n2\n127.0.0.1 localhost\n::1 localhost ip6-localhost\n' >/etc/hosts`)
	second.StartGlusterd()
	const lost = "/etc/hosts has lost the lines of gluster-setup (n1.example.com, n3.example.com are not known): run gluster-setup apply"
	s.expect(second, 1, []string{"! " + lost}, "status")
	recovering := s.start(second, "recover")
	recovering.says(lost)
	client.Run("bash", "-c", "echo 127.0.0.1 localhost >/etc/hosts")
	const all = "/etc/hosts has lost the lines of gluster-setup (n1.example.com, n2.example.com, n3.example.com are not known): run gluster-setup apply"
	s.start(client, "wait", "server").says("warning: " + all)
	s.expect(client, 1, []string{"! " + all}, "status")
	// By the remedies.
	s.expect(client, 0, nil, "apply", "--parts", "host")
	if now, err := os.ReadFile(client.Path("/etc/hosts")); err != nil || !strings.Contains(string(now), "10.77.0.11 n1.example.com") {
		t.Errorf("%v, /etc/hosts after apply:\n%s", err, now)
	}
	s.expect(second, 0, nil, "apply")
	recovering.wait().check(t, "recover", 0)
	s.answered(second).check(t, "status", 0)
	s.expect(second, 0, []string{"warning: /etc/hosts: cloud-init writes /etc/hosts anew at every boot"}, "status")
	s.hostsComeBack()
	second.Run("bash", "-c", "echo 'manage_etc_hosts: false' >/etc/cloud/cloud.cfg.d/99.cfg")
	for _, command := range []string{"plan", "status"} {
		if o := s.try(second, command); o.code != 0 || strings.Contains(o.out, "cloud-init") {
			t.Errorf("%s after the remedy: exit %d\n%s", command, o.code, o.out)
		}
	}
}

// hostsComeBack runs what systemd runs before it starts glusterd on a server, and before a client waits for its volume, after something
// has written /etc/hosts anew.
func (s *site) hostsComeBack() {
	s.t.Helper()
	for _, tc := range []struct {
		n          *lab.Node
		unit, lost string
	}{
		{s.Node(1), "glusterd.service.d/gluster-setup.conf", "n1.example.com, n3.example.com"},
		{s.Node(2), "gluster-setup-wait@.service", "n1.example.com, n2.example.com"},
	} {
		before := tc.n.Run("sed", "-n", `s|^ExecStartPre=-.*/gluster-setup guard --hosts|guard --hosts|p`, "/etc/systemd/system/"+tc.unit)
		args := strings.Fields(before)
		if len(args) == 0 {
			s.t.Fatalf("%s: %s puts nothing back", tc.n.Name, tc.unit)
		}
		run := func(code int, words ...string) {
			s.t.Helper()
			out := &lab.Transcript{}
			cmd := tc.n.Command(s.t.Context(), append([]string{os.Getenv(program)}, args...)...)
			cmd.Stdout, cmd.Stderr = out, out
			err := cmd.Run()
			outcome{code: s.exit(err), out: out.String()}.check(s.t, tc.n.Name+" "+before, code, words...)
			if len(words) == 0 && out.String() != "" {
				s.t.Errorf("%s said:\n%s", tc.n.Name, out)
			}
		}
		run(0) // nothing was lost
		anew := func(more string) {
			tc.n.Run("bash", "-c", "printf '127.0.1.1 "+tc.n.Name+"\n127.0.0.1 localhost\n"+more+"' >/etc/hosts")
		}
		anew("192.0.2.7 n1.example.com\n")
		run(1, "/etc/hosts:3: ", "192.0.2.7", "then run gluster-setup apply")
		anew("")
		run(0, "/etc/hosts had lost the lines of gluster-setup: they are put back", tc.lost)
		s.expect(tc.n, 0, []string{"Nothing to do."}, "plan", "--parts", "host")
		if text := tc.n.Run("cat", "/etc/hosts"); !strings.HasPrefix(text, "127.0.1.1 "+tc.n.Name+"\n") {
			s.t.Errorf("what was written anew is not left as it was:\n%s", text)
		}
	}
}
