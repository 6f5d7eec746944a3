package mounted

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/sys/mountinfo"

	"brickyard/setup/desired"
	"brickyard/setup/machine"
)

const (
	own    = "32dbe847-4587-48a1-8f6c-afa447b98720"
	others = "11111111-4587-48a1-8f6c-afa447b98720"
)

func TestTheVolumeOfThePoolIsKnownFromItsNamesakes(t *testing.T) {
	t.Parallel()
	pool := Pool{
		ID: own,
		Servers: []desired.Server{
			{Name: "n1.example.com", Aliases: []string{"n1"}, Address: netip.MustParseAddr("10.0.0.1")},
			{Name: "n2.example.com", Address: netip.MustParseAddr("fd00::2")},
		},
		Resolve: func(host string) []netip.Addr {
			if host == "storage" {
				return []netip.Addr{netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("10.0.0.1")}
			}
			return nil
		},
	}
	server, silent, distributed := pool, pool, Graph{Hosts: []string{"s3"}}
	server.Server, silent.ID = true, ""
	ours := Graph{VolumeIDs: []string{own}, Hosts: []string{"n1.example.com", "n2.example.com"}}
	theirs := Graph{VolumeIDs: []string{others}, Hosts: []string{"s3.example.com"}}
	const (
		hung   = "and the mount does not say whose it is"
		bricks = "of another pool is mounted there: its bricks are on "
	)
	for name, tc := range map[string]struct {
		source, root string
		graph        Graph
		pool         Pool
		want         string
	}{
		"the volume": {"n1.example.com:/server", "/", ours, pool, ""},
		"from an address that only the network knows":      {"vip.example.com:/server", "/", ours, pool, ""},
		"the namesake of another pool":                     {"s3.example.com:/server", "/", theirs, pool, "another volume named server is mounted there: it has the volume id " + others + " and its bricks on s3.example.com, the one of this pool has " + own},
		"from a name that once was another machine's":      {"n1.example.com:/server", "/", theirs, pool, "another volume named server"},
		"the pool's volume before it was made anew":        {"n1:/server", "/", Graph{VolumeIDs: []string{others}, Hosts: ours.Hosts}, pool, "another volume named server"},
		"from a glusterd of this client's own":             {"localhost:/server", "/", theirs, pool, "another volume named server"},
		"a namesake without replicas":                      {"s3:/server", "/", distributed, pool, bricks + "s3, none of which"},
		"the volume while no server answers":               {"vip:/server", "/", ours, silent, ""},
		"the volume by other names of the servers":         {"vip:/server", "/", Graph{VolumeIDs: []string{own}, Hosts: []string{"old", "N1"}}, silent, ""},
		"bricks by address":                                {"vip:/server", "/", Graph{Hosts: []string{"fd00:0::2"}}, silent, ""},
		"the namesake while no server answers":             {"s3.example.com:/server", "/", theirs, silent, bricks + "s3.example.com, none of which"},
		"a mount that hangs":                               {"n1.example.com:/server", "/", Graph{}, pool, ""},
		"a mount that hangs, by alias":                     {"N1:server", "/", Graph{}, pool, ""},
		"a mount that hangs, by address":                   {"10.0.0.1:/server", "/", Graph{}, pool, ""},
		"a mount that hangs, by IPv6 address":              {"fd00::2:/server", "/", Graph{}, pool, ""},
		"a mount that hangs, by one of two servers":        {"s3,n2.example.com:/server", "/", Graph{}, pool, ""},
		"a mount that hangs, by a name that leads there":   {"storage:/server", "/", Graph{}, pool, ""},
		"a mount that hangs, of a server's own glusterd":   {"localhost:/server", "/", Graph{}, server, ""},
		"a mount that hangs, of a client's own glusterd":   {"localhost:/server", "/", Graph{}, pool, "from localhost, which is no server of the cluster file, " + hung},
		"a mount that hangs, of ::1 on a client":           {"::1:/server", "/", Graph{}, pool, hung},
		"a mount that hangs, from elsewhere":               {"s3.example.com:/server", "/", Graph{}, pool, hung},
		"a mount that hangs, from another address":         {"10.0.0.11:/server", "/", Graph{}, pool, hung},
		"a directory of the volume":                        {"n1:/server/sub/deep", "/", ours, pool, "only the directory /sub/deep of volume server is mounted there, the cluster file says the whole volume"},
		"a directory without a slash":                      {"n1:server/sub", "/", ours, pool, "only the directory /sub"},
		"a directory that both name":                       {"n1:/server/sub", "/", Graph{VolumeIDs: []string{own}, Subdirectory: "sub"}, pool, "only the directory /sub of"},
		"a directory that the client alone names":          {"n1:/server", "/", Graph{VolumeIDs: []string{own}, Subdirectory: "sub"}, pool, "only the directory /sub"},
		"a bind mount of a directory":                      {"n1:/server", "/sub", Graph{}, pool, "only the directory /sub"},
		"a volume that begins with the name":               {"n1:/server2", "/", ours, pool, "the volume n1:/server2 is mounted there, the cluster file says volume server"},
		"a volume file":                                    {"/etc/glusterfs/server.vol", "/", ours, pool, "the volume /etc/glusterfs/server.vol is mounted there"},
		"a directory with a colon and a slash in its name": {"n1:/server/a:/b", "/", ours, pool, "only the directory /a:/b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, remedy := Other(desired.ClientMount{Volume: "server", Path: "/client"}, Seen{FSType: "fuse.glusterfs", Source: tc.source, Root: tc.root, Graph: tc.graph}, tc.pool)
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) || (got == "") != (remedy == "") {
				t.Errorf("%q, remedy %q; want %q", got, remedy, tc.want)
			}
		})
	}
	got, _ := Other(desired.ClientMount{Volume: "server"}, Seen{FSType: "xfs", Source: "/dev/vdb", Root: "/"}, pool)
	if got != "xfs (/dev/vdb) is mounted there, the cluster file says volume server" {
		t.Error(got)
	}
}

func TestAClientTellsItsVolume(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/volfile-10.3")
	if err != nil {
		t.Fatal(err)
	}
	const started = "{\n  \"Cmdlinestr\": \"/usr/sbin/glusterfs --process-name fuse --volfile-server=localhost --volfile-id=/server --subdir-mount=/sub/deep /m3\"\n}"
	answers := func(_ context.Context, _ []string, argv ...string) ([]byte, error) {
		if strings.HasSuffix(argv[len(argv)-1], "volfile") {
			return text, nil
		}
		return []byte(started), nil
	}
	mnt := &mountinfo.Info{FSType: "fuse.glusterfs", Source: "n1:/server", Mountpoint: "/client", Root: "/"}
	want := Seen{FSType: mnt.FSType, Source: mnt.Source, Root: "/"}
	full := want
	full.Graph = Graph{VolumeIDs: []string{own}, Hosts: []string{"n1.example.com", "n2.example.com"}, Subdirectory: "sub/deep"}
	if diff := cmp.Diff(full, Look(t.Context(), answers, mnt)); diff != "" {
		t.Error(diff)
	}
	for name, run := range map[string]func() ([]byte, error){
		"one that is gone": func() ([]byte, error) { return nil, errors.New("Transport endpoint is not connected") },
		"one that hangs":   func() ([]byte, error) { select {} },
	} {
		got := Look(t.Context(), func(context.Context, []string, ...string) ([]byte, error) { return run() }, mnt)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if a := Resolve(t.Context(), machine.Run)("localhost"); !slices.ContainsFunc(a, netip.Addr.IsLoopback) {
		t.Errorf("localhost is %v", a)
	}
}
