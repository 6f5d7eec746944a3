package probe

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
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
		if got := volumeOf(source); got != want {
			t.Errorf("%s: volume %q, want %q", source, got, want)
		}
	}
}

func TestTheTopmostMountOfAPathCounts(t *testing.T) {
	const (
		bare    = "30 1 0:30 / /other rw - tmpfs tmpfs rw\n"
		gluster = "609 740 0:153 / /client\\040one rw,relatime - fuse.glusterfs n1:/web rw,user_id=0\n"
		over    = "610 609 0:154 / /client\\040one rw,relatime - tmpfs tmpfs rw\n"
		again   = "611 610 0:155 / /client\\040one rw,relatime - fuse.glusterfs n1:/mail/sub rw\n"
	)
	table := filepath.Join(t.TempDir(), "mountinfo")
	for _, c := range []struct {
		text    string
		want    mount
		missing bool
	}{
		{text: bare, missing: true},
		{text: bare + gluster, want: mount{"web", unix.Mkdev(0, 153)}},
		{text: bare + gluster + over, missing: true},
		{text: bare + gluster + over + again, want: mount{"mail", unix.Mkdev(0, 155)}},
	} {
		if err := os.WriteFile(table, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := findMount(table, "/client one")
		if got != c.want || errors.Is(err, errNotMounted) != c.missing || (err == nil) == c.missing {
			t.Errorf("%s: %+v, %v", c.text, got, err)
		}
	}
	if _, err := findMount(table+".missing", "/client one"); err == nil || errors.Is(err, errNotMounted) {
		t.Errorf("no mount table: %v", err)
	}
}
