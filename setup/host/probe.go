package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/setup/machine"
)

// deviceState is what a device holds.
type deviceState struct {
	fstype  string // of the file system on it
	uuid    string // of that file system
	blank   bool
	unknown bool   // data without any signature
	holds   string // what is on it, in words
	busy    string // who uses it, in words; then nothing else is known
}

// probe looks at what a device holds: whether it is in use, signatures by
// blkid, then the bytes.
func (h *Host) probe(ctx context.Context, d device) (deviceState, error) {
	busy, err := d.users()
	if err != nil || busy != "" {
		return deviceState{busy: busy}, err
	}
	fd, err := claim(ctx, d.path)
	if errors.Is(err, unix.EBUSY) {
		return deviceState{busy: "the kernel (mounted elsewhere, or part of a RAID, LVM or multipath device)"}, nil
	}
	if err != nil {
		return deviceState{}, fmt.Errorf("open %s: %w", d.path, err)
	}
	f := os.NewFile(uintptr(fd), d.path) //nolint:gosec // a descriptor fits
	defer f.Close()                      //nolint:errcheck // read only

	out, err := h.Exec(ctx, nil, "blkid", "-p", "-o", "export", d.path)
	switch code := machine.ExitCode(err); {
	case err == nil:
		return signature(string(out)), nil
	case code == 8:
		return deviceState{holds: "signatures of several file systems at once"}, nil
	case code != 2:
		return deviceState{}, fmt.Errorf("look at device %s: %w", d.path, err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return deviceState{}, fmt.Errorf("size of %s: %w", d.path, err)
	}
	if size == 0 {
		return deviceState{holds: "nothing, having no size at all (an empty drive or a loop device without a file),"}, nil
	}
	at, err := firstData(f, size)
	if err != nil {
		return deviceState{}, fmt.Errorf("read %s: %w", d.path, err)
	}
	if at >= 0 {
		return deviceState{unknown: true, holds: fmt.Sprintf("data that no tool knows, first seen at byte %d,", at)}, nil
	}
	return deviceState{blank: true}, nil
}

// claim opens a device as its only user: O_EXCL on a block device fails while anything in the kernel uses it. Somebody who
// looks for a free loop device claims for a moment one that is in use already (loop_configure, drivers/block/loop.c), which is
// no use of it: so it is tried again for a second.
func claim(ctx context.Context, path string) (fd int, err error) {
	for range 20 {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
		if !errors.Is(err, unix.EBUSY) {
			return fd, err
		}
		select {
		case <-ctx.Done():
			return fd, err
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fd, err
}

// signature reads what blkid found.
func signature(out string) deviceState {
	values := map[string]string{}
	for l := range strings.SplitSeq(out, "\n") {
		if k, v, ok := strings.Cut(l, "="); ok {
			values[k] = v
		}
	}
	s := deviceState{fstype: values["TYPE"], uuid: strings.ToLower(values["UUID"])}
	switch {
	case values["PTTYPE"] != "" && s.fstype == "":
		s.holds = "a partition table (" + values["PTTYPE"] + ")"
	case s.fstype == "":
		s.holds = "a signature that blkid names " + strings.Join(strings.Fields(out), " ")
	case values["USAGE"] == "filesystem":
		s.holds = "a file system of type " + s.fstype
	default:
		s.holds = "a signature of type " + s.fstype
	}
	return s
}

const (
	edge    = 16 << 20 // bytes read in full at both ends of a device
	sample  = 4 << 10  // bytes read at each point between
	samples = 2048
)

// firstData looks for a byte that is not zero: in full at both ends, where
// every file system, RAID and partition table keeps its signatures, and at
// evenly spread points between. It returns -1 when it finds none. A device that
// ends before its size is an error: what was not read is not blank.
func firstData(r io.ReaderAt, size int64) (int64, error) {
	buf, zeros := make([]byte, 1<<20), make([]byte, 1<<20)
	scan := func(from, to int64) (int64, error) {
		for at := from; at < to; {
			n, err := r.ReadAt(buf[:min(int64(len(buf)), to-at)], at)
			if !bytes.Equal(buf[:n], zeros[:n]) { // far quicker than looking at each byte
				return at + int64(slices.IndexFunc(buf[:n], func(b byte) bool { return b != 0 })), nil
			}
			at += int64(n)
			switch {
			case at >= to:
			case errors.Is(err, io.EOF), err == nil && n == 0:
				return 0, fmt.Errorf("it ends at byte %d of %d: %w", at, size, io.ErrUnexpectedEOF)
			case err != nil:
				return 0, err
			}
		}
		return -1, nil
	}
	if size <= 2*edge {
		return scan(0, size)
	}
	if at, err := scan(0, edge); at >= 0 || err != nil {
		return at, err
	}
	if at, err := scan(size-edge, size); at >= 0 || err != nil {
		return at, err
	}
	step := max(sample, (size-2*edge)/samples)
	for from := int64(edge); from < size-edge; from += step {
		if at, err := scan(from, min(from+sample, size-edge)); at >= 0 || err != nil {
			return at, err
		}
	}
	return -1, nil
}
