package labtest_test

import (
	"regexp"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// A server that is installed anew has another identity than the pool knows it
// by. It is neither right nor about to become right by itself.
func TestAServerThatWasInstalledAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 0, Names: names(2)}, clusterFile(2, 0, 2))
	s.converge()
	first, second := s.Node(0), s.Node(1)
	identity := func() string {
		return strings.TrimSpace(second.Run("sed", "-n", "s/^UUID=//p", "/var/lib/glusterd/glusterd.info"))
	}
	had := identity()
	second.StopGlusterd()
	second.Run("bash", "-c", "pkill -KILL -x 'glusterfsd|glusterfs'; find /var/lib/glusterd -mindepth 1 -maxdepth 1 ! -name hooks -exec rm -rf {} +; rm -rf /bricks/server")
	second.StartGlusterd()
	// Only who asks makes a new glusterd give itself an identity; both sides of a pool do.
	words := []string{"conflict: peer " + second.Name, "the pool knows it by the UUID " + had, "it was installed anew, or another machine has its address", "write UUID=" + had}
	s.expect(second, 3, words, "plan")
	s.expect(first, 3, words, "plan")
	s.expect(second, 3, words, "apply", "--timeout", "4m")
	if identity() == had {
		t.Fatalf("%s has its former identity", second.Name)
	}

	// The remedy, by its own words.
	out := strings.Join(strings.Fields(s.try(second, "plan").out), " ")
	steps := regexp.MustCompile(`on (\S+): stop glusterd, write (UUID=\S+) into (\S+), start glusterd, run "([^"]+)", restart glusterd, wait until "([^"]+)" there names the pool's volumes, restart glusterd once more, and run apply again`).FindStringSubmatch(out)
	if steps == nil || steps[1] != second.Name {
		t.Fatalf("no remedy in %s", out)
	}
	second.StopGlusterd()
	second.Run("sed", "-i", "s/^UUID=.*/"+steps[2]+"/", steps[3])
	second.StartGlusterd()
	second.Run(append([]string{"gluster", "--mode=script"}, strings.Fields(steps[4])[1:]...)...)
	second.StopGlusterd()
	second.StartGlusterd()
	s.waitFor("the volume to be known", func() bool { return strings.Contains(second.Run("bash", "-c", steps[5]), "server") })
	s.converge()
	// Who forgets the last restart is told of it, unless the volume was known before the first: this glusterd takes its own brick for new.
	if o := s.try(second, "recover", "--timeout", "5s"); o.code != 0 && strings.Contains(o.out, "destination brick is new") {
		o.check(t, "recover", 1, `run "gluster-setup ok-to-stop --wait 10m && systemctl restart glusterd" on this node`)
		s.expect(second, 0, nil, "ok-to-stop", "--wait", "1m")
	}
	second.StopGlusterd()
	second.StartGlusterd()
	s.expect(second, 0, nil, "recover", "--timeout", "4m")
	s.waitFor("both bricks to serve again", func() bool { return s.healed() })
}
