package labtest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// A unit that another hand has left wins over the one that systemd makes of /etc/fstab, at the next boot.
func TestUnitsOfOthersOnOurMountPointsAreNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, cacheFile(2, 1, 2))
	s.converge()
	server, client := s.Node(0), s.Node(2)
	const etc = "/etc/systemd/system/"
	for name, tc := range map[string]struct {
		node        *lab.Node
		path, text  string // a link to /dev/null where there is no text
		words, says string
	}{
		"a unit of a brick's tmpfs":     {server, etc + "cache_server.mount", "[Mount]\nWhat=tmpfs\nWhere=/cache_server\nType=tmpfs\nOptions=size=16m\n", "systemd takes " + etc + "cache_server.mount instead of the unit that it makes of our line in /etc/fstab", "systemctl disable cache_server.mount; rm -f"},
		"a unit of a client mount":      {client, etc + "client.mount", "[Mount]\nWhat=localhost:/server\nWhere=/client\nType=glusterfs\nOptions=defaults,_netdev\n", "systemd takes " + etc + "client.mount instead of", "systemctl disable client.mount; rm -f"},
		"a client mount that is masked": {client, etc + "client.mount", "", etc + "client.mount masks the unit that it makes of our line in /etc/fstab: the next boot does not mount it", "systemctl unmask client.mount"},
		"a mask of what it waits for":   {client, etc + "gluster-setup-wait@server.service", "", etc + "gluster-setup-wait@server.service masks the unit that gluster-setup installs and a mount of ours requires", "systemctl unmask"},
		"a drop-in":                     {client, etc + "client.mount.d/10-options.conf", "[Mount]\nOptions=ro\n", etc + "client.mount.d/10-options.conf sets Options of the unit", "rm -f"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &site{Lab: s.Lab, t: t, file: s.file}
			tc.node.Run("mkdir", "-p", filepath.Dir(tc.path))
			if tc.text == "" {
				tc.node.Run("ln", "-s", "/dev/null", tc.path)
			} else if err := os.WriteFile(tc.node.Path(tc.path), []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			s.refused(tc.node, tc.words, tc.says)
			o := s.expect(tc.node, 1, []string{tc.words, tc.says}, "status")

			// The remedy to the letter; systemctl leaves out what needs a systemd that runs.
			remedy := regexp.MustCompile(`: run "([^"]*)"`).FindStringSubmatch(oneLine(o.out))
			if remedy == nil {
				t.Fatalf("no command in %s", o.out)
			}
			tc.node.Run("env", "SYSTEMD_OFFLINE=1", "bash", "-c", strings.ReplaceAll(remedy[1], "; ", " && "))
			s.expect(tc.node, 0, []string{"Nothing to do"}, "plan")
			if o := s.try(tc.node, "status"); strings.Contains(o.out, tc.path) {
				t.Errorf("status still names it:\n%s", o.out)
			}
		})
	}
}
