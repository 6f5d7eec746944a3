package desired_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"brickyard/gluster"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/templates"
)

// nodes are six nodes n1 to n6 at 10.0.0.1 to 10.0.0.6.
const nodes = `nodes:
  n1: {address: 10.0.0.1, aliases: [one]}
  n2: {address: 10.0.0.2}
  n3: {address: 10.0.0.3}
  n4: {address: 10.0.0.4}
  n5: {address: 10.0.0.5}
  n6: {address: 10.0.0.6}
`

func parse(t *testing.T, text string) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Parse("cluster.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func state(t *testing.T, text, node string) *desired.State {
	t.Helper()
	s, err := desired.For(parse(t, text), node)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func bricks(v desired.Volume) string {
	words := make([]string, 0, len(v.Spec.Bricks))
	for _, b := range v.Spec.Bricks {
		w := b.Host + ":" + b.Path
		if b.Arbiter {
			w += " (arbiter)"
		}
		words = append(words, w)
	}
	return strings.Join(words, ", ")
}

func TestPoolVolumes(t *testing.T) {
	t.Parallel()
	none, auto := gluster.Quorum{}, gluster.Quorum{Auto: true}
	for _, tc := range []struct {
		name, volume       string // the volume's keys
		bricks             string
		sets               int
		quorum             gluster.Quorum
		replica, arbiter   int
		servers, serversOf string
	}{
		{
			"distributed-replicated: the order of the list decides the replica sets",
			"replica: 2, bricks: {nodes: [n4, n2, n3, n1], directory: /srv/b}",
			"n4:/srv/b/brick, n2:/srv/b/brick, n3:/srv/b/brick, n1:/srv/b/brick", 2, none, 2, 0, "n1 n2 n3 n4", "n4 n2 n3 n1",
		},
		{
			"every third brick is the arbiter, and two must be up",
			"replica: 3, arbiter: 1, bricks: {nodes: [n1, n2, n3, n4, n5, n6], tmpfs: {mount: /c, size: 1g}}",
			"n1:/c/brick, n2:/c/brick, n3:/c/brick (arbiter), n4:/c/brick, n5:/c/brick, n6:/c/brick (arbiter)", 2, auto, 3, 1, "n1 n2 n3 n4 n5 n6", "n1 n2 n3 n4 n5 n6",
		},
		{
			"replica 3 needs two", "replica: 3, bricks: {nodes: [n3, n2, n1], directory: /srv/b}",
			"n3:/srv/b/brick, n2:/srv/b/brick, n1:/srv/b/brick", 1, auto, 3, 0, "n1 n2 n3", "n3 n2 n1",
		},
		{
			"replica 3 with a fixed quorum of 3 needs all",
			"replica: 3, bricks: {nodes: [n1, n2, n3], directory: /srv/b}, options: {cluster.quorum-type: fixed, cluster.quorum-count: 3}",
			"n1:/srv/b/brick, n2:/srv/b/brick, n3:/srv/b/brick", 1,
			gluster.Quorum{Fixed: 3},
			3, 0, "n1 n2 n3", "n1 n2 n3",
		},
		{
			"replica 2 with quorum auto needs the first",
			"replica: 2, bricks: {nodes: [n1, n2], directory: /srv/b}, options: {cluster.quorum-type: auto}",
			"n1:/srv/b/brick, n2:/srv/b/brick", 1, auto, 2, 0, "n1 n2", "n1 n2",
		},
		{
			"replica 3 without quorum needs one",
			"replica: 3, bricks: {nodes: [n1, n2, n3], directory: /srv/b}, options: {cluster.quorum-type: none}",
			"n1:/srv/b/brick, n2:/srv/b/brick, n3:/srv/b/brick", 1, none, 3, 0, "n1 n2 n3", "n1 n2 n3",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := state(t, nodes+"volumes:\n  server: {"+tc.volume+"}\n", "n1")
			v, ok := s.Pool.Volume("server")
			if !ok {
				t.Fatal("no volume")
			}
			same(t, "bricks", tc.bricks, bricks(v))
			same(t, "replica sets", tc.sets, len(v.Sets))
			same(t, "quorum", tc.quorum, v.Quorum)
			same(t, "replica, arbiter", []int{tc.replica, tc.arbiter}, []int{v.Spec.Replica, v.Spec.Arbiter})
			var servers []string
			for _, p := range s.Pool.Servers {
				servers = append(servers, p.Name)
			}
			same(t, "servers in the order of the file", tc.servers, strings.Join(servers, " "))
			same(t, "servers in the order of the bricks", tc.serversOf, strings.Join(v.ServersOf(), " "))
			same(t, "leader", servers[0], s.Pool.Leader())
		})
	}
}

func TestThePoolIsTheSameSeenFromEveryNode(t *testing.T) {
	t.Parallel()
	c := parse(t, nodes+"volumes:\n  a: {replica: 2, bricks: {nodes: [n3, n2], directory: /srv/a}}\n  b: {replica: 2, bricks: {nodes: [n2, n5], directory: /srv/b}}\n")
	first, err := desired.For(c, "n1")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "leader", "n2", first.Pool.Leader())
	for _, node := range c.NodeOrder[1:] {
		s, err := desired.For(c, node)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first.Pool, s.Pool, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s (-n1 +%s):\n%s", node, node, diff)
		}
		same(t, node+" is a server", map[string]bool{"n2": true, "n3": true, "n5": true}[node], s.Server)
	}
}

func TestBrickMounts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, bricks string
		want         desired.BrickMount
	}{
		{"tmpfs", "tmpfs: {mount: /cache-server, size: 1536m}", desired.BrickMount{
			Path: "/cache-server", Spec: "tmpfs", Fstype: "tmpfs", Options: []string{"defaults", "nosuid", "nodev", "mode=0700", "size=1536m"}, Size: 1536 << 20, Unit: `cache\x2dserver.mount`, BrickPath: "/cache-server/brick",
		}},
		{"block device, sync by default", "disk: {mount: /server, device: /dev/vdb}", desired.BrickMount{
			Path: "/server", Spec: "/dev/vdb", Fstype: "xfs", Options: []string{"defaults", "nosuid", "nodev", "noatime", "nofail", "sync", "x-systemd.device-timeout=30s"}, Sync: true, Unit: "server.mount", BrickPath: "/server/brick",
		}},
		{"UUID, async, ext4", "disk: {mount: /server, device: {n1: UUID=0a1b2c3d-0000-4000-8000-000000000001, n2: /dev/vdc}, fstype: ext4, durability: async}", desired.BrickMount{
			Path: "/server", Spec: "UUID=0a1b2c3d-0000-4000-8000-000000000001", Fstype: "ext4", Options: []string{"defaults", "nosuid", "nodev", "noatime", "nofail", "x-systemd.device-timeout=30s"}, Unit: "server.mount", BrickPath: "/server/brick",
		}},
		{"label", "disk: {mount: /server, device: LABEL=bricks}", desired.BrickMount{
			Path: "/server", Spec: "LABEL=bricks", Fstype: "xfs", Options: []string{"defaults", "nosuid", "nodev", "noatime", "nofail", "sync", "x-systemd.device-timeout=30s"}, Sync: true, Unit: "server.mount", BrickPath: "/server/brick",
		}},
		{"image file that is to be made", "disk: {mount: /srv/bricks/a, device: /var/lib/bricks.img, size: 2g}", desired.BrickMount{
			Path: "/srv/bricks/a", Spec: "/var/lib/bricks.img", Fstype: "xfs", Options: []string{"defaults", "nosuid", "nodev", "noatime", "nofail", "sync", "loop"}, Sync: true, Size: 2 << 30, Image: true, Unit: "srv-bricks-a.mount", BrickPath: "/srv/bricks/a/brick",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := state(t, nodes+"volumes:\n  server: {replica: 2, bricks: {nodes: [n1, n2], "+tc.bricks+"}}\n", "n1")
			tc.want.Volume = "server"
			same(t, "brick mounts", []desired.BrickMount{tc.want}, s.BrickMounts)
			r, err := s.Render(builtIn(t), nil)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "fstab", []string{fmt.Sprintf("%s %s %s %s 0 0", tc.want.Spec, tc.want.Path, tc.want.Fstype, strings.Join(tc.want.Options, ","))}, r.FstabBlock)
			_, unit, _ := strings.Cut(file(t, r, "/etc/systemd/system/glusterd.service.d/gluster-setup.conf"), "[Unit]\n")
			unit, _, _ = strings.Cut(unit, "\n[Service]\n")
			guard := "# Where cloud-init writes /etc/hosts, it does so before.\nAfter=cloud-init.service cloud-init-network.service\n"
			if tc.want.Fstype != "tmpfs" {
				guard += "# It keeps bricks that lost power from being started, and fails only where it\n# could not: then nothing may start them.\nRequires=gluster-setup-guard.service\nAfter=gluster-setup-guard.service\n"
			}
			same(t, "glusterd's drop-in", "Wants="+tc.want.Unit+"\nAfter="+tc.want.Unit+"\n"+guard, unit)
		})
	}
}

func file(t *testing.T, r *desired.Rendered, path string) string {
	t.Helper()
	for _, f := range r.Files {
		if f.Path == path {
			return f.Content
		}
	}
	t.Fatalf("no file %s", path)
	return ""
}

// At a boot the guard must know the bricks although nobody can read the cluster file.
func TestTheUnitTellsTheGuardWhichBricksThereAre(t *testing.T) {
	t.Parallel()
	s := state(t, nodes+"volumes:\n  a: {replica: 2, bricks: {nodes: [n1, n2], directory: /srv/a}}\n"+
		"  b: {replica: 2, bricks: {nodes: [n1, n2], disk: {mount: /b, device: /dev/vdb}}}\n  c: {replica: 2, bricks: {nodes: [n1, n2], tmpfs: {mount: /c, size: 1g}}}\n", "n1")
	same(t, "flags", []string{"--disk=b=/b", "--directory=a=/srv/a"}, s.GuardFlags())
	lasting := desired.Lasting(map[string]string{"b": "/b"}, map[string]string{"a": "/srv/a"})
	same(t, "what the flags mean", s.LastingBricks(), lasting.LastingBricks())
	same(t, "unit of the mount", "b.mount", lasting.BrickMounts[0].Unit)
	r, err := s.Render(builtIn(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	unit := file(t, r, "/etc/systemd/system/gluster-setup-guard.service")
	for _, line := range []string{"ExecStart=/usr/local/sbin/gluster-setup guard --disk=b=/b --directory=a=/srv/a\n", "ExecStop=/usr/local/sbin/gluster-setup guard --stopped --disk=b=/b --directory=a=/srv/a\n"} {
		same(t, line+" in the unit", true, strings.Contains(unit, line))
	}
	same(t, "the cluster file in the unit's commands", false, strings.Contains(unit, "--file"))
}

func TestADirectoryBrickIsNoMount(t *testing.T) {
	t.Parallel()
	s := state(t, nodes+"volumes:\n  server: {replica: 2, bricks: {nodes: [n1, n2], directory: /srv/server}}\n", "n2")
	same(t, "directories", []desired.Directory{{Volume: "server", Path: "/srv/server", BrickPath: "/srv/server/brick"}}, s.Directories)
	r, err := s.Render(builtIn(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "brick mounts and fstab lines", []int{0, 0}, []int{len(s.BrickMounts), len(r.FstabBlock)})
	same(t, "hosts line with an alias", "10.0.0.1 n1 one", r.HostsBlock[0])
}

func TestClientMounts(t *testing.T) {
	t.Parallel()
	const text = nodes + `volumes:
  server: {replica: 2, bricks: {nodes: [n1, n2, n3, n4], directory: /srv/server}}
mounts:
  - {volume: server, path: /mnt/my-client, nodes: [n1, n3, n6], options: [ro, log-level=WARNING]}
`
	for _, tc := range []struct{ name, node, source, options string }{
		{"the first brick's node asks itself first", "n1", "n1:/server", "defaults,_netdev,backup-volfile-servers=n2:n3:n4,auto-invalidation=yes,nosuid,nodev,ro,log-level=WARNING,x-systemd.requires=gluster-setup-wait@server.service,x-systemd.after=glusterd.service"},
		{"any other brick's node asks itself first too, then the others in order", "n3", "n3:/server", "defaults,_netdev,backup-volfile-servers=n1:n2:n4,auto-invalidation=yes,nosuid,nodev,ro,log-level=WARNING,x-systemd.requires=gluster-setup-wait@server.service,x-systemd.after=glusterd.service"},
		{"a node without bricks asks the first, and waits for no glusterd", "n6", "n1:/server", "defaults,_netdev,backup-volfile-servers=n2:n3:n4,auto-invalidation=yes,nosuid,nodev,ro,log-level=WARNING,x-systemd.requires=gluster-setup-wait@server.service"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := state(t, text, tc.node)
			if len(s.ClientMounts) != 1 {
				t.Fatalf("mounts %+v", s.ClientMounts)
			}
			m := s.ClientMounts[0]
			same(t, "source, options", []string{tc.source, tc.options}, []string{m.Source, strings.Join(m.Options, ",")})
			same(t, "server, path, unit", []string{strings.TrimSuffix(tc.source, ":/server"), "/mnt/my-client", `mnt-my\x2dclient.mount`}, []string{m.Server, m.Path, m.Unit})
		})
	}
	if s := state(t, text, "n2"); len(s.ClientMounts) != 0 {
		t.Errorf("n2 mounts %+v", s.ClientMounts)
	}
}

func TestAMountWithoutAutoInvalidationIsWarnedOf(t *testing.T) {
	t.Parallel()
	wanted := desired.ClientMount{Path: "/c", Options: []string{"defaults", cluster.AutoInvalidation}}
	for name, tc := range map[string]struct {
		mount   desired.ClientMount
		running []gluster.MountProcess
		warns   bool
	}{
		"as it should be":                {wanted, []gluster.MountProcess{{Path: "/c", AutoInvalidation: true}}, false},
		"made before":                    {wanted, []gluster.MountProcess{{Path: "/c"}}, true},
		"an older one, unmounted lazily": {wanted, []gluster.MountProcess{{Path: "/c"}, {Path: "/c", AutoInvalidation: true}}, false},
		"another one":                    {wanted, []gluster.MountProcess{{Path: "/d"}, {Path: "/c", AutoInvalidation: true}}, false},
		"not running":                    {wanted, nil, false},
		"the file has it so":             {desired.ClientMount{Path: "/c", Options: []string{"auto-invalidation=no"}}, []gluster.MountProcess{{Path: "/c"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := tc.mount.OldContents(tc.running)
			if tc.warns != strings.Contains(w, "mount /c runs without auto-invalidation=yes") || tc.warns != (w != "") {
				t.Errorf("warning %q", w)
			}
		})
	}
}

func TestWrongFlagsAreThoseThatTheFileHasOtherwise(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ file, have, want string }{
		{"nosuid,nodev", "rw,nosuid,nodev,relatime", ""},
		{"nosuid,nodev", "rw,relatime", "nosuid nodev"},
		{"nosuid,nodev", "rw,nodev", "nosuid"},
		{"nodev,suid", "rw,nosuid,nodev", "suid"},
		{"suid,dev", "rw", ""},
		{"suid,dev", "rw,nosuid,nodev", "suid dev"},
		{"", "rw,nosuid", ""}, // an older template says nothing
	} {
		m := desired.ClientMount{Options: append([]string{"defaults"}, strings.Split(tc.file, ",")...)}
		same(t, tc.file+" and "+tc.have, tc.want, strings.Join(m.WrongFlags(strings.Split(tc.have, ",")), " "))
	}
}

func TestIPv6(t *testing.T) {
	t.Parallel()
	s := state(t, `nodes:
  s1: {address: "2001:0db8:0::1"}
  s2: {address: "2001:db8::2"}
  w1: {address: "2001:db8::11"}
volumes:
  server: {replica: 2, bricks: {nodes: [s1, s2], tmpfs: {mount: /c, size: 64m}}}
mounts:
  - {volume: server, path: /client, nodes: [w1]}
`, "w1")
	r, err := s.Render(builtIn(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "hosts", []string{"2001:db8::1 s1", "2001:db8::2 s2", "2001:db8::11 w1"}, r.HostsBlock)
	same(t, "fstab", []string{"s1:/server /client glusterfs defaults,_netdev,backup-volfile-servers=s2,xlator-option=transport.address-family=inet6,auto-invalidation=yes,nosuid,nodev,x-systemd.requires=gluster-setup-wait@server.service 0 0"}, r.FstabBlock)
}

func TestAServerIsKnownByAnyOfItsNames(t *testing.T) {
	t.Parallel()
	s := state(t, nodes+"volumes:\n  v: {replica: 2, bricks: {nodes: [n1, n2], directory: /srv/v}}\n", "n1")
	server, ok := s.Pool.Server("n1")
	if !ok {
		t.Fatal("no server n1")
	}
	for name, want := range map[string]bool{"n1": true, "N1": true, "One": true, "10.0.0.1": true, "n2": false, "10.0.0.11": false, "": false} {
		if got := server.Is([]string{"localhost", name}); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	if _, ok := s.Pool.Server("n6"); ok {
		t.Error("a client node is in the pool")
	}
	if _, ok := s.Pool.Volume("w"); ok {
		t.Error("there is a volume w")
	}
	if leader := (desired.Pool{}).Leader(); leader != "" {
		t.Errorf("the leader of nobody is %q", leader)
	}
}

func TestANodeThatIsNotInTheFile(t *testing.T) {
	t.Parallel()
	_, err := desired.For(parse(t, nodes), "n7")
	const want = "node n7 is not in cluster.yaml: add it under nodes, or name another with --node"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestManage(t *testing.T) {
	t.Parallel()
	s := state(t, nodes+"manage: {hosts: false, packages: false}\n", "n1")
	r, err := s.Render(builtIn(t), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "manage", []bool{false, false}, []bool{s.ManageHosts, s.Packages})
	same(t, "what is rendered", &desired.Rendered{Files: []desired.File{{Path: desired.ClusterFile, Mode: 0o644, Content: "x"}}}, r)
}

func TestTemplateOverrides(t *testing.T) {
	t.Parallel()
	const text = nodes + `volumes:
  server: {replica: 2, bricks: {nodes: [n1, n2], tmpfs: {mount: /c, size: 64m}}}
mounts:
  - {volume: server, path: /client, nodes: [n1]}
`
	const brick, client = "tmpfs /c tmpfs size=64m 0 0\n", "n1:/server /client/ glusterfs _netdev 0 0\n"
	for _, tc := range []struct{ name, template, text, want string }{
		{"fstab may be written in another way", "fstab", "# by hand\n\n  \n" + brick + client, ""},
		{"fstab must have the brick's line", "fstab", client, "the fstab template writes no tmpfs line for /c, which the cluster file asks for"},
		{"fstab must have the brick's type", "fstab", "tmpfs /c ramfs\n" + client, "the fstab template writes no tmpfs line for /c, which the cluster file asks for"},
		{"fstab must have the client mount", "fstab", brick, "the fstab template writes no glusterfs line for /client, which the cluster file asks for"},
		{"fstab must not have it twice", "fstab", brick + client + client, "the fstab template writes two lines for /client; systemd takes only one"},
		{"fstab must not end the block", "fstab", brick + client + "# END gluster-setup\n", `the fstab template: line 3 of the block, "# END gluster-setup", looks like the line that begins or ends the block`},
		{"hosts must not begin a block", "hosts", "# BEGIN gluster-setup", `the hosts template: line 1 of the block, "# BEGIN gluster-setup", looks like the line that begins or ends the block`},
		{"hosts may be empty", "hosts", "", ""},
		{"hosts with a field that does not exist", "hosts", "{{ .Hoosts }}", `DIR/hosts.tmpl: template: hosts.tmpl:1:3: executing "hosts.tmpl" at <.Hoosts>: can't evaluate field Hoosts in type *desired.State`},
		{"hosts with a node that does not exist", "hosts", "{{ .Addresses.n9 }}", `DIR/hosts.tmpl: template: hosts.tmpl:1:13: executing "hosts.tmpl" at <.Addresses.n9>: map has no entry for key "n9"`},
		{"fstab with the clock", "fstab", "{{ now }}", "DIR/fstab.tmpl: template: fstab.tmpl:1:3: executing \"fstab.tmpl\" at <now>: error calling now: the function now is refused: its result changes from run to run or from machine to machine, so a plan would never be empty: compute the value in the cluster file's generator instead"},
		{"a unit that fails", "glusterd.conf", "\n{{ .X }}", `DIR/glusterd.conf.tmpl: template: glusterd.conf.tmpl:2:3: executing "glusterd.conf.tmpl" at <.X>: can't evaluate field X in type *desired.State`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, tc.template+".tmpl"), []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			set, err := templates.New(dir)
			if err != nil {
				t.Fatal(err)
			}
			_, err = state(t, text, "n1").Render(set, nil)
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), dir, "DIR")
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestRenderIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	text, err := cluster.Example("web")
	if err != nil {
		t.Fatal(err)
	}
	var first *desired.Rendered
	for range 20 {
		r, err := state(t, string(text), "web2.example.com").Render(builtIn(t), text)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = r
		}
		same(t, "render", first, r)
	}
}

func TestVolumeSpecIsWhatGlusterCreates(t *testing.T) {
	t.Parallel()
	s := state(t, nodes+"volumes:\n  v: {replica: 3, arbiter: 1, bricks: {nodes: [n1, n2, n3], directory: /srv/v}}\n", "n1")
	v, _ := s.Pool.Volume("v")
	same(t, "spec", gluster.VolumeSpec{Name: "v", Replica: 3, Arbiter: 1, Bricks: []gluster.Brick{
		{Host: "n1", Path: "/srv/v/brick"}, {Host: "n2", Path: "/srv/v/brick"}, {Host: "n3", Path: "/srv/v/brick", Arbiter: true},
	}}, v.Spec)
}
