package host

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brickyard/setup/machine"
)

// sparse is a device of zeros with some bytes that are not, without memory for it.
type sparse struct {
	size int64
	at   []int64
	ends int64 // where it really ends, when not at size
}

func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	end := s.size
	if s.ends > 0 {
		end = s.ends
	}
	if off >= end {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), end-off))
	clear(p[:n])
	for _, at := range s.at {
		if at >= off && at < off+int64(n) {
			p[at-off] = 1
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func TestFirstDataFindsASingleByte(t *testing.T) {
	const gib = 1 << 30
	for _, test := range []struct {
		name string
		dev  sparse
		want int64
	}{
		{"an empty device of one byte", sparse{size: 1}, -1},
		{"the only byte", sparse{size: 1, at: []int64{0}}, 0},
		{"nothing at all", sparse{size: gib}, -1},
		{"the first byte", sparse{size: gib, at: []int64{0}}, 0},
		{"the last byte", sparse{size: gib, at: []int64{gib - 1}}, gib - 1},
		{"the last byte of an odd size", sparse{size: gib + 511, at: []int64{gib + 510}}, gib + 510},
		{"where a RAID 1.2 superblock lies", sparse{size: gib, at: []int64{4096}}, 4096},
		{"where btrfs's superblock lies", sparse{size: gib, at: []int64{64 << 10}}, 64 << 10},
		{"the last byte of the first edge", sparse{size: gib, at: []int64{edge - 1}}, edge - 1},
		{"the first byte between the edges", sparse{size: gib, at: []int64{edge}}, edge},
		{"the first byte of the last edge", sparse{size: gib, at: []int64{gib - edge}}, gib - edge},
		{"a byte anywhere on a small device", sparse{size: 2 * edge, at: []int64{edge + 12345}}, edge + 12345},
		{"a byte anywhere just above a small device", sparse{size: 2*edge + 3*sample, at: []int64{edge + 3*sample - 1}}, edge + 3*sample - 1},
		{"a buffer's border", sparse{size: gib, at: []int64{1 << 20}}, 1 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := firstData(test.dev, test.dev.size)
			if err != nil || got != test.want {
				t.Errorf("%d, %v; want %d", got, err, test.want)
			}
		})
	}
}

func TestADeviceThatEndsEarlyIsNotBlank(t *testing.T) {
	for _, size := range []int64{1 << 20, 1 << 30} {
		if at, err := firstData(sparse{size: size, ends: size - 1}, size); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("size %d: %d, %v", size, at, err)
		}
	}
}

// Data of which only the middle is left is seen by the samples: a mebibyte
// cannot hide on a device of a tebibyte... unless it is shorter than a step.
func TestSamplesSeeContiguousData(t *testing.T) {
	const size, step = int64(64) << 30, (64<<30 - 2*edge) / samples
	dev := sparse{size: size}
	for at := int64(20 << 30); at < 20<<30+2*step; at += sample {
		dev.at = append(dev.at, at)
	}
	if at, err := firstData(dev, size); at < 0 || err != nil {
		t.Errorf("%d, %v", at, err)
	}
}

// image makes a file of zeros.
func image(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // of a test
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return path
}

func put(t *testing.T, path string, at int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // of a test
	if _, err := f.WriteAt(data, at); err != nil {
		t.Fatal(err)
	}
}

func tool(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := machine.Run(t.Context(), nil, argv...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// lvm is the label of an LVM physical volume (lib/format_text/layout.h).
func lvm() []byte {
	b := make([]byte, 512)
	copy(b, "LABELONE")
	copy(b[8:], []byte{1, 0, 0, 0, 0, 0, 0, 0}) // sector 1
	copy(b[20:], []byte{32, 0, 0, 0})           // offset of the header
	copy(b[24:], "LVM2 001")
	copy(b[32:], "abcdefghijklmnopqrstuvwxyz012345")
	crc := uint32(0xf597a6cf)
	table := []uint32{
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	}
	for _, c := range b[20:] {
		crc ^= uint32(c)
		crc = crc>>4 ^ table[crc&0xf]
		crc = crc>>4 ^ table[crc&0xf]
	}
	copy(b[16:], []byte{byte(crc), byte(crc >> 8), byte(crc >> 16), byte(crc >> 24)})
	return b
}

func TestSignaturesAreNamed(t *testing.T) {
	const size = 400 << 20
	h := &Host{Exec: machine.Run}
	for _, test := range []struct {
		name string
		make func(t *testing.T, path string)
		says string
		typ  string
	}{
		{"xfs", func(t *testing.T, p string) { tool(t, "mkfs.xfs", "-q", p) }, "a file system of type xfs", "xfs"},
		{"ext4", func(t *testing.T, p string) { tool(t, "mkfs.ext4", "-q", p) }, "a file system of type ext4", "ext4"},
		{"swap", func(t *testing.T, p string) { tool(t, "mkswap", "-q", p) }, "a signature of type swap", "swap"},
		{"LVM", func(t *testing.T, p string) { put(t, p, 512, lvm()) }, "a signature of type LVM2_member", "LVM2_member"},
		{"LUKS", func(t *testing.T, p string) { put(t, p, 0, luks()) }, "a signature of type crypto_LUKS", "crypto_LUKS"},
		{"partition table", func(t *testing.T, p string) { put(t, p, 0, partitions()) }, "a partition table (dos)", ""},
		{"one byte in the middle", func(t *testing.T, p string) { put(t, p, edge, []byte{1}) }, "data that no tool knows, first seen at byte 16777216,", ""},
		{"one byte at the end", func(t *testing.T, p string) { put(t, p, size-1, []byte{1}) }, "data that no tool knows, first seen at byte 419430399,", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := image(t, size)
			s, err := h.probe(t.Context(), device{path: path, exists: true})
			if err != nil || !s.blank || s.holds != "" {
				t.Fatalf("before: %+v, %v", s, err)
			}
			test.make(t, path)
			s, err = h.probe(t.Context(), device{path: path, exists: true})
			if err != nil || s.blank || s.holds != test.says || s.fstype != test.typ {
				t.Errorf("%+v, %v; want %q", s, err, test.says)
			}
		})
	}
}

// partitions is a DOS partition table with one Linux partition.
func partitions() []byte {
	b := make([]byte, 512)
	copy(b[446:], []byte{0, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 0, 8, 0}) // from sector 2048
	b[510], b[511] = 0x55, 0xaa
	return b
}

// luks is the beginning of a LUKS 1 header.
func luks() []byte {
	b := bytes.Repeat([]byte{0}, 592)
	copy(b, "LUKS\xba\xbe\x00\x01")
	copy(b[168:], "0f5a1f0c-3c5a-4b1f-9d5e-111111111111")
	return b
}

func TestADeviceWithoutSizeIsNotBlank(t *testing.T) {
	path := image(t, 0)
	s, err := (&Host{Exec: machine.Run}).probe(t.Context(), device{path: path, exists: true})
	if err != nil || s.blank || !strings.Contains(s.holds, "no size") {
		t.Errorf("%+v, %v", s, err)
	}
}
