package cluster

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustParse(t *testing.T, text string) *Cluster {
	t.Helper()
	c, err := Parse("cluster.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func example(t *testing.T, kind string) string {
	t.Helper()
	data, err := Example(kind)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const twoNodes = `
nodes:
  b.example.com: {address: "2001:DB8::B"}
  a.example.com: {address: "2001:db8::a"}
`

func TestCacheExampleDecodesCompletely(t *testing.T) {
	want := &Cluster{
		Nodes: map[string]Node{
			"cache1.example.com": {Address: "10.0.0.1"}, "cache2.example.com": {Address: "10.0.0.2"},
			"web1.example.com": {Address: "10.0.0.11"}, "web2.example.com": {Address: "10.0.0.12"},
		},
		Volumes: map[string]Volume{"server": {
			Replica: 2,
			Bricks: Bricks{
				Nodes: []string{"cache1.example.com", "cache2.example.com"},
				Tmpfs: &Tmpfs{Mount: "/cache_server", Size: 512 << 20},
			},
			Profile: "cache", Ephemeral: new(true),
		}},
		Mounts:       []Mount{{Volume: "server", Path: "/cache_client", Nodes: []string{"web1.example.com", "web2.example.com"}}},
		Manage:       Manage{Packages: new(true), Hosts: new(true)},
		ShutdownWait: new(DefaultShutdownWait),
		MountWait:    new(DefaultMountWait),
		NodeOrder:    []string{"cache1.example.com", "cache2.example.com", "web1.example.com", "web2.example.com"},
		VolumeOrder:  []string{"server"},
		Source:       "cluster.yaml",
	}
	if diff := cmp.Diff(want, mustParse(t, example(t, "cache"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	c := mustParse(t, example(t, "web"))
	v := c.Volumes["server"]
	want := &Disk{Mount: "/server", Device: Device{All: "/dev/vdb"}, Fstype: "xfs", Durability: "sync"}
	if diff := cmp.Diff(want, v.Bricks.Disk); diff != "" {
		t.Errorf("disk (-want +got):\n%s", diff)
	}
	if v.IsEphemeral() || v.Profile != "web" || !c.ManageHosts() || !c.ManagePackages() {
		t.Errorf("volume %+v, manage %+v", v, c.Manage)
	}
	c = mustParse(t, twoNodes+"volumes: {v: {replica: 2, bricks: {nodes: [a.example.com, b.example.com], directory: /m}}}\nmanage: {hosts: false}\n")
	if c.Volumes["v"].Profile != "none" || c.ManageHosts() || !c.ManagePackages() {
		t.Errorf("volume %+v, manage %+v", c.Volumes["v"], c.Manage)
	}
}

func TestOrderOfTheFileIsKeptAndAddressesAreCanonical(t *testing.T) {
	c := mustParse(t, twoNodes)
	if diff := cmp.Diff([]string{"b.example.com", "a.example.com"}, c.NodeOrder); diff != "" {
		t.Error(diff)
	}
	if got := c.Nodes["b.example.com"].Address; got != "2001:db8::b" {
		t.Errorf("address %s", got)
	}
}

func TestOptionsKeepTheirLettersAndBooleansBecomeOnAndOff(t *testing.T) {
	c := mustParse(t, twoNodes+`
volumes:
  v:
    replica: 2
    bricks: {nodes: [a.example.com, b.example.com], directory: /m}
    options:
      user.int: 10
      user.octal: 010
      user.hex: 0x1F
      user.float: 1.50
      user.size: 256MB
      user.on: on
      user.true: true
      user.false: False
      user.quoted: "true"
      user.text: read,write
      user.sci: 1e3
      user.percent: 90%
`)
	want := map[string]string{
		"user.int": "10", "user.octal": "010", "user.hex": "0x1F", "user.float": "1.50", "user.size": "256MB", "user.on": "on", "user.true": "on",
		"user.false": "off", "user.quoted": "true", "user.text": "read,write", "user.sci": "1e3", "user.percent": "90%",
	}
	if diff := cmp.Diff(want, c.Volumes["v"].Options); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEveryCommentedKeyOfTheExamplesMayBeUsed uncomments the blocks of keys
// behind a #, each alone and all together.
func TestEveryCommentedKeyOfTheExamplesMayBeUsed(t *testing.T) {
	commented := regexp.MustCompile(`^( *)#((?:  )*[a-z][a-z._-]*:.*)$`)
	for _, kind := range ExampleKinds() {
		lines := strings.Split(example(t, kind), "\n")
		all := strings.Split(example(t, kind), "\n")
		blocks := 0
		for i := 0; i < len(lines); i++ {
			if !commented.MatchString(lines[i]) {
				continue
			}
			one := strings.Split(example(t, kind), "\n")
			for ; commented.MatchString(lines[i]); i++ {
				one[i] = commented.ReplaceAllString(lines[i], "$1$2")
				all[i] = one[i]
			}
			blocks++
			mustParse(t, strings.Join(one, "\n"))
		}
		if blocks < 4 {
			t.Errorf("%s: only %d commented blocks", kind, blocks)
		}
		mustParse(t, strings.Join(all, "\n"))
	}
}

func TestAlternativesInTheExamplesWork(t *testing.T) {
	cache, web := example(t, "cache"), example(t, "web")
	replace := func(text string, pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(text, pairs[i]) {
				t.Errorf("no %q in the example", pairs[i])
			}
			text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
		}
		return text
	}
	const noTmpfs, noDisk = "      #tmpfs", "      #disk"
	for name, text := range map[string]string{
		"an arbiter": replace(cache, "    replica: 2\n", "    replica: 3\n    arbiter: 1\n",
			"        - cache2.example.com\n", "        - cache2.example.com\n        - web1.example.com\n"),
		"a disk": replace(cache, "      tmpfs:", noTmpfs, "        mount:", "        #mount:", "        size:", "        #size:",
			"      # disk:", "      disk:", "      #   mount:", "        mount:", "      #   device:", "        device:",
			"      #   fstype:", "        fstype:", "      #   durability:", "        durability:"),
		"a directory instead of tmpfs": replace(cache, "      tmpfs:", noTmpfs, "        mount:", "        #mount:", "        size:", "        #size:",
			"      # directory:", "      directory:"),
		"a directory instead of a disk": replace(web, "      disk:", noDisk, "        mount:", "        #mount:", "        device:", "        #device:",
			"      # directory:", "      directory:"),
		"an image file": replace(web, "device: /dev/vdb", "device: /var/lib/bricks/server.img", "        #   size:", "        size:"),
	} {
		t.Run(name, func(t *testing.T) { mustParse(t, text) })
	}
}

func TestEveryKeyIsShownInTheExamples(t *testing.T) {
	for _, kind := range ExampleKinds() {
		text := example(t, kind)
		for _, k := range schemaKeys(t) {
			key := k.path[strings.LastIndexByte(k.path, '.')+1:]
			if !strings.Contains(text, key+":") {
				t.Errorf("%s does not show %s", kind, k.path)
			}
		}
	}
}

func TestExampleOfAnUnknownKindIsAnError(t *testing.T) {
	_, err := Example("database")
	if err == nil || err.Error() != `no example cluster file "database"; there is web and cache` {
		t.Errorf("error %v", err)
	}
}

func TestReplicaSetsFollowTheOrderOfTheList(t *testing.T) {
	c, err := Load("../../docs/examples/arbiter-distributed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const path = "/bricks/shared/brick"
	want := [][]Brick{
		{{"data1.example.com", path, false}, {"data2.example.com", path, false}, {"small1.example.com", path, true}},
		{{"data3.example.com", path, false}, {"data4.example.com", path, false}, {"small2.example.com", path, true}},
	}
	if diff := cmp.Diff(want, c.ReplicaSets("shared")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := want[0][0].String(); got != "data1.example.com:/bricks/shared/brick" {
		t.Errorf("brick %s", got)
	}
	if c.ReplicaSets("none") != nil {
		t.Error("replica sets of an unknown volume")
	}
	v := c.Volumes["shared"]
	if BrickMount(v) != "/bricks/shared" || BrickPath(v) != path {
		t.Errorf("mount %s, path %s", BrickMount(v), BrickPath(v))
	}
	if d := v.Bricks.Disk.Device; d.For("data4.example.com") != "LABEL=brick" || d.For("web1") != "" {
		t.Errorf("device %+v", d)
	}
	if len(c.Servers()) != 6 || len(c.MountsOn("data1.example.com")) != 1 || len(c.MountsOn("small1.example.com")) != 0 {
		t.Error("servers or mounts")
	}
}

func TestServersAndVolumesOfANode(t *testing.T) {
	c, err := Load("../../docs/examples/two-volumes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"store1.example.com", "store2.example.com", "store3.example.com"}, c.Servers()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"sessions", "uploads"}, c.VolumesOn("store2.example.com")); diff != "" {
		t.Error(diff)
	}
	if got := c.VolumesOn("web1.example.com"); got != nil {
		t.Errorf("bricks on a client: %v", got)
	}
}

func TestKindsOfDevices(t *testing.T) {
	for device, want := range map[string]DeviceKind{
		"/dev/vdb": BlockDevice, "/dev/disk/by-path/pci-0000:00:1f.2-ata-1": BlockDevice,
		"UUID=0b7a3c8e-6f0e-4f7c-9f43-2a8b6c1d5e90": UUIDDevice, "LABEL=brick": LabelDevice, "/var/lib/bricks/a.img": ImageFile,
	} {
		if got := KindOf(device); got != want {
			t.Errorf("%s: kind %d, want %d", device, got, want)
		}
		if message, _ := deviceProblem(device, Disk{Fstype: FstypeXFS}); message != "" {
			t.Error(message)
		}
	}
}

func TestSizesAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]struct {
		size Size
		text string
	}{
		"512m": {512 << 20, "512m"}, "512M": {512 << 20, "512m"}, "1024m": {1 << 30, "1g"}, "16777216": {16 << 20, "16m"},
		"1000": {1000, "1000"}, "3k": {3072, "3k"}, "2T": {2 << 40, "2t"}, "1536m": {1536 << 20, "1536m"}, "8388607t": {8388607 << 40, "8388607t"},
	} {
		size, err := ParseSize(text)
		if err != nil || size != want.size || size.String() != want.text {
			t.Errorf("ParseSize(%q) = %d (%s), %v; want %d (%s)", text, size, size, err, want.size, want.text)
		}
	}
	for _, text := range []string{"", "0", "m", "1.5g", "-1m", "1 m", "8388608t", "99999999999999999999", "01m", "5%", "1mb"} {
		if size, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", text, size)
		}
	}
}

func TestFindNode(t *testing.T) {
	c := mustParse(t, `
nodes:
  web1.example.com: {address: 10.0.0.1, aliases: [www, frontend]}
  web2.example.com: {address: 10.0.0.2}
  web2.example.org: {address: 10.0.0.3}
  db: {address: 10.0.0.4}
`)
	// The file may not mix families; looking a node up does not care.
	c.Nodes["web2.example.com"] = Node{Address: "2001:db8::2"}
	for name, k := range map[string]struct {
		override, hostname, addrs, want, err string
	}{
		"the full host name":                              {hostname: "web1.example.com", want: "web1.example.com"},
		"capital letters and a final dot":                 {hostname: "WEB1.example.com.", want: "web1.example.com"},
		"the short host name":                             {hostname: "web1", want: "web1.example.com"},
		"an alias":                                        {hostname: "www", want: "web1.example.com"},
		"a domain that the file leaves out":               {hostname: "db.example.com", want: "db"},
		"an address":                                      {hostname: "localhost", addrs: "127.0.0.1 10.0.0.3", want: "web2.example.org"},
		"an IPv6 address":                                 {hostname: "x", addrs: "fe80::1%eth0 2001:db8::2", want: "web2.example.com"},
		"an IPv4 address in IPv6":                         {hostname: "x", addrs: "::ffff:10.0.0.4", want: "db"},
		"a name beside addresses of others":               {hostname: "web1", addrs: "10.0.0.1 10.0.0.4", want: "web1.example.com"},
		"a short name that two share, told by address":    {hostname: "web2", addrs: "10.0.0.3", want: "web2.example.org"},
		"the flag, short":                                 {override: "web1", hostname: "db", want: "web1.example.com"},
		"the flag, by alias":                              {override: "frontend", want: "web1.example.com"},
		"another domain than the node's":                  {hostname: "web1.other.net", err: `neither the host name "web1.other.net" nor an address of this machine belongs to a node of cluster.yaml; say which one this is with --node: web1.example.com, web2.example.com, web2.example.org, db`},
		"a short name that two share":                     {hostname: "web2", err: "host name web2 fits the nodes web2.example.com, web2.example.org; say which one this is with --node"},
		"a name and an address of different nodes":        {hostname: "web1", addrs: "10.0.0.4", err: "this machine has the host name of node web1.example.com and the address of node db; correct one of them, or say which one this is with --node"},
		"addresses of two nodes":                          {hostname: "x", addrs: "10.0.0.1 10.0.0.4", err: "this machine has the addresses of the nodes web1.example.com, db; say which one it is with --node"},
		"a flag that names no node":                       {override: "web3.example.com", err: "--node web3.example.com: no such node in cluster.yaml; did you mean web1.example.com?"},
		"a flag that resembles no node":                   {override: "mail", err: "--node mail: no such node in cluster.yaml; the nodes are web1.example.com, web2.example.com, web2.example.org, db"},
		"a flag that fits two nodes":                      {override: "web2", err: "--node web2 fits web2.example.com, web2.example.org; write one of them in full"},
		"a machine without name or address in the file":   {hostname: "localhost.localdomain", err: `neither the host name "localhost.localdomain" nor an address of this machine belongs to a node of cluster.yaml; say which one this is with --node: web1.example.com, web2.example.com, web2.example.org, db`},
		"a machine without a name, with a node's address": {addrs: "10.0.0.4", want: "db"},
	} {
		t.Run(name, func(t *testing.T) {
			var addrs []netip.Addr
			for a := range strings.FieldsSeq(k.addrs) {
				addrs = append(addrs, netip.MustParseAddr(a))
			}
			got, err := FindNode(c, k.override, k.hostname, addrs)
			if got != k.want || (err == nil) != (k.err == "") || (err != nil && err.Error() != k.err) {
				t.Errorf("FindNode = %q, %v\nwant %q, %s", got, err, k.want, k.err)
			}
		})
	}
}
