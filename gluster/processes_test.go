package gluster_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
)

// process writes what /proc has of a process of root's that runs GlusterFS's program beside this one.
func process(t *testing.T, proc string, pid int, args ...string) string {
	t.Helper()
	dir := filepath.Join(proc, strconv.Itoa(pid))
	if err := os.MkdirAll(filepath.Join(dir, "ns"), 0o700); err != nil {
		t.Fatal(err)
	}
	line := strings.Join(args, "\x00")
	if line != "" {
		line += "\x00"
	}
	for _, err := range []error{
		os.MkdirAll(filepath.Join(proc, "self", "ns"), 0o700),
		os.WriteFile(filepath.Join(dir, "cmdline"), []byte(line), 0o600),
		link("/usr/sbin/glusterfsd", filepath.Join(dir, "exe")),
		link("mnt:[1]", filepath.Join(dir, "ns", "mnt")),
		link("mnt:[1]", filepath.Join(proc, "self", "ns", "mnt")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// link makes a symbolic link, in the place of another one.
func link(to, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(to, path)
}

func TestProcessesAreFoundByTheirArguments(t *testing.T) {
	proc := t.TempDir()
	for pid, args := range map[int]string{
		343: "/usr/sbin/glusterfsd -s n1 --volfile-id rep.n1.b-rep -p /x.pid -S /run/gluster/a.socket --brick-name /b/rep -l /x.log --process-name brick --brick-port 56419",
		344: "/usr/sbin/glusterfsd -s n1 --volfile-id old.n1.b-old -S /run/gluster/b.socket --brick-name=/b/old",
		345: "/usr/sbin/glusterfsd --version",
		360: "/usr/sbin/glusterfs -s localhost --volfile-id shd/rep -S /run/gluster/c.socket --process-name glustershd",
		361: "/usr/sbin/glusterfs -s localhost --volfile-id gluster/glustershd -S /run/gluster/d.socket",
		362: "/usr/sbin/glusterfs --process-name fuse --volfile-server=n1 --volfile-id=/rep /client",
		400: "", // a kernel thread
		401: "vi glusterfsd",
	} {
		process(t, proc, pid, strings.Fields(args)...)
	}
	for _, dir := range []string{"sys", "402"} { // no process, and one that has just ended
		if err := os.Mkdir(filepath.Join(proc, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	bricks, err := gluster.BrickProcesses(proc)
	if diff := cmp.Diff([]gluster.BrickProcess{
		{PID: 343, Path: "/b/rep", Volfile: "rep.n1.b-rep", Socket: "/run/gluster/a.socket", Port: 56419},
		{PID: 344, Path: "/b/old", Volfile: "old.n1.b-old", Socket: "/run/gluster/b.socket"},
	}, bricks); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	daemons, err := gluster.SelfHealProcesses(proc)
	if diff := cmp.Diff([]gluster.SelfHealProcess{
		{PID: 360, Volfile: "shd/rep", Socket: "/run/gluster/c.socket"},
		{PID: 361, Volfile: "gluster/glustershd", Socket: "/run/gluster/d.socket"},
	}, daemons); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := gluster.BrickProcesses(filepath.Join(proc, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without /proc: %v", err)
	}
}

func TestABrickIsServedByWhoeverHasItOpen(t *testing.T) {
	proc := t.TempDir()
	for pid, open := range map[int][]string{
		10: {"/b/one", "socket:[7]"},
		11: {"/b/two", "/b/three", "/b/four/.glusterfs/health_check"},
		12: {"/b/onemore"},
	} {
		dir := filepath.Join(proc, strconv.Itoa(pid), "fd")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		process(t, proc, pid, "glusterfsd", "-S", "/s", "--brick-name", "/b/first-of-"+strconv.Itoa(pid))
		for i, file := range open {
			if err := os.Symlink(file, filepath.Join(dir, strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for path, want := range map[string]int{"/b/one": 10, "/b/two": 11, "/b/three": 11, "/b/four": 11, "/b/first-of-12": 12, "/b": 0, "/b/on": 0} {
		got, err := gluster.ServingBrick(proc, path)
		if err != nil || (want == 0) != (len(got) == 0) || len(got) > 0 && got[0].PID != want || len(got) > 1 {
			t.Errorf("%s: %+v, %v, want %d", path, got, err, want)
		}
	}
	if _, err := gluster.ServingBrick(filepath.Join(proc, "none"), "/b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without /proc: %v", err)
	}
}

func TestMountProcesses(t *testing.T) {
	proc := t.TempDir()
	for pid, line := range map[int]string{
		10: "/usr/sbin/glusterfs --process-name fuse --volfile-server=web1 --volfile-server=web2 --auto-invalidation=yes --volfile-id=/server /client",
		11: "/usr/sbin/glusterfs --log-level=WARNING --auto-invalidation=off --volfile-server=web1 --volfile-id /photos /srv/photos",
		12: "/usr/sbin/glusterfs -s localhost --volfile-id shd/server -p /run/shd.pid -l /var/log/shd.log -S /run/shd.socket --process-name glustershd",
		13: "/usr/sbin/glusterfsd -s n1 --volfile-id server.n1.bricks -S /run/b.socket --brick-name /bricks",
		14: "/usr/sbin/glusterfs -s localhost --volfile-id x -l /var/log/x.log",
		15: "/usr/sbin/glusterd -p /run/glusterd.pid",
		16: "glusterfs",
	} {
		process(t, proc, pid, strings.Fields(line)...)
	}
	got, err := gluster.MountProcesses(proc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]gluster.MountProcess{{PID: 10, Path: "/client", Volfile: "/server", AutoInvalidation: true}, {PID: 11, Path: "/srv/photos", Volfile: "/photos"}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestStateIsWrittenWhereNobodyElseLooks(t *testing.T) {
	for name, prepare := range map[string]func(dir string) error{
		"a directory open to others": func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o755)) },
		"a link to elsewhere":        func(dir string) error { return os.Symlink(t.TempDir(), dir) },
		"a file":                     func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			c := gluster.NewClient("unix", "/no/such/socket")
			c.StateDir = filepath.Join(t.TempDir(), "state")
			if err := prepare(c.StateDir); err != nil {
				t.Fatal(err)
			}
			_, err := c.State(t.Context())
			wantError(t, err, nil, "is not a directory of this user that is closed to others")
		})
	}
	c := gluster.NewClient("unix", "/no/such/socket")
	c.StateDir = filepath.Join(t.TempDir(), "state")
	_, err := c.State(t.Context())
	wantError(t, err, gluster.ErrNotRunning, "")
	if left, err := os.ReadDir(c.StateDir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestReplicaSets(t *testing.T) {
	brick := func(path string) gluster.Brick { return gluster.Brick{Host: "n", Path: path} }
	bricks := []gluster.Brick{brick("/1"), brick("/2"), brick("/3"), brick("/4")}
	for _, tc := range []struct {
		volume gluster.Volume
		want   [][]gluster.Brick
	}{
		{gluster.Volume{Replica: 2, Bricks: bricks}, [][]gluster.Brick{bricks[:2], bricks[2:]}},
		{gluster.Volume{Replica: 4, Bricks: bricks}, [][]gluster.Brick{bricks}},
		{gluster.Volume{Disperse: 4, Replica: 1, Bricks: bricks}, [][]gluster.Brick{bricks}},
		{gluster.Volume{Bricks: bricks[:2]}, [][]gluster.Brick{bricks[:1], bricks[1:2]}},
		{gluster.Volume{}, nil},
	} {
		if diff := cmp.Diff(tc.want, tc.volume.ReplicaSets()); diff != "" {
			t.Error(diff)
		}
	}
}
