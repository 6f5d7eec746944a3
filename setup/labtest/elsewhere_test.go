package labtest_test

import (
	"os"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// Somebody moved glusterd's working directory, as when /var was full: what apply leaves for the other nodes is found by nobody.
func TestAGlusterdWithItsStoreElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, cacheFile(2, 0, 2))
	first := s.Node(0)
	first.StopGlusterd()
	first.Run("mkdir", "/srv/glusterd", "/srv/told")
	first.Run("sed", "-i", "s#option working-directory.*#option working-directory /srv/glusterd#", "/etc/glusterfs/glusterd.vol")
	first.StartGlusterd()
	const supported = "gluster-setup supports /var/lib/glusterd only"
	kept := []string{"glusterd keeps its store in /srv/glusterd, and " + supported, "/etc/glusterfs/glusterd.vol:3"}
	s.unchanged(t, "the option of its volume file", func(*testing.T) {
		s.refused(first, append(kept, "ln -s /srv/glusterd /var/lib/glusterd")...)
		s.expect(first, 1, []string{"! glusterd of this node has its working-directory at /srv/glusterd (/etc/glusterfs/glusterd.vol:3), and " + supported}, "status")
		for _, command := range []string{"recover", "check"} {
			s.expect(first, 3, kept, command)
		}
	})
	if out, err := first.Command(t.Context(), os.Getenv(program), "guard", "--store").CombinedOutput(); err != nil || !strings.Contains(string(out), supported) {
		t.Errorf("guard --store: %v\n%s", err, out)
	}
	first.StopGlusterd()
	first.Run("sed", "-i", "s#option working-directory.*#option working-directory /var/lib/glusterd#", "/etc/glusterfs/glusterd.vol")
	first.Run("glusterd", "-p", "/run/glusterd.pid", "--xlator-option=*.working-directory=/srv/told")
	s.waitFor("glusterd to answer", func() bool { return s.try(first, "plan").code == 3 })
	s.unchanged(t, "an argument of the process", func(*testing.T) {
		s.refused(first, "glusterd keeps its store in /srv/told, and "+supported, "an argument of process")
	})
	first.StopGlusterd()

	// By the remedy.
	first.Run("sed", "-i", "s#option working-directory.*#option working-directory /srv/glusterd#", "/etc/glusterfs/glusterd.vol")
	first.StartGlusterd()
	s.expect(first, 3, kept, "plan")
	first.Run("bash", "-c", "mv /var/lib/glusterd /var/lib/glusterd.before; ln -s /srv/glusterd /var/lib/glusterd")
	s.converge()
	s.answered(first).check(t, "status", 0)
	if out := first.Run("ls", "/srv/glusterd/vols"); out != "server\n" {
		t.Errorf("glusterd's store has the volumes %q", out)
	}
}
