package labtest_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// systemctl stands in for systemd's in a lab: what glusterd.service of Debian does, with which bricks end as well.
const systemctl = `#!/bin/sh
[ "$2" = glusterd ] || exit 1
case $1 in stop|restart)
	for file in /run/glusterd.pid /run/gluster/vols/*/*.pid /run/gluster/shd/*/*.pid; do
		[ -s "$file" ] || continue
		pid=$(cat "$file")
		kill "$pid" 2>/dev/null || continue
		while [ -d "/proc/$pid" ]; do sleep 0.1; done
	done
esac
case $1 in start|restart) exec glusterd -p /run/glusterd.pid; esac
`

// step is one thing that a remedy says, in its own words, and who does it. Without a hand it is a command, and is run as it
// is printed.
type step struct {
	on   *lab.Node
	says string
	hand func()
}

// ailment is a state that plan refuses, and the remedy that it prints, followed to the end.
type ailment struct {
	name  string
	code  string
	make  func() // the state
	at    *lab.Node
	words []string // in the problem
	steps []step
}

// remedy is what plan on a node says about a conflict.
func (s *site) remedy(n *lab.Node, code string) (problem, remedy string) {
	s.t.Helper()
	return s.remedyOf(n, code)
}

// remedyOf is remedy for a plan with further arguments.
func (s *site) remedyOf(n *lab.Node, code string, args ...string) (problem, remedy string) {
	s.t.Helper()
	o := s.try(n, "plan", append([]string{"--output", "json"}, args...)...)
	var doc struct {
		Conflicts []struct{ Code, Problem, Remedy string }
	}
	text, _, _ := strings.Cut(o.out, "\n{\n")
	if err := json.Unmarshal([]byte(o.out), &doc); err != nil {
		s.t.Fatalf("%s plan: %v\n%s", n.Name, err, text)
	}
	for _, c := range doc.Conflicts {
		if c.Code == code && o.code == 3 {
			return c.Problem, c.Remedy
		}
	}
	s.t.Fatalf("%s plan: exit code %d, no conflict %s:\n%s", n.Name, o.code, code, o.out)
	return "", ""
}

// follow brings the lab into each state, does what plan says, and expects that apply then ends well on all nodes.
func (s *site) follow(outer *testing.T, ailments []ailment) {
	outer.Helper()
	for _, n := range s.Nodes() {
		n.Run("mkdir", "-p", "/shim")
		if err := os.WriteFile(n.Path("/shim/systemctl"), []byte(systemctl), 0o755); err != nil { //nolint:gosec // a program
			outer.Fatal(err)
		}
	}
	for _, a := range ailments {
		if !outer.Run(a.name, func(t *testing.T) {
			s.t = t
			defer func() { s.t = outer }()
			a.make()
			problem, remedy := s.remedy(a.at, a.code)
			for _, w := range a.words {
				if !strings.Contains(problem, w) {
					t.Errorf("the problem is %q, without %q", problem, w)
				}
			}
			for _, step := range a.steps {
				if !strings.Contains(remedy, step.says) {
					t.Fatalf("the remedy is %q, without %q", remedy, step.says)
				}
				if step.hand != nil {
					step.hand()
					continue
				}
				step.on.Run("bash", "-c", "PATH=/shim:$PATH; set -e; "+step.says)
			}
			s.converge()
			for _, n := range s.Nodes() {
				s.well(n)
			}
		}) {
			return // the next would begin with what this one left
		}
	}
}

// reject makes two servers reject each other, by a line that only one of them has in its file of the volume.
func (s *site) reject(odd *lab.Node, servers []*lab.Node) {
	s.t.Helper()
	odd.StopGlusterd()
	odd.Run("bash", "-c", "rm -rf /root/glusterd.old; echo performance.cache-size=64MB >>/var/lib/glusterd/vols/server/info")
	odd.StartGlusterd()
	s.waitFor("the peers to reject each other", func() bool {
		return !slices.ContainsFunc(servers, func(n *lab.Node) bool { return !strings.Contains(n.Gluster("peer", "status"), "Rejected") })
	})
}

func TestWhatPlanSaysAboutThePoolIsFollowedToTheEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, cacheFile(2, 1, 2))
	s.converge()
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	servers := []*lab.Node{first, second}
	n1, n2 := first.Name, second.Name
	client.Run("bash", "-c", "for i in {1..20}; do echo kept >/client/f$i; done")
	const forget = "systemctl stop glusterd; mkdir -p /root/glusterd.old; mv /var/lib/glusterd/vols/server /root/glusterd.old/; systemctl start glusterd"
	lost := func() {
		second.StopGlusterd()
		second.Run("bash", "-c", "rm -rf /root/away; mkdir /root/away; cd /var/lib/glusterd; for f in *; do [ $f = glusterd.info ] || mv $f /root/away/; done")
		second.StartGlusterd()
		s.waitFor("the others to notice", func() bool { return s.try(first, "plan").code == 3 })
	}
	back := []step{{second, "gluster peer probe " + n1, nil}, {second, "systemctl restart glusterd", nil}}
	halfStarted := func() {
		first.Gluster("volume", "stop", "server")
		second.Run("bash", "-c", "mv $(command -v glusterfsd) /root/glusterfsd; printf '#!/bin/sh\nexit 1\n' >/usr/sbin/glusterfsd; chmod +x /usr/sbin/glusterfsd")
		first.Run("bash", "-c", "! gluster volume start server")
		second.Run("mv", "/root/glusterfsd", "/usr/sbin/glusterfsd")
	}
	s.follow(t, []ailment{
		{
			"a rejected peer, seen by the one that is right", "peer-rejected", func() { s.reject(second, servers) }, first,
			[]string{"(no performance.cache-size), " + n2, "(performance.cache-size=64MB)"},
			[]step{{second, forget, nil}},
		},
		{
			"a rejected peer, seen by the odd one", "peer-rejected", func() { s.reject(second, servers) }, second,
			[]string{"(no performance.cache-size), " + n2, "(performance.cache-size=64MB)"},
			[]step{{second, forget, nil}},
		},
		{
			"a rejected peer, and the first server is the odd one", "peer-rejected", func() { s.reject(first, servers) }, second, nil,
			[]step{{first, forget, nil}},
		},
		{"a server that has lost glusterd's directory, seen by itself", "peer-forgot", lost, second, []string{n1 + " knows it as a member of the pool"}, back},
		{"a server that has lost glusterd's directory, seen by another one", "peer-forgot", lost, first, nil, back},
		{
			"the brick of a server that has lost glusterd's directory", "volume-forgotten", lost, second,
			[]string{n1 + " has volume server with this id: this node has forgotten it"},
			back,
		},
		{
			"the brick of such a server, while the others do not answer", "brick-unknown", func() { lost(); first.StopGlusterd() }, second,
			[]string{n1 + ", which may have it, does not answer"},
			[]step{{second, "leave the brick as it is; see that glusterd answers there", func() {
				first.StartGlusterd()
				if _, remedy := s.remedy(second, "peer-forgot"); !strings.Contains(remedy, back[0].says) {
					s.t.Errorf("then it says %q", remedy)
				}
			}}, {second, "run plan again", func() {
				for _, step := range back {
					step.on.Run("bash", "-c", "PATH=/shim:$PATH; "+step.says)
				}
			}}},
		},
		{"a server without room", "store-full", func() { s.fullStore(second, servers) }, second, []string{"is full"}, []step{
			{second, "make room there", func() { second.Run("rm", "/var/lib/glusterd/filler") }},
		}},
		{"a change that one server did not make", "volume-differs", func() {
			second.Run("bash", "-c", "! dd if=/dev/zero of=/var/lib/glusterd/filler bs=1k 2>/dev/null")
			first.Run("bash", "-c", "! gluster volume set server network.ping-timeout 9")
		}, first, []string{n1 + " knows volume server in version"}, []step{
			{second, "make room below /var/lib/glusterd where it is full", func() { second.Run("rm", "/var/lib/glusterd/filler") }},
			{second, "systemctl restart glusterd", nil},
		}},
		{"a volume that one server did not start, and does not tell its version", "volume-differs", func() {
			second.Run("rm", "-r", "/var/lib/glusterd/gluster-setup-server")
			halfStarted()
		}, first, []string{"(started), " + n2 + " in another version (stopped)"}, []step{
			{second, "gluster-setup apply --parts host", func() { s.expect(second, 0, nil, "apply", "--parts", "host") }},
			{second, "run plan again, which says what to do", func() {
				_, remedy := s.remedy(second, "volume-differs")
				if !strings.Contains(remedy, "systemctl restart glusterd") {
					s.t.Errorf("then it says %q", remedy)
				}
				second.Run("/shim/systemctl", "restart", "glusterd")
			}},
		}},
		{"a volume that one server did not start, since its brick did not", "volume-differs", halfStarted, second, []string{n1 + " knows volume server in version ", "(started), " + n2 + " in version ", "(stopped)"}, []step{
			{second, "systemctl restart glusterd", nil},
		}},
	})
	if out := client.Run("bash", "-c", "cat /client/f* | grep -c kept"); out != "20\n" {
		t.Errorf("of 20 files %s are left", out)
	}
}
