package labtest_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// Bricks whose ports nobody answers run all the same: they are unknown, and nobody starts them, or stops a node because of them.
func TestABrickBehindAFirewallIsUnknownAndNotOffline(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, cacheFile(2, 0, 2))
	s.converge()
	first, second := s.Node(0), s.Node(1)
	s.waitFor("all to be well", func() bool {
		return s.try(second, "recover", "--timeout", "30s").code == 0 && s.try(first, "ok-to-stop", "--look").code == 0
	})

	brick := names(2)[1] + ":/cache_server/brick"
	const silent = "does not answer: a firewall?"
	closed := []string{"iptables", "-A", "INPUT", "-p", "tcp", "--syn", "--dport", "49152:65535", "-j", "DROP"}
	second.Run(closed...)
	s.expect(first, 1, []string{"brick " + brick + " of volume server: unknown whether it is online: its port", silent}, "status")
	s.expect(first, 3, []string{"unknown whether " + brick + " serves: its port", silent}, "ok-to-stop", "--look")
	// The node itself reaches its port no more than others do.
	acts(s, second, "unknown whether the brick serves: its port")
	s.expect(second, 3, []string{"unknown whether " + brick + " serves: its port"}, "ok-to-stop", "--look")

	second.Run("iptables", "-F")
	second.Run(append(closed[:len(closed)-1], "REJECT", "--reject-with", "tcp-reset")...)
	acts(s, second, "unknown whether the brick serves: its process")
	second.Run("iptables", "-F")
	second.Run("iptables", "-A", "INPUT", "-p", "tcp", "--syn", "--dport", "24007", "-j", "DROP")
	acts(s, second, "unknown whether the brick serves: glusterd on its node does not answer in time")
	// The glusterds stay connected: it is not gone, and nobody gives it up by mistake.
	s.expect(first, 3, []string{"glusterd on " + names(2)[1] + " does not answer here", "it is not gone"}, "recover", "--give-up", names(2)[1])
	second.Run("iptables", "-F")
	s.expect(second, 0, nil, "recover")
	s.waitFor("all to be well again", func() bool { return s.try(first, "status").code == 0 && s.try(second, "status").code == 0 })
}

// acts expects that recover waits with these words, and runs no command of GlusterFS's.
func acts(s *site, n *lab.Node, words string) {
	s.t.Helper()
	before := commands(s.t, n)
	r := s.start(n, "recover", "--timeout", s.deadline(n, 10*time.Second))
	r.says(words)
	r.wait().check(s.t, n.Name+" recover", 1, words)
	if after := commands(s.t, n); after != before {
		s.t.Errorf("%s: recover changed something that it could not ask:\n%s", n.Name, strings.TrimPrefix(after, before))
	}
}

// commands is what a node's glusterd was told to change.
func commands(t testing.TB, n *lab.Node) string {
	t.Helper()
	text, err := os.ReadFile(n.Path("/var/log/glusterfs/cmd_history.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A pool whose glusterds encrypt their connections: everything that asks other nodes refuses at once, and says why.
func TestEncryptedManagementConnectionsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	s.converge()
	servers, client := s.Nodes()[:2], s.Node(2)
	client.Run("umount", "/client")
	encrypt(s, servers)
	s.waitFor("the peers to be connected", func() bool { return strings.Contains(s.Node(0).Gluster("peer", "status"), "(Connected)") })

	const words = "glusterd of this pool encrypts its management connections (/var/lib/glusterd/secure-access), which gluster-setup does not manage yet"
	n := servers[0]
	before := commands(t, n)
	for _, c := range [][]string{{"plan"}, {"apply"}, {"recover"}, {"ok-to-stop"}, {"wait", "server"}, {"recover", "--give-up", names(2)[1]}} {
		s.expect(n, 3, []string{words}, c[0], c[1:]...)
	}
	s.expect(n, 0, nil, "ok-to-stop", "--hold")
	if out := s.expect(n, 1, []string{words, "unknown"}, "status").out; strings.Contains(out, "offline") || strings.Contains(out, "NO") {
		t.Errorf("status takes bricks that it cannot ask for offline:\n%s", out)
	}
	if after := commands(t, n); after != before {
		t.Errorf("something was changed:\n%s", strings.TrimPrefix(after, before))
	}

	// A client that knows nothing of it is hung up on.
	s.expect(client, 3, []string{".example.com: " + words}, "wait", "server")
	for _, c := range []string{"plan", "apply"} {
		s.expect(client, 3, []string{"mount /client", ".example.com encrypts its management connections"}, c)
	}
	if out := s.expect(client, 1, []string{"no server of the pool answers"}, "status").out; strings.Contains(out, "offline") {
		t.Errorf("status takes bricks that it cannot ask for offline:\n%s", out)
	}

	// What docs/security.md says.
	for _, n := range servers {
		n.StopGlusterd()
		n.Run("bash", "-c", "pkill -x 'glusterfsd?'; rm /var/lib/glusterd/secure-access")
	}
	for _, n := range servers {
		n.StartGlusterd()
	}
	s.waitFor("the bricks to be back", func() bool { return s.try(n, "recover", "--timeout", "1m").code == 0 })
	s.converge()
}

// encrypt gives servers certificates and has their glusterds encrypt.
func encrypt(s *site, servers []*lab.Node) {
	s.t.Helper()
	dir := s.t.TempDir()
	var all []byte
	for _, n := range servers {
		n.Run("bash", "-c", "dir=$(openssl version -d | cut -d'\"' -f2) && mkdir -p $dir && cd $dir && openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN="+n.Name+" -keyout glusterfs.key -out glusterfs.pem 2>/dev/null && cp glusterfs.pem "+dir+"/"+n.Name)
		one, err := os.ReadFile(dir + "/" + n.Name) //nolint:gosec // below the test's directory
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, one...)
	}
	if err := os.WriteFile(dir+"/ca", all, 0o600); err != nil {
		s.t.Fatal(err)
	}
	for _, n := range servers {
		n.StopGlusterd()
		n.Run("bash", "-c", "pkill -x 'glusterfsd?'; cp "+dir+"/ca $(openssl version -d | cut -d'\"' -f2)/glusterfs.ca; touch /var/lib/glusterd/secure-access")
	}
	for _, n := range servers {
		n.StartGlusterd()
	}
}
