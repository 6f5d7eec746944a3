package mounttable_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"brickyard/exporter/mounttable"
)

func TestVolumesAreFoundInDeviceNames(t *testing.T) {
	for source, want := range map[string]string{
		"server1:/web":                 "web",
		"server1:web":                  "web",
		"server1,server2:/web":         "web",
		"server1:/web/images/2024":     "web",
		"server1:/web/a:/b":            "web",
		"fd77::11:/web":                "web",
		"10.77.0.11:/web-data_2":       "web-data_2",
		"/etc/glusterfs/local.vol":     "etc",
		"server1.example.com:/web.new": "web.new",
	} {
		if got := mounttable.SourceOf(source).Volume; got != want {
			t.Errorf("%s: volume %q, want %q", source, got, want)
		}
	}
}

func TestTheTopmostMountOfAPathCounts(t *testing.T) {
	const (
		bare    = "30 1 0:30 / /other rw - tmpfs tmpfs rw\n"
		gluster = "609 740 0:153 / /client\\040one rw,relatime - fuse.glusterfs n1:/web rw,user_id=0\n"
		over    = "610 609 0:154 / /client\\040one rw,relatime - tmpfs tmpfs rw\n"
		bound   = "612 1 0:153 /a/b /bound rw - fuse.glusterfs n1:/web rw\n"
		again   = "611 610 0:155 / /client\\040one ro,relatime - fuse.glusterfs n1:/mail/sub rw\n"
	)
	web := mounttable.Source{Servers: []string{"n1"}, Volume: "web"}
	table := filepath.Join(t.TempDir(), "mountinfo")
	for _, c := range []struct {
		text string
		want []mounttable.Mount
	}{
		{bare, nil},
		{bare + gluster, []mounttable.Mount{{Source: web, Path: "/client one", Device: unix.Mkdev(0, 153)}}},
		{bare + gluster + over, nil},
		{bound, []mounttable.Mount{{Source: mounttable.Source{Servers: []string{"n1"}, Volume: "web", Directory: "a/b"}, Path: "/bound", Device: unix.Mkdev(0, 153)}}},
		{bare + gluster + over + again, []mounttable.Mount{{Source: mounttable.Source{Servers: []string{"n1"}, Volume: "mail", Directory: "sub"}, Path: "/client one", ReadOnly: true, Device: unix.Mkdev(0, 155)}}},
	} {
		if err := os.WriteFile(table, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := mounttable.Current(table)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.text, err, diff)
		}
	}
	if _, err := mounttable.Current(table + ".missing"); err == nil {
		t.Error("a table that is missing is no error")
	}
}

func TestExpectedMountsAreThoseOfTheBoot(t *testing.T) {
	fstab := filepath.Join(t.TempDir(), "fstab")
	const text = `# a comment
tmpfs /cache_server tmpfs defaults,size=512m 0 0
cache1.example.com:/server /cache_client glusterfs defaults,_netdev 0 0
web1:/photos /srv/my\040photos/ fuse.glusterfs ro 0 0
web1:/other /other glusterfs noauto,_netdev 0 0
web1:/other /when/used glusterfs noauto,auto,x-systemd.automount 0 0
  # web1:/other /comment glusterfs defaults 0 0
half a
` + "\tn1:photos/2024\t/tabs \t glusterfs\r\n" + `n1:/photos /sh\157rt glusterfs noauto,auto,backup-volfile-servers=n2:n3,x-systemd.requires=a
n1:/photos /nbsp` + "\u00a0glusterfs glusterfs nofail\n"
	if err := os.WriteFile(fstab, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := mounttable.Expected(fstab)
	if diff := cmp.Diff(map[string]mounttable.Source{
		"/cache_client": {Servers: []string{"cache1.example.com"}, Volume: "server"}, "/srv/my photos": {Servers: []string{"web1"}, Volume: "photos"},
		"/tabs": {Servers: []string{"n1"}, Volume: "photos", Directory: "2024"}, "/short": {Servers: []string{"n1", "n2", "n3"}, Volume: "photos"},
		"/nbsp\u00a0glusterfs": {Servers: []string{"n1"}, Volume: "photos"},
	}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if got, err := mounttable.Expected(fstab + ".missing"); err != nil || len(got) != 0 {
		t.Errorf("without a file: %v, %v", got, err)
	}
}

func TestANamesakeIsNotWhatFstabSays(t *testing.T) {
	meant := mounttable.SourceOf("n1.example.com:/server")
	meant.Servers = append(meant.Servers, "n2.example.com")
	lookup := func(host string) ([]netip.Addr, error) {
		known := map[string]string{"n1.example.com": "10.0.0.1", "n2.example.com": "10.0.0.2", "one": "10.0.0.1", "s3": "10.0.0.3", "10.0.0.2": "10.0.0.2", "10.0.0.3": "10.0.0.3"}
		if a, ok := known[host]; ok {
			return []netip.Addr{netip.MustParseAddr(a)}, nil
		}
		return nil, errors.New("no such host")
	}
	for source, want := range map[string]bool{
		"n1.example.com:/server":    true,
		"N2.example.com:server":     true,
		"one:/server":               true,
		"10.0.0.2:/server":          true,
		"localhost:/server":         true,
		"127.0.0.1:/server":         true,
		"::1:/server":               true,
		"nobody.knows:/server":      true,
		"s3:/server":                false,
		"10.0.0.3:/server":          false,
		"s3,one:/server":            true,
		"n1.example.com:/server/a":  false,
		"n1.example.com:/server2":   false,
		"/etc/glusterfs/server.vol": false,
	} {
		if got := meant.Is(mounttable.SourceOf(source), lookup); got != want {
			t.Errorf("%s: %t", source, got)
		}
	}
	if a, err := mounttable.Lookup(t.Context())("127.0.0.1"); err != nil || len(a) != 1 || !a[0].IsLoopback() {
		t.Errorf("%v, %v", a, err)
	}
}
