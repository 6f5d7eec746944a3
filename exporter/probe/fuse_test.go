package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"brickyard/internal/mountns"
)

// silentMount mounts a FUSE file system that never answers. One that reads takes what the kernel asks, answers only the
// first two requests (INIT, and GETATTR of the root), and leaves all others: whoever waits for them cannot even be killed.
// One that does not read leaves everything in the queue. end makes it go away.
func silentMount(t *testing.T, reads bool) (path string, end func()) {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "silent")
	mountns.Mount(t, "server1:/silent", path, "fuse.glusterfs", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd))
	ended := make(chan struct{})
	once := false
	end = func() {
		if once {
			return
		}
		once = true
		// Forced, it answers every request with an error, and the reader with the end.
		_ = unix.Unmount(path, unix.MNT_FORCE|unix.MNT_DETACH)
		if reads {
			<-ended
		}
		_ = unix.Close(fd)
	}
	t.Cleanup(end)
	if reads {
		go func() {
			defer close(ended)
			serve(fd)
		}()
	}
	return path, end
}

// serve answers INIT and GETATTR until the connection ends.
func serve(fd int) {
	const opGetattr, opInit = 3, 26
	buffer := make([]byte, 1<<18)
	for {
		n, err := unix.Read(fd, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n < 40 {
			return
		}
		opcode, unique := binary.LittleEndian.Uint32(buffer[4:]), binary.LittleEndian.Uint64(buffer[8:])
		var body any
		switch opcode {
		case opInit:
			body = struct {
				Major, Minor, MaxReadahead, Flags uint32
				MaxBackground, Congestion         uint16
				MaxWrite, TimeGran                uint32
				Rest                              [9]uint32
			}{Major: 7, Minor: 31, MaxWrite: 1 << 17, TimeGran: 1}
		case opGetattr:
			body = struct {
				Valid                               uint64
				Nsec, Dummy                         uint32
				Ino, Size, Blocks, At, Mt, Ct       uint64
				Atn, Mtn, Ctn, Mode, Nlink, UID, Gi uint32
				Rdev, Blksize, Flags                uint32
			}{Valid: 1 << 30, Ino: 1, Mode: unix.S_IFDIR | 0o755, Nlink: 2, Blksize: 4096}
		default:
			continue
		}
		var out bytes.Buffer
		_ = binary.Write(&out, binary.LittleEndian, body)
		var head bytes.Buffer
		_ = binary.Write(&head, binary.LittleEndian, []uint32{uint32(16 + out.Len()), 0})
		_ = binary.Write(&head, binary.LittleEndian, unique)
		_, _ = unix.Write(fd, append(head.Bytes(), out.Bytes()...))
	}
}

// probeChildren are the processes that this one has started and not yet waited for.
func probeChildren(t *testing.T) []string {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		all = append(all, strings.Fields(string(b))...)
	}
	return all
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
