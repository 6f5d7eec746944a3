package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brickyard/setup/change"
	"brickyard/setup/desired"
)

// TestUserAttributes is about a node that gets GlusterFS in the same run, and then another kernel.
func TestUserAttributes(t *testing.T) {
	b := newBench(t)
	b.host.State.BrickMounts = []desired.BrickMount{
		{Volume: "server", Path: "/cache_server", Fstype: "tmpfs", BrickPath: "/cache_server/brick"},
		{Volume: "files", Path: "/server", Fstype: "xfs", BrickPath: "/server/brick"},
	}
	keeps := false
	b.host.UserAttributes = func() (bool, error) { return keeps, nil }
	plan := func() change.Plan {
		t.Helper()
		p, err := b.host.volfilter()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const libraries = "root/usr/lib/x86_64-linux-gnu/glusterfs/10.3"
	const object = "/usr/lib/x86_64-linux-gnu/glusterfs/10.3/filter/gluster-setup-tmpfs"
	early := plan()
	b.write(libraries+"/xlator/storage/posix.so", "")
	if got := b.do(early); got != "write the filter of volfiles" {
		t.Errorf("planned without GlusterFS: %q", got)
	}
	path := filepath.Join(b.dir, libraries, "filter/gluster-setup-tmpfs")
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "/cache_server/brick$") || strings.Contains(string(text), " /server/brick") {
		t.Errorf("the filter: %v:\n%s", err, text)
	}
	if got := b.do(plan()); got != "" {
		t.Errorf("planned again: %q", got)
	}

	b.write("root/var/lib/glusterd/vols/server/server.n1.cache_server-brick.vol", "    option directory /cache_server/brick\n")
	if got := b.do(plan()); got != "edit /var/lib/glusterd/vols/server/server.n1.cache_server-brick.vol" {
		t.Errorf("planned with a volfile that glusterd wrote before: %q", got)
	}

	keeps = true
	if got := b.do(plan()); got != "remove "+object {
		t.Errorf("planned on a new kernel: %q", got)
	}
	keeps = false
	if got := b.do(plan()); got != "write "+object {
		t.Errorf("planned on the old kernel again: %q", got)
	}
	b.host.State.BrickMounts = b.host.State.BrickMounts[1:]
	if got := b.do(plan()); got != "remove "+object {
		t.Errorf("planned without bricks on tmpfs: %q", got)
	}
}
