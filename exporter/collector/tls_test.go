package collector

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

func TestCertificatesAreFoundWhereBuildsAndVolumesHaveThem(t *testing.T) {
	t.Parallel()
	volume := func(options map[string]string) node.Volume {
		return node.Volume{Volume: gluster.Volume{Options: options}}
	}
	got := certificateFiles([]string{"/usr/lib/ssl", "/etc/ssl"}, []node.Volume{
		volume(nil), volume(map[string]string{"ssl.own-cert": "/srv/tls//own.pem", "ssl.ca-list": "/srv/tls/all.ca", "ssl.private-key": "/srv/tls/key"}), volume(map[string]string{"ssl.own-cert": "relative"}),
	})
	want := []string{"/usr/lib/ssl/glusterfs.pem", "/usr/lib/ssl/glusterfs.ca", "/etc/ssl/glusterfs.pem", "/etc/ssl/glusterfs.ca", "/srv/tls/own.pem", "/srv/tls/all.ca"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOneFileUnderTwoNamesIsOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b, c, none := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c"), filepath.Join(dir, "none")
	for _, path := range []string{a, c} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(a, b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{a, none, c}, distinct([]string{a, none, b, c, a, none})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
