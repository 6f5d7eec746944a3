package machine

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"brickyard/internal/mountns"
)

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// alone fails the test when a directory holds more than the named files.
func alone(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	if strings.Join(have, " ") != strings.Join(want, " ") {
		t.Errorf("the directory holds %v, want %v", have, want)
	}
}

func TestANewFileGetsTheModeAndItsDirectories(t *testing.T) {
	path := filepath.Join(dir(t), "a/b/new")
	if err := WriteFile(path, []byte("text\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o640 || read(t, path) != "text\n" {
		t.Errorf("mode %o, text %q", st.Mode().Perm(), read(t, path))
	}
	alone(t, filepath.Dir(path), "new")
}

// A reader that opens a replaced file at any moment sees one whole text; one of
// a file that can only be overwritten never sees an empty one, nor the end of
// the old text alone.
func TestAReaderNeverSeesAMixture(t *testing.T) {
	for _, test := range []struct {
		name  string
		bound bool // the file is a mount point, and is overwritten in place
	}{{"replaced", false}, {"overwritten", true}} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(dir(t), "hosts")
			long, short := bytes.Repeat([]byte("a"), 3000), bytes.Repeat([]byte("b"), 1000)
			write(t, path, string(long), 0o644)
			if test.bound {
				mountns.Mount(t, path, path, "", unix.MS_BIND, "")
			}
			stop := make(chan struct{})
			var wg sync.WaitGroup
			var wrong string
			reads := 0
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					b, err := os.ReadFile(path)
					text := strings.TrimRight(string(b), "\n")
					reads++
					if err != nil || len(b) < len(short) || (!test.bound && text != string(long) && text != string(short)) {
						wrong = text
						if text == "" {
							wrong = "(empty)"
						}
					}
				}
			})
			for i := range 400 {
				text := long
				if i%2 == 0 {
					text = short
				}
				if err := WriteFile(path, text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			close(stop)
			wg.Wait()
			if wrong != "" {
				t.Errorf("a reader saw %.40q (%d bytes)", wrong, len(wrong))
			}
			if reads < 10 {
				t.Errorf("only %d reads: the test proves nothing", reads)
			}
			alone(t, filepath.Dir(path), "hosts")
		})
	}
}

// acl is a POSIX ACL in the kernel's form: version 2, then tag, permission and id.
func acl() []byte {
	b := []byte{2, 0, 0, 0}
	entry := func(tag, perm uint16, id uint32) {
		b = append(b, byte(tag), byte(tag>>8), byte(perm), byte(perm>>8), byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
	}
	entry(0x01, 6, 0xffffffff) // owner
	entry(0x02, 4, 1234)       // user 1234
	entry(0x04, 4, 0xffffffff) // group
	entry(0x10, 4, 0xffffffff) // mask
	entry(0x20, 0, 0xffffffff) // others
	return b
}

func TestModeOwnerLabelAndACLAreKept(t *testing.T) {
	path := filepath.Join(dir(t), "fstab")
	write(t, path, "old\n", 0o604)
	if err := os.Chown(path, 12, 34); err != nil {
		t.Fatal(err)
	}
	attrs := map[string]string{"security.brickyard": "label", "trusted.note": "x", "system.posix_acl_access": string(acl())}
	if err := unix.Setxattr(path, "user.note", []byte("y"), 0); err == nil {
		attrs["user.note"] = "y" // tmpfs has user attributes since Linux 6.6
	}
	for name, value := range attrs {
		if err := unix.Setxattr(path, name, []byte(value), 0); err != nil {
			t.Fatalf("set %s: %v", name, err)
		}
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	if fs.FileMode(st.Mode).Perm() != before.Mode().Perm() || st.Uid != 12 || st.Gid != 34 || read(t, path) != "new\n" {
		t.Errorf("mode %o, owner %d:%d, text %q", st.Mode, st.Uid, st.Gid, read(t, path))
	}
	for name, want := range attrs {
		b := make([]byte, 256)
		n, err := unix.Getxattr(path, name, b)
		if err != nil || string(b[:n]) != want {
			t.Errorf("attribute %s is %q (%v), want %q", name, b[:max(n, 0)], err, want)
		}
	}
}

func TestALinkStaysAndItsTargetIsWritten(t *testing.T) {
	d := dir(t)
	target, link := filepath.Join(d, "target"), filepath.Join(d, "link")
	write(t, target, "old\n", 0o644)
	if err := os.Symlink("target", link); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(link, []byte("new\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); err != nil || to != "target" || read(t, target) != "new\n" {
		t.Errorf("the link leads to %q (%v), its target holds %q", to, err, read(t, target))
	}
}

// A unit that is masked is a link to /dev/null, which must survive.
func TestWhatIsNoRegularFileIsLeftAlone(t *testing.T) {
	d := dir(t)
	null := filepath.Join(d, "null")
	if err := unix.Mknod(null, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		make func(path string) error
		want error
	}{
		{"a link to a device", func(p string) error { return os.Symlink(null, p) }, errNotRegular},
		{"a link to nothing", func(p string) error { return os.Symlink("/nowhere/at/all", p) }, errDangling},
		{"a directory", func(p string) error { return os.Mkdir(p, 0o755) }, errNotRegular},
		{"a named pipe", func(p string) error { return unix.Mkfifo(p, 0o600) }, errNotRegular},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "unit.service")
			if err := test.make(path); err != nil {
				t.Fatal(err)
			}
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			err = WriteFile(path, []byte("text"), 0o644)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want one that names %s and is %q", err, path, test.want)
			}
			after, err := os.Lstat(path)
			if err != nil || !os.SameFile(before, after) {
				t.Errorf("it was replaced (%v)", err)
			}
		})
	}
	st, err := os.Stat(null)
	if err != nil || st.Mode()&fs.ModeCharDevice == 0 {
		t.Errorf("the device is %v now (%v)", st.Mode(), err)
	}
}

func TestAFileThatIsAMountPointIsOverwritten(t *testing.T) {
	d := dir(t)
	source, path := filepath.Join(d, "source"), filepath.Join(d, "hosts")
	write(t, source, "a much longer old text than the new one\n", 0o644)
	write(t, path, "hidden\n", 0o644)
	mountns.Mount(t, source, path, "", unix.MS_BIND, "")
	if err := WriteFile(path, []byte("new\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if read(t, source) != "new\n" || read(t, path) != "new\n" {
		t.Errorf("the source holds %q, the mount point %q", read(t, source), read(t, path))
	}
	alone(t, d, "hosts", "source")
}

// A container with a read-only root still has a writable /etc/hosts.
func TestAWritableMountPointInAReadOnlyDirectory(t *testing.T) {
	d, root := dir(t), filepath.Join(t.TempDir(), "etc")
	source, path := filepath.Join(d, "source"), filepath.Join(root, "hosts")
	write(t, source, "old\n", 0o644)
	mountns.Mount(t, "tmpfs", root, "tmpfs", 0, "")
	write(t, path, "", 0o644)
	mountns.Mount(t, source, path, "", unix.MS_BIND, "")
	if err := unix.Mount("", root, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("new\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if read(t, source) != "new\n" {
		t.Errorf("the source holds %q", read(t, source))
	}
}

func TestAReadOnlyFileSystemIsAnErrorThatNamesThePath(t *testing.T) {
	d := dir(t)
	path := filepath.Join(d, "fstab")
	write(t, path, "old\n", 0o644)
	if err := unix.Mount("", d, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(path, []byte("new\n"), 0o644)
	if !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), "write "+path) {
		t.Errorf("error: %v", err)
	}
	if read(t, path) != "old\n" {
		t.Errorf("the file holds %q", read(t, path))
	}
}

// immutable sets FS_IMMUTABLE_FL (linux/fs.h).
func immutable(t *testing.T, path string, on bool) {
	t.Helper()
	const flag, setFlags = 0x10, 0x40086602
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // of a test
	value := uint32(0)
	if on {
		value = flag
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), setFlags, uintptr(unsafe.Pointer(&value))); errno != 0 {
		t.Fatalf("set the immutable flag of %s: %v", path, errno)
	}
}

func TestAnImmutableFileIsAnErrorThatNamesThePath(t *testing.T) {
	d := dir(t) // tmpfs knows the flag since Linux 6.2
	path := filepath.Join(d, "hosts")
	write(t, path, "old\n", 0o644)
	immutable(t, path, true)
	defer immutable(t, path, false)
	err := WriteFile(path, []byte("new\n"), 0o644)
	if !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "write "+path) {
		t.Errorf("error: %v", err)
	}
	if read(t, path) != "old\n" {
		t.Errorf("the file holds %q", read(t, path))
	}
	alone(t, d, "hosts")
}

func TestWhatAKilledRunLeftIsHarmless(t *testing.T) {
	d := dir(t)
	path := filepath.Join(d, "hosts")
	write(t, path, "old\n", 0o644)
	write(t, filepath.Join(d, ".hosts1234567"), "half of the ne", 0o600)
	if err := WriteFile(path, []byte("new\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if read(t, path) != "new\n" {
		t.Errorf("the file holds %q", read(t, path))
	}
}

func TestAFullFileSystemKeepsTheOldText(t *testing.T) {
	d := t.TempDir()
	mountns.Mount(t, "tmpfs", d, "tmpfs", 0, "size=64k")
	path := filepath.Join(d, "fstab")
	write(t, path, "old\n", 0o644)
	err := WriteFile(path, bytes.Repeat([]byte("x"), 1<<20), 0o644)
	if !errors.Is(err, unix.ENOSPC) {
		t.Errorf("error: %v", err)
	}
	if read(t, path) != "old\n" {
		t.Errorf("the file holds %.20q", read(t, path))
	}
	alone(t, d, "fstab")
}
