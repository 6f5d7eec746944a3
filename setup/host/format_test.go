package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"brickyard/internal/mountns"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
)

var errKilled = errors.New("signal: killed")

// written lists the blocks of a sparse file that hold something.
func written(t *testing.T, f *os.File) []int64 {
	t.Helper()
	const block = 4096
	var blocks []int64
	buf, zeros := make([]byte, block), make([]byte, block)
	for at := int64(0); ; {
		data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if err != nil {
			return blocks
		}
		end, err := unix.Seek(int(f.Fd()), data, unix.SEEK_HOLE)
		if err != nil {
			t.Fatal(err)
		}
		for at = data / block * block; at < end; at += block {
			n, err := f.ReadAt(buf, at)
			if err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			if !bytes.Equal(buf[:n], zeros[:n]) {
				blocks = append(blocks, at)
			}
		}
	}
}

// torn makes mkfs die after it wrote some of its blocks, in any order, as a
// power cut leaves them: those for which keep says so.
func (b *bench) torn(path string, keep func(i, n int) bool) {
	b.before = func(argv []string) error {
		if !strings.HasPrefix(argv[0], "mkfs.") {
			return nil
		}
		whole := b.image("whole")
		argv = append(slices.Clone(argv[:len(argv)-1]), whole)
		if _, err := machine.Run(b.t.Context(), nil, argv...); err != nil {
			b.t.Fatal(err)
		}
		from, err := os.Open(whole)
		if err != nil {
			b.t.Fatal(err)
		}
		defer from.Close() //nolint:errcheck // of a test
		blocks := written(b.t, from)
		for i, at := range blocks {
			if keep(i, len(blocks)) {
				put(b.t, path, at, content(b.t, whole, at, 4096))
			}
		}
		if err := os.Remove(whole); err != nil {
			b.t.Fatal(err)
		}
		return fmt.Errorf("%s: %w", strings.Join(argv, " "), errKilled)
	}
}

// tears are ways in which mkfs can end.
func tears() map[string]func(i, n int) bool {
	m := map[string]func(i, n int) bool{
		"before anything was written":     func(int, int) bool { return false },
		"after the first block":           func(i, _ int) bool { return i == 0 },
		"after all but the first block":   func(i, _ int) bool { return i > 0 },
		"after all but the last block":    func(i, n int) bool { return i < n-1 },
		"after everything was written":    func(int, int) bool { return true },
		"after the first half":            func(i, n int) bool { return i < n/2 },
		"after the second half":           func(i, n int) bool { return i >= n/2 },
		"after all but one in the middle": func(i, n int) bool { return i != n/3 },
	}
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 7))
		m[fmt.Sprintf("after blocks by chance, %d", seed)] = func(int, int) bool { return r.IntN(2) == 0 }
	}
	return m
}

func TestAnInterruptedFormatConverges(t *testing.T) {
	for _, fstype := range []string{"xfs", "ext4"} {
		for _, kind := range []string{"image", "block device"} {
			for name, keep := range tears() {
				if kind != "image" && !strings.Contains(name, "all but") {
					continue // what the program does is the same
				}
				t.Run(fmt.Sprintf("%s on a %s %s", fstype, kind, name), func(t *testing.T) {
					t.Parallel()
					b := newBench(t)
					p := b.image("image")
					spec := p
					if kind == "block device" {
						spec = mountns.Loop(t, p)
					}
					b.want(desired.BrickMount{Path: b.path("brick"), Fstype: fstype, Spec: spec})
					b.torn(spec, keep)
					if _, err := b.apply(); !errors.Is(err, errKilled) {
						t.Fatalf("the first apply: %v", err)
					}
					b.before = nil
					b.must()
					if mnt, err := machine.MountAt(b.path("brick")); err != nil || mnt == nil || mnt.FSType != fstype {
						t.Errorf("mounted: %+v, %v", mnt, err)
					}
					if n := b.marks(); n != 0 {
						t.Errorf("%d marks left", n)
					}
					b.unmount(b.path("brick"))
					if _, err := machine.Run(t.Context(), nil, check(fstype, device{path: p})...); err != nil {
						t.Errorf("the file system is not whole: %v", err)
					}
				})
			}
		}
	}
}

// interrupted leaves a device after a format that was cut off.
func interrupted(t *testing.T, fstype string, keep func(i, n int) bool) (*bench, string) {
	t.Helper()
	b := newBench(t)
	p := b.image("image")
	b.want(desired.BrickMount{Path: b.path("brick"), Fstype: fstype, Spec: p})
	b.torn(p, keep)
	if _, err := b.apply(); !errors.Is(err, errKilled) {
		t.Fatalf("the first apply: %v", err)
	}
	b.before = func(argv []string) error {
		if strings.HasPrefix(argv[0], "mkfs.") {
			t.Errorf("it formats: %v", argv)
			return errKilled
		}
		return nil
	}
	if b.marks() != 1 {
		t.Fatalf("%d marks after the cut", b.marks())
	}
	return b, p
}

func all(int, int) bool { return true }

func most(i, _ int) bool { return i > 0 }

// reboot makes the marks those of an earlier boot.
func (b *bench) reboot() {
	b.t.Helper()
	ms, err := b.host.marks()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range ms {
		m.Identity.Boot = "an earlier boot"
		text, err := json.Marshal(m)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(m.file, text, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

// use mounts a file system as somebody else would and leaves a file on it.
func (b *bench) use(image, fstype string) {
	b.t.Helper()
	at := b.path("somewhere")
	if err := os.MkdirAll(at, 0o755); err != nil {
		b.t.Fatal(err)
	}
	tool(b.t, "mount", "-t", fstype, "-o", "loop", image, at)
	b.write("somewhere/precious", "data")
	b.unmount(at)
}

func (b *bench) precious() {
	b.t.Helper()
	if text, err := os.ReadFile(b.path("brick/precious")); err != nil || string(text) != "data" {
		b.t.Errorf("the file: %q, %v", text, err)
	}
}

func TestAMarkNeverCostsData(t *testing.T) {
	for _, fstype := range []string{"xfs", "ext4"} {
		for _, reboot := range []bool{false, true} {
			t.Run(fmt.Sprintf("our whole %s was used since, another boot %t", fstype, reboot), func(t *testing.T) {
				b, p := interrupted(t, fstype, all)
				b.use(p, fstype)
				if reboot {
					b.reboot()
				}
				b.must()
				b.precious()
				if b.marks() != 0 {
					t.Error("the mark is still there")
				}
			})
			t.Run(fmt.Sprintf("somebody made another %s, another boot %t", fstype, reboot), func(t *testing.T) {
				b, p := interrupted(t, fstype, most)
				force := map[string]string{"xfs": "-f", "ext4": "-F"}[fstype]
				tool(t, "mkfs."+fstype, "-q", force, p)
				b.use(p, fstype)
				if reboot {
					b.reboot()
				}
				b.must()
				b.precious()
				if b.marks() != 0 {
					t.Error("the mark is still there, and would let a later run format the device")
				}
			})
		}
	}
	t.Run("somebody made another ext4, which is damaged now", func(t *testing.T) {
		b, p := interrupted(t, "ext4", most)
		tool(t, "mkfs.ext4", "-q", "-F", p)
		put(t, p, 4096, make([]byte, 256<<10))
		if results, err := b.apply(); err == nil { // interrupted's watch fails the test at mkfs
			t.Errorf("a damaged file system was taken: %v", results)
		}
	})
	t.Run("another image took the place of the file", func(t *testing.T) {
		b, p := interrupted(t, "xfs", all)
		other := b.image("other")
		put(t, other, 54321, []byte("precious"))
		if err := os.Rename(other, p); err != nil {
			t.Fatal(err)
		}
		b.refused("device-not-blank", "first seen at byte 54321")
	})
	t.Run("another disk of the same size has the device's name", func(t *testing.T) {
		b := newBench(t)
		p := b.image("image")
		first := mountns.Loop(t, p)
		link := b.path("vdb")
		if err := os.Symlink(first, link); err != nil {
			t.Fatal(err)
		}
		b.want(desired.BrickMount{Path: b.path("brick"), Fstype: "xfs", Spec: link, Options: []string{"defaults"}})
		b.torn(first, most)
		if _, err := b.apply(); !errors.Is(err, errKilled) {
			t.Fatalf("the first apply: %v", err)
		}
		other := b.image("other")
		put(t, other, 54321, []byte("precious"))
		if err := errors.Join(os.Remove(link), os.Symlink(mountns.Loop(t, other), link)); err != nil {
			t.Fatal(err)
		}
		b.refused("device-not-blank", "first seen at byte 54321")
	})
	t.Run("another kind of signature", func(t *testing.T) {
		b, p := interrupted(t, "xfs", func(i, n int) bool { return i > n/2 })
		put(t, p, 512, lvm())
		b.refused("device-not-blank", "LVM2_member")
	})
	t.Run("a file system that was used and is damaged, another boot", func(t *testing.T) {
		b, p := interrupted(t, "ext4", all)
		b.use(p, "ext4")
		b.reboot()
		put(t, p, 4096, make([]byte, 256<<10)) // group descriptors and the first inodes
		if _, err := b.apply(); !errors.Is(err, errUsed) {
			t.Errorf("error: %v", err)
		}
	})
}

func TestAMarkOfAMountedDeviceGoes(t *testing.T) {
	b, p := interrupted(t, "xfs", all)
	if err := os.MkdirAll(b.path("brick"), 0o755); err != nil {
		t.Fatal(err)
	}
	tool(t, "mount", "-o", "loop", p, b.path("brick"))
	b.must()
	if b.marks() != 0 {
		t.Error("the mark is still there")
	}
}

func TestAMarkThatCannotBeReadProvesNothing(t *testing.T) {
	b, p := interrupted(t, "xfs", func(i, n int) bool { return i > n/2 })
	found, err := filepath.Glob(filepath.Join(b.host.StateDir, markPrefix+"*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := os.WriteFile(found[0], []byte("{\"uuid\": \"3f"), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, p, 100, []byte{1})
	b.refused("device-not-blank", "first seen at byte")
}

func TestIdentitiesAreComparedByProof(t *testing.T) {
	disk := func(change func(*identity)) identity {
		id := identity{Size: 100, Stable: []string{"serial abc"}, DiskSeq: "7", Boot: "one"}
		change(&id)
		return id
	}
	for _, test := range []struct {
		name string
		a, b identity
		want bool
	}{
		{"the same", disk(func(*identity) {}), disk(func(*identity) {}), true},
		{"another boot, same serial number", disk(func(*identity) {}), disk(func(i *identity) { i.Boot, i.DiskSeq = "two", "3" }), true},
		{"another boot, no serial number", disk(func(i *identity) { i.Stable = nil }), disk(func(i *identity) { i.Stable, i.Boot = nil, "two" }), false},
		{"another boot, another serial number", disk(func(*identity) {}), disk(func(i *identity) { i.Boot, i.Stable = "two", []string{"serial x"} }), false},
		{"another size", disk(func(*identity) {}), disk(func(i *identity) { i.Size = 101 }), false},
		{"same boot, plugged in again", disk(func(i *identity) { i.Stable = nil }), disk(func(i *identity) { i.Stable, i.DiskSeq = nil, "8" }), false},
		{"same boot, a kernel that does not count disks", disk(func(i *identity) { i.Stable, i.DiskSeq = nil, "" }), disk(func(i *identity) { i.Stable, i.DiskSeq = nil, "" }), false},
		{"same disk, another partition", disk(func(i *identity) { i.Stable = []string{"start 2048"} }), disk(func(i *identity) { i.Stable = []string{"start 4096"} }), false},
		{"another boot, only the partition's start", disk(func(i *identity) { i.Stable = []string{"start 2048"} }), disk(func(i *identity) { i.Boot, i.Stable = "two", []string{"start 2048"} }), false},
		{"the same image", identity{Size: 1, Inode: 2, Born: "3"}, identity{Size: 1, Inode: 2, Born: "3", Boot: "two"}, true},
		{"an image with a used inode number", identity{Size: 1, Inode: 2, Born: "3"}, identity{Size: 1, Inode: 2, Born: "4"}, false},
		{"an image without a time of birth", identity{Size: 1, Inode: 2}, identity{Size: 1, Inode: 2}, false},
		{"nothing known", identity{}, identity{}, false},
	} {
		if got := test.a.same(test.b); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
		if got := test.b.same(test.a); got != test.want {
			t.Errorf("%s, the other way round: %t", test.name, got)
		}
	}
}
