package mounttable_test

import (
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
		if got := mounttable.VolumeOf(source); got != want {
			t.Errorf("%s: volume %q, want %q", source, got, want)
		}
	}
}

func TestTheTopmostMountOfAPathCounts(t *testing.T) {
	const (
		bare    = "30 1 0:30 / /other rw - tmpfs tmpfs rw\n"
		gluster = "609 740 0:153 / /client\\040one rw,relatime - fuse.glusterfs n1:/web rw,user_id=0\n"
		over    = "610 609 0:154 / /client\\040one rw,relatime - tmpfs tmpfs rw\n"
		again   = "611 610 0:155 / /client\\040one ro,relatime - fuse.glusterfs n1:/mail/sub rw\n"
	)
	table := filepath.Join(t.TempDir(), "mountinfo")
	for _, c := range []struct {
		text string
		want []mounttable.Mount
	}{
		{bare, nil},
		{bare + gluster, []mounttable.Mount{{Volume: "web", Path: "/client one", Device: unix.Mkdev(0, 153)}}},
		{bare + gluster + over, nil},
		{bare + gluster + over + again, []mounttable.Mount{{Volume: "mail", Path: "/client one", ReadOnly: true, Device: unix.Mkdev(0, 155)}}},
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
half a line
`
	if err := os.WriteFile(fstab, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := mounttable.Expected(fstab)
	if diff := cmp.Diff(map[string]string{"/cache_client": "server", "/srv/my photos": "photos"}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if got, err := mounttable.Expected(fstab + ".missing"); err != nil || len(got) != 0 {
		t.Errorf("without a file: %v, %v", got, err)
	}
}
