package desired

import (
	"net/netip"
	"strings"
	"testing"

	"brickyard/gluster"
)

func TestMountsThatLeftTheClusterFile(t *testing.T) {
	t.Parallel()
	s := &State{Node: "n1", Server: true, ClientMounts: []ClientMount{{Volume: "server", Path: "/client"}}}
	s.Pool.Servers = []Server{{Name: "n1.example.com", Aliases: []string{"n1"}, Address: netip.MustParseAddr("fd77::11")}}
	s.Pool.Volumes = []Volume{{Spec: gluster.VolumeSpec{Name: "server"}}}
	for _, tc := range []struct {
		name, source, path, fstab string
		left                      bool
	}{
		{"that of the cluster file", "n1.example.com:/server", "/client", "", false},
		{"one that left it", "n1.example.com:/server", "/old", "", true},
		{"a directory of the volume", "n1:/server/dir", "/old", "", true},
		{"by address", "[fd77::11]:/server", "/old", "", true},
		{"by address without brackets and slash", "fd77::11:server", "/old", "", true},
		{"by several servers", "n9,n1:/server", "/old", "", true},
		{"from this machine", "localhost:/server", "/old", "", true},
		{"another volume", "n1:/photos", "/old", "", false},
		{"another pool's volume of the same name", "far.example.net:/server", "/old", "", false},
		{"somebody else's line of fstab", "n1:/server", "/my own", "n1:/server /my\\040own/ glusterfs defaults 0 0\n", false},
		{"our line of fstab, which goes", "n1:/server", "/old", "# BEGIN gluster-setup\nn1:/server /old glusterfs defaults 0 0\n# END gluster-setup\n", true},
		{"no source of a mount", "tmpfs", "/old", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			words := s.LeftMounts([]Mounted{{Source: tc.source, Path: tc.path}}, tc.fstab)
			if len(words) > 0 != tc.left || tc.left && !strings.Contains(words[0], "volume server is mounted on /old, and neither the cluster file") {
				t.Errorf("%q", words)
			}
		})
	}
}
