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

func TestABlankDeviceIsFormattedAndMounted(t *testing.T) {
	for _, fstype := range []string{"xfs", "ext4"} {
		for _, kind := range []string{"image", "block device", "missing image"} {
			t.Run(fstype+" on a "+kind, func(t *testing.T) {
				b := newBench(t)
				m := desired.BrickMount{Path: b.path("brick"), Fstype: fstype, Sync: true, Spec: b.path("image")}
				switch kind {
				case "image":
					b.image("image")
				case "block device":
					m.Spec = mountns.Loop(t, b.image("image"))
				default:
					m.Size = testSize
					b.write(".image.gluster-setup-new", "half an image of a run that was killed")
				}
				b.want(m)
				b.must()
				mnt, err := machine.MountAt(m.Path)
				if err != nil || mnt == nil || mnt.FSType != fstype || !machine.HasOption(mnt, "sync") {
					t.Fatalf("mounted: %+v, %v", mnt, err)
				}
				if n := b.marks(); n != 0 {
					t.Errorf("%d marks left", n)
				}
				if exists(b.path(".image.gluster-setup-new")) {
					t.Error("the image's temporary file is still there")
				}
				var st unix.Stat_t
				if err := unix.Stat(b.path("image"), &st); err != nil || kind == "missing image" && st.Blocks*512 < testSize {
					t.Errorf("the image has %d bytes of %d reserved (%v)", st.Blocks*512, testSize, err)
				}
			})
		}
	}
}

func TestDevicesThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		name, code, says string
		make             func(t *testing.T, b *bench) string
	}{
		{"another file system", "device-not-blank", "a file system of type ext4", func(t *testing.T, b *bench) string {
			p := b.image("image")
			tool(t, "mkfs.ext4", "-q", p)
			return p
		}},
		{"data without a signature", "device-not-blank", "first seen at byte 5", func(t *testing.T, b *bench) string {
			p := b.image("image")
			put(t, p, 5, []byte("precious"))
			return p
		}},
		{"no such device", "device-missing", "no such device", func(*testing.T, *bench) string { return "/dev/no-such-disk" }},
		{"no such image and no size", "device-missing", "does not say how large", func(_ *testing.T, b *bench) string { return b.path("image") }},
		{"no such UUID", "device-missing", "has this UUID", func(*testing.T, *bench) string { return "UUID=01234567-89ab-cdef-0123-456789abcdef" }},
		{"a directory", "device-missing", "neither", func(_ *testing.T, b *bench) string { return b.dir }},
		{"a terminal", "device-missing", "neither", func(*testing.T, *bench) string { return "/dev/null" }},
		{"mounted elsewhere", "device-in-use", "mounted at", func(t *testing.T, b *bench) string {
			p := b.image("image")
			tool(t, "mkfs.xfs", "-q", p)
			loop := mountns.Loop(t, p)
			mountns.Mount(t, loop, b.path("home"), "xfs", 0, "")
			return loop
		}},
		{"an image mounted elsewhere", "device-in-use", "mounted at", func(t *testing.T, b *bench) string {
			p := b.image("image")
			tool(t, "mkfs.xfs", "-q", p)
			mountns.Mount(t, mountns.Loop(t, p), b.path("home"), "xfs", 0, "")
			return p
		}},
		{"a blank image that a loop device uses", "device-in-use", "the loop device /dev/loop", func(t *testing.T, b *bench) string {
			p := b.image("image")
			mountns.Loop(t, p)
			return p
		}},
		{"a blank device that somebody has opened for himself alone", "device-in-use", "the kernel", func(t *testing.T, b *bench) string {
			loop := mountns.Loop(t, b.image("image"))
			fd, err := unix.Open(loop, unix.O_RDWR|unix.O_EXCL, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = unix.Close(fd) })
			return loop
		}},
		{"two devices with one label", "device-missing", "2 devices have this LABEL", func(t *testing.T, b *bench) string {
			for _, name := range []string{"image", "copy"} {
				p := b.image(name)
				tool(t, "mkfs.xfs", "-q", "-L", "by-twice", p)
				mountns.Loop(t, p)
			}
			return "LABEL=by-twice"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.want(desired.BrickMount{Path: b.path("brick"), Fstype: "xfs", Spec: test.make(t, b)})
			b.refused(test.code, test.says)
		})
	}
}

func TestALabelFindsItsDevice(t *testing.T) {
	b := newBench(t)
	p := b.image("image")
	tool(t, "mkfs.xfs", "-q", "-L", "by-once", p)
	loop := mountns.Loop(t, p)
	b.want(desired.BrickMount{Path: b.path("brick"), Fstype: "xfs", Spec: "LABEL=by-once"})
	b.must()
	mnt, err := machine.MountAt(b.path("brick"))
	if err != nil || mnt == nil || mnt.Source != loop {
		t.Errorf("mounted: %+v, %v", mnt, err)
	}
}

// Between the plan and mkfs somebody may write to the device.
func TestADeviceThatChangesAfterThePlanIsNotFormatted(t *testing.T) {
	b := newBench(t)
	p := b.image("image")
	b.want(desired.BrickMount{Path: b.path("brick"), Fstype: "xfs", Spec: p})
	plan, err := b.host.Plan(t.Context())
	if err != nil || len(plan.Changes) == 0 || plan.Changes[0].Action != "format" {
		t.Fatalf("%+v, %v", plan, err)
	}
	put(t, p, 12345, []byte("precious"))
	if err := plan.Changes[0].Do(t.Context()); !errors.Is(err, errChanged) {
		t.Errorf("error: %v", err)
	}
	if got := string(content(t, p, 12345, 8)); got != "precious" {
		t.Errorf("the device holds %q", got)
	}
}

func content(t *testing.T, path string, at int64, n int) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // of a test
	buf := make([]byte, n)
	if _, err := f.ReadAt(buf, at); err != nil {
		t.Fatal(err)
	}
	return buf
}

func TestAnImageThatAppearsMeanwhileIsNotReplaced(t *testing.T) {
	b := newBench(t)
	p := b.path("image")
	b.want(desired.BrickMount{Path: b.path("brick"), Fstype: "ext4", Spec: p, Size: 64 << 20})
	b.before = func(argv []string) error {
		if strings.HasPrefix(argv[0], "mkfs.") {
			b.write("image", "restored from a backup")
		}
		return nil
	}
	if _, err := b.apply(); !errors.Is(err, unix.EEXIST) {
		t.Errorf("error: %v", err)
	}
	if text, err := os.ReadFile(p); err != nil || string(text) != "restored from a backup" {
		t.Errorf("the image holds %.30q (%v)", text, err)
	}
}

func TestAnImageThatWasHereBeforeIsNotMadeAnew(t *testing.T) {
	b := newBench(t)
	m := desired.BrickMount{Path: b.path("brick"), Fstype: "ext4", Spec: b.path("image"), Size: 64 << 20}
	b.want(m)
	b.must()
	b.unmount(m.Path)
	if err := os.Rename(m.Spec, b.path("gone")); err != nil {
		t.Fatal(err)
	}
	b.refused("image-lost", "earlier apply")
	if err := os.Rename(b.path("gone"), m.Spec); err != nil {
		t.Fatal(err)
	}
	b.must()
}

func TestAnImageBelowAMissingMountIsNotMade(t *testing.T) {
	b := newBench(t)
	b.write("root/etc/fstab", "/dev/sdz1 "+b.path("data")+" ext4 defaults 0 2\n")
	b.want(desired.BrickMount{Path: b.path("brick"), Fstype: "ext4", Spec: b.path("data/bricks/image"), Size: 64 << 20})
	b.refused("not-mounted", b.path("data")+", on which it lies, is not mounted")
	if exists(b.path("data")) {
		t.Error("the directory was made")
	}
}

func TestAnImageLargerThanTheDiskLeavesNothing(t *testing.T) {
	b := newBench(t)
	mountns.Mount(t, "tmpfs", b.path("small"), "tmpfs", 0, "size=8m")
	b.want(desired.BrickMount{Path: b.path("brick"), Fstype: "ext4", Spec: b.path("small/image"), Size: 64 << 20})
	if _, err := b.apply(); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("error: %v", err)
	}
	entries, err := os.ReadDir(b.path("small"))
	if err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestMountsThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		name, code, says string
		make             func(t *testing.T, b *bench, at string)
	}{
		{"another file system", "brick-mount", "tmpfs (foreign) is mounted there", func(t *testing.T, _ *bench, at string) {
			mountns.Mount(t, "foreign", at, "tmpfs", 0, "")
		}},
		{"another image", "brick-mount", "the image file", func(t *testing.T, b *bench, at string) {
			p := b.image("other")
			tool(t, "mkfs.xfs", "-q", p)
			mountns.Mount(t, mountns.Loop(t, p), at, "xfs", 0, "")
		}},
		{"a directory of the right file system", "brick-mount", "bind mount", func(t *testing.T, b *bench, at string) {
			mountns.Mount(t, mountns.Loop(t, b.path("image")), b.path("whole"), "xfs", 0, "")
			if err := os.Mkdir(b.path("whole/part"), 0o755); err != nil {
				t.Fatal(err)
			}
			mountns.Mount(t, b.path("whole/part"), at, "", unix.MS_BIND, "")
		}},
		{"read-only", "brick-mount", "read-only", func(t *testing.T, b *bench, at string) {
			mountns.Mount(t, mountns.Loop(t, b.path("image")), at, "xfs", unix.MS_RDONLY, "")
		}},
		{"a link where the brick should be", "brick-path", "symbolic link", func(t *testing.T, b *bench, at string) {
			mountns.Mount(t, mountns.Loop(t, b.path("image")), at, "xfs", 0, "")
			if err := os.Symlink("/tmp", filepath.Join(at, "brick")); err != nil {
				t.Fatal(err)
			}
		}},
		{"files below", "mount-point", "holds files (precious)", func(_ *testing.T, b *bench, _ string) { b.write("brick/precious", "x") }},
		{"a file", "mount-point", "no directory", func(_ *testing.T, b *bench, _ string) { b.write("brick", "x") }},
		{"a link", "symbolic-link", "symbolic link", func(t *testing.T, _ *bench, at string) {
			if err := os.Symlink("elsewhere", at); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			p := b.image("image")
			tool(t, "mkfs.xfs", "-q", p)
			m := desired.BrickMount{Path: b.path("brick"), Fstype: "xfs", Spec: p}
			b.want(m)
			test.make(t, b, m.Path)
			b.refused(test.code, test.says)
		})
	}
}

func TestDurabilityChangesByRemounting(t *testing.T) {
	b := newBench(t)
	p := b.image("image")
	tool(t, "mkfs.xfs", "-q", p)
	for _, sync := range []bool{false, true, false} {
		b.want(desired.BrickMount{Path: b.path("brick"), Fstype: "xfs", Spec: p, Sync: sync})
		b.must()
		mnt, err := machine.MountAt(b.path("brick"))
		if err != nil || mnt == nil || machine.HasOption(mnt, "sync") != sync {
			t.Errorf("sync %t: %+v, %v", sync, mnt, err)
		}
	}
}

func TestATmpfsGrowsAndShrinksAndNeverLosesData(t *testing.T) {
	b := newBench(t)
	at := b.path("brick")
	want := func(size int64, text string) {
		b.want(desired.BrickMount{Path: at, Fstype: "tmpfs", Spec: "tmpfs", Size: size, Options: []string{"defaults", "size=" + text}})
	}
	for size, text := range map[int64]string{8 << 20: "8m", 16 << 20: "16m", 4<<20 + 1: "4194305"} {
		want(size, text)
		b.must()
		var st unix.Statfs_t
		if err := unix.Statfs(at, &st); err != nil || int64(st.Blocks)*st.Bsize < size || int64(st.Blocks)*st.Bsize > size+4096 {
			t.Errorf("%d bytes, want %d (%v)", int64(st.Blocks)*st.Bsize, size, err)
		}
	}
	want(16<<20, "16m")
	b.must()
	b.write("brick/data", strings.Repeat("x", 9<<20))
	want(8<<20, "8m")
	b.refused("tmpfs-size", "more than the 8388608 bytes")
	if st, err := os.Stat(filepath.Join(at, "data")); err != nil || st.Size() != 9<<20 {
		t.Errorf("the data: %v, %v", st, err)
	}
}

func TestATmpfsOfSomebodyElseIsNotResized(t *testing.T) {
	b := newBench(t)
	mountns.Mount(t, "theirs", b.path("theirs"), "tmpfs", 0, "size=1m")
	mountns.Mount(t, b.path("theirs"), b.path("brick"), "", unix.MS_BIND, "")
	b.want(desired.BrickMount{Path: b.path("brick"), Fstype: "tmpfs", Spec: "tmpfs", Size: 8 << 20, Options: []string{"defaults", "size=8m"}})
	b.refused("brick-mount", "also mounted at "+b.path("theirs"))
}

func TestBrickDirectories(t *testing.T) {
	b := newBench(t)
	mountns.Mount(t, "tmpfs", b.path("data"), "tmpfs", 0, "")
	plan := func(path string) change.Plan {
		t.Helper()
		p, err := b.host.directory(desired.Directory{Volume: "v", Path: path, BrickPath: filepath.Join(path, "brick")})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	code := func(p change.Plan) string {
		if len(p.Conflicts) == 0 {
			return ""
		}
		return p.Conflicts[0].Code
	}
	p := plan(b.path("data/gluster"))
	if len(p.Changes) != 1 || p.Changes[0].Do(t.Context()) != nil || len(p.Conflicts) != 0 {
		t.Fatalf("on another file system: %+v", p)
	}
	if p := plan(b.path("data/gluster")); !p.Settled() {
		t.Errorf("again: %+v", p)
	}
	if got := code(plan("/brickyard-no-such-directory/x")); got != "brick-on-root" {
		t.Errorf("on the root file system: %q", got)
	}
	b.write("data/file", "x")
	if got := code(plan(b.path("data/file"))); got != "brick-path" {
		t.Errorf("a file: %q", got)
	}
	if err := os.Symlink("gluster", b.path("data/link")); err != nil {
		t.Fatal(err)
	}
	if got := code(plan(b.path("data/link"))); got != "symbolic-link" {
		t.Errorf("a link: %q", got)
	}
	b.write("root/etc/fstab", "/dev/sdz1 "+b.path("data/gluster")+" xfs defaults 0 0\n")
	if got := code(plan(b.path("data/gluster"))); got != "not-mounted" {
		t.Errorf("below a mount that is missing: %q", got)
	}
}
