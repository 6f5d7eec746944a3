package probe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// steps records operations, and interferes before one begins.
type steps struct {
	done   []string
	before map[string]func()
}

func (s *steps) begin(operation string) {
	if do := s.before[operation]; do != nil {
		do()
	}
}

func (s *steps) end(operation string, _ time.Duration) { s.done = append(s.done, operation) }

func openDir(t *testing.T, path string) directory {
	t.Helper()
	d, err := directory{}.open(path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestAProbeMakesEveryOperationAndLeavesNothing(t *testing.T) {
	path := t.TempDir()
	for _, size := range []int{1, 4096, 4097, 1_000_000} {
		rec := &steps{}
		if err := probeOnce(openDir(t, path), "n1@x.probe", size, rec); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(rec.done, operations()) {
			t.Errorf("size %d: %q", size, rec.done)
		}
	}
	if left := entries(t, path); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

func TestAProbeThatFailsSaysWhyAndLeavesNothing(t *testing.T) {
	path := t.TempDir()
	file := filepath.Join(path, "n1@x.probe")
	must := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	for name, c := range map[string]struct {
		at   string
		do   func()
		want string
	}{
		"other content": {"read", func() { must(os.WriteFile(file, make([]byte, 5000), 0o600)) }, classMismatch},
		"shorter":       {"read", func() { must(os.Truncate(file, 4999)) }, classMismatch},
		"longer":        {"read", func() { must(os.Truncate(file, 5001)) }, classMismatch},
		"much longer":   {"read", func() { must(os.Truncate(file, 50000)) }, classMismatch},
		"another size":  {"stat", func() { must(os.Truncate(file, 4999)) }, classMismatch},
		"gone":          {"rename", func() { must(os.Remove(file)) }, classOther},
	} {
		t.Run(name, func(t *testing.T) {
			err := probeOnce(openDir(t, path), "n1@x.probe", 5000, &steps{before: map[string]func(){c.at: c.do}})
			if err == nil || classOf(err) != c.want {
				t.Errorf("%v, want class %s", err, c.want)
			}
			if left := entries(t, path); len(left) != 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
}

func TestAFileIsReadWholeWithAndWithoutODirect(t *testing.T) {
	path := t.TempDir()
	content := bytes.Repeat([]byte("0123456789"), 1000)
	if err := os.WriteFile(filepath.Join(path, "f"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := openDir(t, path)
	for _, flags := range []int{0, unix.O_DIRECT} {
		buffer := alignedBuffer(len(content))
		n, err := dir.read("f", buffer, flags)
		if err != nil || !bytes.Equal(buffer[:n], content) {
			t.Errorf("flags %#x: %d bytes, %v", flags, n, err)
		}
	}
}

func TestErrorsHaveClasses(t *testing.T) {
	for err, want := range map[error]string{
		unix.ENOSPC: classNoSpace, unix.EDQUOT: classNoSpace, unix.EROFS: classReadOnly, unix.ENOTCONN: classNotConnected,
		unix.EIO: classIO, unix.EACCES: classPermission, unix.EPERM: classPermission, unix.ESTALE: classOther, errMismatch: classMismatch,
		errNotMounted: classNotMounted,
	} {
		wrapped := fmt.Errorf("write: %w", errors.Join(&os.PathError{Op: "write", Path: "x", Err: err}, unix.EBADF))
		if got := classOf(wrapped); got != want {
			t.Errorf("%v: class %s, want %s", err, got, want)
		}
		if !slices.Contains(classes(), want) {
			t.Errorf("class %s has no series", want)
		}
	}
}

func TestALinkInPlaceOfTheHiddenDirectoryIsNotFollowed(t *testing.T) {
	path, table := fakeMount(t)
	elsewhere := t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(path, hiddenName)); err != nil {
		t.Fatal(err)
	}
	err := probe(childConfig{Mountpoint: path, MountInfo: table, Node: "n1"}, 10, &steps{})
	if err == nil {
		t.Error("probed through a link")
	}
	if left := entries(t, elsewhere); len(left) != 0 {
		t.Errorf("written: %q", left)
	}
}

func TestOnlyOwnFilesAreLeftovers(t *testing.T) {
	cfg := childConfig{Node: "n1", Mountpoint: "/client", Mounts: []string{"/client", "/mail"}}
	names := []string{
		unique(cfg) + ".probe-4096", unique(cfg) + ".probe-4096.renamed", prefix("n1", "/former") + "A.probe-4096", prefix("n1", "/former") + "A.beacon",
		unique(cfg) + ".beacon", unique(cfg) + ".beacon.new",
		prefix("n1", "/mail") + "A.beacon", prefix("n1", "/mail") + "A.probe-4096", prefix("n11", "/client") + "A.beacon", prefix("n1@x", "/client") + "A.beacon", "n1", "other",
	}
	if got := leftovers(names, cfg, false); !slices.Equal(got, names[:4]) {
		t.Errorf("%q, want %q", got, names[:4])
	}
	if got := leftovers(names, cfg, true); !slices.Equal(got, names[:6]) {
		t.Errorf("with beacons: %q, want %q", got, names[:6])
	}
	long := make([]byte, 300)
	for i := range long {
		long[i] = '/'
	}
	if p := prefix(string(long), "/client"); len(p) > 200 || filepath.Base(p) != p {
		t.Errorf("name %q", p)
	}
}

func TestTheStateOfAConnectionIsRead(t *testing.T) {
	const private = "[xlator.protocol.client.server-client-0.priv]\nconnected = 1\ntotal_bytes_read = 3256\nping_timeout = 42\n"
	for text, want := range map[string][2]bool{
		private: {true, true},
		"[xlator.protocol.client.server-client-0.priv]\nconnected = 0\n": {false, true},
		"[x]\nconnecting = 1\n": {false, false},
		"":                      {false, false},
	} {
		if connected, ok := parseConnected([]byte(text)); connected != want[0] || ok != want[1] {
			t.Errorf("%q: %t, %t", text, connected, ok)
		}
	}
}

func TestABeaconKeepsItsFileUntilThatCannotBeWritten(t *testing.T) {
	path, table := fakeMount(t)
	board := &volumeBoard{cfg: childConfig{Mountpoint: path, MountInfo: table, Node: "n1"}}
	write := func(seq uint64) string {
		t.Helper()
		if err := board.write(beacon{Node: "n1", Run: "run", Seq: seq}); err != nil {
			t.Fatal(err)
		}
		names := entries(t, filepath.Join(path, hiddenName))
		if len(names) != 1 || !strings.HasPrefix(names[0], prefix("n1", path)) || !strings.HasSuffix(names[0], beaconSuffix) {
			t.Fatalf("files %q", names)
		}
		if b, err := board.read(names[0]); err != nil || b.Seq != seq {
			t.Errorf("%v, %v, want call %d", b, err, seq)
		}
		return names[0]
	}
	former := filepath.Join(path, hiddenName, unique(board.cfg)+beaconSuffix)
	first := write(1)
	if err := os.WriteFile(former, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if others, err := board.list(); err != nil || len(others) != 0 {
		t.Errorf("others %q, %v", others, err)
	}
	if second := write(2); second != first {
		t.Errorf("in %s, then in %s", first, second)
	}
	if err := os.Remove(filepath.Join(path, hiddenName, first)); err != nil {
		t.Fatal(err)
	}
	board.half = unique(board.cfg) + beaconSuffix + ".new" // as if renaming had failed
	if err := os.WriteFile(filepath.Join(path, hiddenName, board.half), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if third := write(3); third == first {
		t.Errorf("%s again: others may take it for the former file", third)
	}
}
