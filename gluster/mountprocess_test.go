package gluster_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
)

func TestMountProcesses(t *testing.T) {
	proc := t.TempDir()
	for pid, line := range map[int]string{
		10: "/usr/sbin/glusterfs --process-name fuse --volfile-server=web1 --volfile-server=web2 --volfile-id=/server /client",
		11: "/usr/sbin/glusterfs --log-level=WARNING --volfile-server=web1 --volfile-id /photos /srv/photos",
		12: "/usr/sbin/glusterfs -s localhost --volfile-id shd/server -p /run/shd.pid -l /var/log/shd.log -S /run/shd.socket --process-name glustershd",
		13: "/usr/sbin/glusterfsd -s n1 --volfile-id server.n1.bricks -S /run/b.socket --brick-name /bricks",
		14: "/usr/sbin/glusterfs -s localhost --volfile-id x -l /var/log/x.log",
		15: "/usr/sbin/glusterd -p /run/glusterd.pid",
		16: "glusterfs",
	} {
		dir := filepath.Join(proc, strconv.Itoa(pid))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "cmdline"), []byte(strings.ReplaceAll(line, " ", "\x00")+"\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := gluster.MountProcesses(proc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]gluster.MountProcess{{PID: 10, Path: "/client", Volfile: "/server"}, {PID: 11, Path: "/srv/photos", Volfile: "/photos"}}, got); diff != "" {
		t.Error(diff)
	}
}
