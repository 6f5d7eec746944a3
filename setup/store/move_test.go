package store

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// workdir is glusterd's working directory with the volumes server, which is healthy, and cache, whose second brick's file is missing.
func workdir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"glusterd.info": "UUID=0a1b2c3d-0000-4000-8000-000000000001\noperating-version=100000\n",
		"peers/0a1b2c3d-0000-4000-8000-000000000002": "uuid=0a1b2c3d-0000-4000-8000-000000000002\nstate=3\nhostname1=cache2.example.com\n",
		"peers/0a1b2c3d-0000-4000-8000-000000000003": "uuid=0a1b2c3d-0000-4000-8000-000000000003\nstate=6\nhostname1=cache3.example.com\n",
		"snaps/missed_snaps_list":                    "",
		"vols/a-file":                                "",
		"vols/cache/info.tmp":                        "half",
		"vols/cache/run/cache.pid":                   "7\n",
	}
	for _, volume := range []string{"server", "cache"} {
		files["vols/"+volume+"/info"] = info
		for name, text := range healthy().Bricks {
			files["vols/"+volume+"/bricks/"+name] = text
		}
	}
	delete(files, "vols/cache/bricks/cache2.example.com:-cache_server-brick")
	for name, text := range files {
		put(t, filepath.Join(dir, name), text)
	}
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listed are the files below a directory.
func listed(t *testing.T, dir string) (out []string) {
	t.Helper()
	if err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, p)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func look(t *testing.T, dir string) Node {
	t.Helper()
	n, err := Look(dir, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLook(t *testing.T) {
	t.Parallel()
	dir, text := workdir(t), info
	server, cache := healthy(), without("cache2.example.com:-cache_server-brick")
	cache.Name, cache.Info = "cache", &text
	if diff := cmp.Diff(Node{Peers: 1, Volumes: []Volume{cache, server}}, look(t, dir)); diff != "" {
		t.Error(diff)
	}
	put(t, filepath.Join(dir, "snaps/monday/info"), "")
	if n := look(t, dir); !n.Snapshots {
		t.Error("there are snapshots")
	}
	// glusterd never ran.
	if diff := cmp.Diff(Node{}, look(t, t.TempDir())); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeReadIsNotMissing(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"vols/cache/info", "vols/cache/bricks/cache2.example.com:-cache_server-brick", "vols/cache/bricks", "vols", "peers", "snaps"} {
		dir := workdir(t)
		full := filepath.Join(dir, path)
		// A directory in the place of a file, and the other way round, cannot be read even by root.
		if err := os.RemoveAll(full); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(path, "cache/info") || strings.Contains(path, "bricks/") {
			put(t, filepath.Join(full, "x"), "")
		} else {
			put(t, full, "")
		}
		if n, err := Look(dir, t.TempDir()); err == nil {
			t.Errorf("%s: no error, and %+v", path, Decide(n))
		}
	}
	if _, err := Look(workdir(t), "/nowhere"); err == nil {
		t.Error("nobody knows whether glusterd runs")
	}
}

func TestNothingIsSeenWhileGlusterdRuns(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	put(t, filepath.Join(proc, "7/cmdline"), "/usr/sbin/glusterd\x00-p\x00/var/run/glusterd.pid\x00")
	put(t, filepath.Join(proc, "self/ns/x"), "")
	put(t, filepath.Join(proc, "7/ns/x"), "")
	for path, to := range map[string]string{"7/exe": "/usr/sbin/glusterfsd", "7/ns/mnt": "mnt:[1]", "self/ns/mnt": "mnt:[1]"} {
		if err := os.Symlink(to, filepath.Join(proc, path)); err != nil {
			t.Fatal(err)
		}
	}
	n, err := Look(workdir(t), proc)
	if err != nil || !n.Running || Decide(n) != nil {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestMoveAsideAndPrune(t *testing.T) {
	t.Parallel()
	dir, now := workdir(t), time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	was, server := listed(t, filepath.Join(dir, "vols/cache")), listed(t, filepath.Join(dir, "vols/server"))
	aside, err := MoveAside(dir, "cache", now)
	if err != nil || aside != filepath.Join(dir, ".gluster-setup-aside/20261124T080000Z-cache") {
		t.Fatalf("%s, %v", aside, err)
	}
	if diff := cmp.Diff(was, listed(t, aside)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(server, listed(t, filepath.Join(dir, "vols/server"))); diff != "" {
		t.Error(diff)
	}
	if n := look(t, dir); len(n.Volumes) != 1 || Decide(n) != nil {
		t.Errorf("afterwards: %+v", n)
	}

	later := now.Add(31 * 24 * time.Hour)
	prune := func(at time.Time, want ...string) {
		t.Helper()
		removed, err := Prune(dir, at, true)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, removed); diff != "" {
			t.Error(diff)
		}
	}
	prune(later) // the volume is not back
	put(t, filepath.Join(dir, "vols/cache/info"), info)
	prune(now)
	prune(now.Add(29 * 24 * time.Hour))
	prune(later, aside)
	prune(later)
	if removed, err := Prune(t.TempDir(), later, true); err != nil || removed != nil {
		t.Errorf("nothing aside: %v, %v", removed, err)
	}
}
