package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"brickyard/internal/mountns"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
)

// rootsAlone fails unless a mount point is closed to everybody but root, and what lies below can be neither a program
// with root's rights nor a device.
func rootsAlone(t *testing.T, path string) {
	t.Helper()
	mnt, err := machine.MountAt(path)
	if err != nil || mnt == nil {
		t.Fatalf("%s: %v, %v", path, mnt, err)
	}
	if !machine.HasOption(mnt, "nosuid") || !machine.HasOption(mnt, "nodev") {
		t.Errorf("%s is mounted with %s", path, mnt.Options)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil || st.Uid != 0 || st.Mode&0o7777 != 0o700 {
		t.Errorf("%s: mode %04o of user %d, %v", path, st.Mode&0o7777, st.Uid, err)
	}
}

func TestBrickFileSystemsAreRootsAlone(t *testing.T) {
	b := newBench(t)
	image, other := b.image("image"), b.image("other")
	tool(t, "mkfs.xfs", "-q", image)
	tool(t, "mkfs.xfs", "-q", other)
	hard := []string{"defaults", "nosuid", "nodev"}
	cache := desired.BrickMount{Volume: "cache", Path: b.path("cache"), Fstype: "tmpfs", Spec: "tmpfs", Size: 8 << 20, Options: append([]string{"size=8m", "mode=0700"}, hard...)}
	server := desired.BrickMount{Path: b.path("server"), Fstype: "xfs", Spec: image, Options: append([]string{"loop"}, hard...)}
	fresh := desired.BrickMount{Volume: "fresh", Path: b.path("fresh"), Fstype: "xfs", Spec: other, Options: server.Options}

	// As former versions left them, with a brick that serves and is in use.
	mountns.Mount(t, "tmpfs", cache.Path, "tmpfs", 0, "size=8m")
	mountns.Mount(t, mountns.Loop(t, image), server.Path, "xfs", 0, "")
	if err := errors.Join(os.Chmod(cache.Path, 0o1777|os.ModeSticky), os.Chown(server.Path, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	used := filepath.Join(cache.Path, "brick")
	if err := os.Mkdir(used, 0o755); err != nil {
		t.Fatal(err)
	}
	open, err := os.Open(used)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close() //nolint:errcheck // of a test
	b.want(cache, server, fresh)
	var did []string
	for _, r := range b.must() {
		if r.Object == cache.Path || r.Object == server.Path {
			did = append(did, filepath.Base(r.Object)+": "+r.Action+" by "+strings.Join(r.Commands, "; "))
		}
	}
	if len(did) != 4 || did[0] != "cache: remount by mount -o remount,nosuid,nodev "+cache.Path || !strings.HasPrefix(did[1], "cache: shut others out of by chown root:root ") {
		t.Errorf("it did %q", did)
	}
	rootsAlone(t, cache.Path)
	rootsAlone(t, server.Path)
	rootsAlone(t, fresh.Path) // which apply has mounted itself
	if _, err := open.Readdirnames(-1); err != nil {
		t.Errorf("who uses the brick was disturbed: %v", err)
	}

	// And so is what comes back at a boot.
	if err := errors.Join(open.Close(), unix.Unmount(cache.Path, 0)); err != nil {
		t.Fatal(err)
	}
	tool(t, "mount", "-T", b.path("root/etc/fstab"), cache.Path)
	rootsAlone(t, cache.Path)
}

func TestRecoverClosesWhatAFormerVersionLeftOpen(t *testing.T) {
	b := newBench(t)
	ours := desired.BrickMount{Volume: "cache", Path: b.path("cache"), Fstype: "tmpfs", Spec: "tmpfs", Size: 8 << 20}
	other := desired.BrickMount{Volume: "v", Path: b.path("other"), Fstype: "tmpfs", Spec: "tmpfs", Size: 8 << 20}
	b.want(ours, other)
	mountns.Mount(t, "tmpfs", ours.Path, "tmpfs", 0, "size=8m")
	if err := errors.Join(os.Mkdir(other.Path, 0o755), os.Chmod(other.Path, 0o777)); err != nil { // not mounted: nobody's business
		t.Fatal(err)
	}
	for _, want := range []string{ours.Path, ""} {
		closed, err := b.host.ShutOut(t.Context())
		if err != nil || strings.Join(closed, " ") != want {
			t.Errorf("closed %q, %v, want %q", closed, err, want)
		}
	}
	for path, want := range map[string]os.FileMode{ours.Path: 0o700, other.Path: 0o777} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, st, err)
		}
	}
}

func TestABrickInSomebodyElsesDirectoryIsAConflict(t *testing.T) {
	b := newBench(t)
	mountns.Mount(t, "tmpfs", b.path("data"), "tmpfs", 0, "mode=0755")
	at := b.path("data/www/shared")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	plans := map[string]func() (change.Plan, error){
		"directory": func() (change.Plan, error) {
			return b.host.directory(desired.Directory{Volume: "v", Path: at, BrickPath: filepath.Join(at, "brick")})
		},
		"mount": func() (change.Plan, error) {
			m := desired.BrickMount{Volume: "v", Path: filepath.Join(at, "mount"), Spec: "tmpfs", Fstype: "tmpfs", Size: 1 << 20}
			return b.host.brickMount(m, device{})
		},
	}
	for _, tc := range []struct {
		on   string
		uid  int
		mode os.FileMode
		says string
	}{
		{at, 0, 0o755, ""},
		{at, 65534, 0o755, at + " belongs to user nobody, who could put something else into the place of the brick"},
		{at, 0, 0o777 | os.ModeSticky, at + " may be written by others (its mode is 1777)"},
		{filepath.Dir(at), 65534, 0o755, filepath.Dir(at) + " belongs to user nobody"},
		{filepath.Dir(at), 0, 0o770, filepath.Dir(at) + " may be written by others (its mode is 0770)"},
	} {
		if err := errors.Join(os.Chown(tc.on, tc.uid, 0), os.Chmod(tc.on, tc.mode)); err != nil {
			t.Fatal(err)
		}
		for name, plan := range plans {
			p, err := plan()
			switch {
			case err != nil:
				t.Fatal(err)
			case tc.says == "" && len(p.Conflicts) > 0:
				t.Errorf("%s: conflicts %+v", name, p.Conflicts)
			case tc.says != "" && (len(p.Conflicts) != 1 || len(p.Changes) > 0 || p.Conflicts[0].Code != "brick-exposed" || !strings.Contains(p.Conflicts[0].Problem, tc.says) ||
				!strings.Contains(p.Conflicts[0].Remedy, "chown root:root "+tc.on+" && chmod go-w "+tc.on)):
				t.Errorf("%s, %q: %+v", name, tc.says, p)
			}
		}
		if err := errors.Join(os.Chown(tc.on, 0, 0), os.Chmod(tc.on, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
}

// Started as /tmp/gluster-setup, say.
func TestAnExporterThatAnybodyPutBesideTheProgramIsNotInstalled(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		owner int
		mode  os.FileMode
		link  bool
		says  string
	}{
		"root's":                       {0, 0o755, false, ""},
		"nobody's":                     {65534, 0o755, false, "it belongs to user 65534, not to root"},
		"root's, and writable for all": {0, 0o757, false, "everybody may write to it"},
		"a link":                       {0, 0o755, true, "it is no regular file"},
	} {
		dir, root := t.TempDir(), t.TempDir()
		self, exporter := filepath.Join(dir, "gluster-setup"), filepath.Join(dir, "gluster_exporter")
		err := errors.Join(os.Chmod(dir, 0o777|os.ModeSticky), os.WriteFile(self, []byte("ours"), 0o600))
		if tc.link {
			err = errors.Join(err, os.Symlink("/bin/true", exporter))
		} else {
			err = errors.Join(err, os.WriteFile(exporter, []byte("exporter"), 0o600), os.Chmod(exporter, tc.mode), os.Chown(exporter, tc.owner, 0))
		}
		if err != nil {
			t.Fatal(err)
		}
		f := &Files{Root: root, Self: self, State: &desired.State{Binary: "/usr/local/sbin/gluster-setup", Exporter: &desired.Exporter{Binary: "/usr/local/sbin/gluster_exporter"}}}
		p, err := f.exporter()
		switch {
		case err != nil:
			t.Fatal(err)
		case tc.says == "" && (len(p.Changes) != 1 || len(p.Conflicts) > 0),
			tc.says != "" && (len(p.Changes) > 0 || len(p.Conflicts) != 1 || p.Conflicts[0].Code != "exporter-not-roots" || !strings.HasPrefix(p.Conflicts[0].Problem, tc.says)):
			t.Errorf("%s: %+v", name, p)
		}
	}
}
