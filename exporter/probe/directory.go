package probe

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hiddenName is the one directory at a mount's root that holds all files of the probers.
const hiddenName = ".gluster_exporter"

const (
	beaconSuffix = ".beacon"
	blockSize    = 4096 // what O_DIRECT wants buffers to be aligned to
)

// directory is an open directory of a volume. It is held for one probe only: an open directory keeps its mount busy, and
// nobody could unmount it.
type directory struct{ *os.File }

// openRoot opens the root of the GlusterFS mounted on path. The error wraps errNotMounted if there is none, also when it
// went away a moment ago: the device of what was opened must be the one in the mount table.
func openRoot(table, path string) (directory, error) {
	m, err := findMount(table, path)
	if err != nil {
		return directory{}, err
	}
	root, err := directory{}.open(path, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return directory{}, err
	}
	if err := root.on(m.Device); err != nil {
		return directory{}, errors.Join(err, root.Close())
	}
	return directory{root.File}, nil
}

// openHidden opens the probers' directory on the mount at path, and makes it where create is true. Opened with O_PATH, it
// costs the bricks no call.
func openHidden(table, path string, create bool) (directory, error) {
	root, err := openRoot(table, path)
	if err != nil {
		return directory{}, err
	}
	defer root.Close() //nolint:errcheck // nothing was written through it
	const flags = unix.O_PATH | unix.O_DIRECTORY
	hidden, err := root.open(hiddenName, flags)
	if create && errors.Is(err, unix.ENOENT) {
		if err := unix.Mkdirat(root.fd(), hiddenName, 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
			return directory{}, &os.PathError{Op: "mkdir", Path: hiddenName, Err: err}
		}
		hidden, err = root.open(hiddenName, flags)
	}
	if err != nil {
		return directory{}, err
	}
	device, err := root.device()
	if err != nil {
		return directory{}, errors.Join(err, hidden.Close())
	}
	if err := errors.Join(hidden.on(device), hidden.closed()); err != nil {
		return directory{}, errors.Join(err, hidden.Close())
	}
	return hidden, nil
}

// errForeign says that what lies on the volume was not made by a prober: whoever has the volume may put anything there.
var errForeign = errors.New("it is not the prober's")

// status is what is known of what was opened, as the lookup that opened it brought it.
func (d directory) status() (unix.Statx_t, error) {
	var st unix.Statx_t
	const wanted = unix.STATX_TYPE | unix.STATX_MODE | unix.STATX_NLINK | unix.STATX_UID | unix.STATX_INO
	if err := unix.Statx(d.fd(), "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, wanted, &st); err != nil {
		return st, &os.PathError{Op: "stat", Path: d.Name(), Err: err}
	}
	return st, nil
}

// closed checks that the directory belongs to this user, and nobody else may enter it.
func (d directory) closed() error {
	st, err := d.status()
	if err != nil {
		return err
	}
	if int(st.Uid) != os.Geteuid() || st.Mode&0o777 != 0o700 {
		const wrong = "%s belongs to user %d and has mode %#o, not to user %d with 0700: %w; remove it"
		return fmt.Errorf(wrong, d.Name(), st.Uid, st.Mode&0o777, os.Geteuid(), errForeign)
	}
	return nil
}

// file says which file it is, and checks that it is one that a prober made: regular, with this one name, of this user.
func (d directory) file() (identity, error) {
	st, err := d.status()
	if err != nil {
		return identity{}, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink != 1 || int(st.Uid) != os.Geteuid() {
		const wrong = "%s has type and mode %#o, %d names and belongs to user %d: %w"
		return identity{}, fmt.Errorf(wrong, d.Name(), st.Mode, st.Nlink, st.Uid, errForeign)
	}
	return identity{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino}, nil
}

// identity is which file it is, whatever its name.
type identity struct{ device, inode uint64 }

func (d directory) fd() int {
	if d.File == nil {
		return unix.AT_FDCWD
	}
	return int(d.Fd()) //nolint:gosec // descriptors are small
}

// device is where the directory is, as far as the kernel knows without asking the file system.
func (d directory) device() (uint64, error) {
	var st unix.Statx_t
	if err := unix.Statx(d.fd(), "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, 0, &st); err != nil {
		return 0, &os.PathError{Op: "stat", Path: d.Name(), Err: err}
	}
	return unix.Mkdev(st.Dev_major, st.Dev_minor), nil
}

// on checks that the directory is on a device.
func (d directory) on(device uint64) error {
	is, err := d.device()
	if err == nil && is != device {
		err = fmt.Errorf("%s: %w: something else hides it", d.Name(), errNotMounted)
	}
	return err
}

// openFile opens a file of the probers' that is there. Opened with O_PATH at first, a device hears nothing of it and a
// pipe does not wait; what turns out to be a prober's file is then opened itself, whatever the name has become
// meanwhile.
func (d directory) openFile(name string, flags int) (directory, identity, error) {
	found, err := d.open(name, unix.O_PATH)
	if err != nil {
		return directory{}, identity{}, err
	}
	defer found.Close() //nolint:errcheck // nothing was written through it
	is, err := found.file()
	if err != nil {
		return directory{}, is, err
	}
	f, err := found.again(flags)
	return f, is, err
}

// again opens what was opened with O_PATH for use.
func (d directory) again(flags int) (directory, error) {
	return opened(d.Name(), func() (int, error) {
		return unix.Open(fmt.Sprintf("/proc/self/fd/%d", d.fd()), flags|unix.O_CLOEXEC, 0)
	})
}

// open opens what name is in the directory, and follows no link.
func (d directory) open(name string, flags int) (directory, error) {
	return opened(name, func() (int, error) { return unix.Openat(d.fd(), name, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600) })
}

func opened(name string, open func() (int, error)) (directory, error) {
	for {
		fd, err := open()
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return directory{}, &os.PathError{Op: "open", Path: name, Err: err}
		}
		return directory{os.NewFile(uintptr(fd), name)}, nil //nolint:gosec // a descriptor
	}
}

// maxNames is how many names of a directory are looked at. The probers of a hundred nodes have some hundred.
const maxNames = 4096

// names lists the directory anew. With more than maxNames it returns those and an error.
func (d directory) names() (names []string, err error) {
	f, err := d.open(".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for len(names) <= maxNames {
		some, err := f.Readdirnames(maxNames + 1 - len(names))
		names = append(names, some...)
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
	}
	const wrong = "%s has more than %d names: %w; remove those that nobody's prober made"
	return names[:maxNames], fmt.Errorf(wrong, hiddenName, maxNames, errForeign)
}

func (d directory) rename(from, to string) error {
	if err := unix.Renameat(d.fd(), from, d.fd(), to); err != nil {
		return &os.PathError{Op: "rename", Path: from, Err: err}
	}
	return nil
}

// remove takes a name away. A directory, which no prober makes, stays, and is no error: nobody could hinder probes by
// one.
func (d directory) remove(name string) error {
	if err := unix.Unlinkat(d.fd(), name, 0); err != nil && !errors.Is(err, unix.EISDIR) {
		return &os.PathError{Op: "remove", Path: name, Err: err}
	}
	return nil
}

// size asks the file system, not the kernel's memory, for the size of a file in bytes.
func (d directory) size(name string) (uint64, error) {
	var st unix.Statx_t
	if err := unix.Statx(d.fd(), name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_STATX_FORCE_SYNC, unix.STATX_SIZE, &st); err != nil {
		return 0, &os.PathError{Op: "stat", Path: name, Err: err}
	}
	return st.Size, nil
}

// readFresh fills buffer, which is aligned (see alignedBuffer), from the start of a file, and returns the number of bytes.
// It reads from the cluster, not from the page cache. Measured on GlusterFS 10.3 by the bricks' read counters, with 1,000,000
// and 4,096 bytes just written and synced: a plain read takes 576 and 0 bytes from the bricks; O_DIRECT takes every byte from
// one brick, exactly once, with default options, with all caches of the client on (io-cache, read-ahead, quick-read of 600 s)
// and with strict O_DIRECT; posix_fadvise(POSIX_FADV_DONTNEED) takes every byte too, some twice with read-ahead. So O_DIRECT
// is what counts, and the other is for mounts that refuse it, such as bricks on an old kernel's tmpfs with strict O_DIRECT.
func (d directory) readFresh(name string, buffer []byte) (int, error) {
	n, err := d.read(name, buffer, unix.O_DIRECT)
	if errors.Is(err, unix.EINVAL) {
		n, err = d.read(name, buffer, 0)
	}
	return n, err
}

func (d directory) read(name string, buffer []byte, flags int) (n int, err error) {
	f, _, err := d.openFile(name, unix.O_RDONLY|flags)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if flags&unix.O_DIRECT == 0 {
		if err := unix.Fadvise(f.fd(), 0, 0, unix.FADV_DONTNEED); err != nil {
			return 0, &os.PathError{Op: "fadvise", Path: name, Err: err}
		}
	}
	for n < len(buffer) {
		more, err := unix.Pread(f.fd(), buffer[n:], int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, &os.PathError{Op: "read", Path: name, Err: err}
		}
		if more == 0 {
			break
		}
		n += more
	}
	return n, nil
}

// alignedBuffer makes a buffer for O_DIRECT with room for at least size bytes and one more block, so that a file that is
// longer than it should be shows.
func alignedBuffer(size int) []byte {
	length := (size+blockSize-1)/blockSize*blockSize + blockSize
	b := make([]byte, length+blockSize)
	skip := (blockSize - int(uintptr(unsafe.Pointer(&b[0]))%blockSize)) % blockSize //nolint:gosec // its address is all that counts
	return b[skip : skip+length]
}

// owner is what the names of a node's files begin with.
func owner(node string) string {
	const most = 150
	name := url.QueryEscape(node)
	if len(name) > most {
		name = name[:most] + "~" + digest(node)
	}
	return name + "@"
}

// prefix is what the names of a node's files for one of its mounts begin with.
func prefix(node, mountpoint string) string { return owner(node) + digest(mountpoint) + "." }

// unique begins the name of a file that there never was before.
func unique(cfg childConfig) string { return prefix(cfg.Node, cfg.Mountpoint) + rand.Text() }

// ownBeacon says whether a name is that of a beacon of this node's for the mount, a half made one included.
func ownBeacon(name string, cfg childConfig) bool {
	rest, own := strings.CutPrefix(name, prefix(cfg.Node, cfg.Mountpoint))
	return own && strings.Contains(rest, beaconSuffix)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// leftovers are the names of files that nobody of this node's exporter uses while the mount is not probed: those of the mount,
// where beacons is true with its beacon, and those of mounts that are not probed any more.
func leftovers(names []string, cfg childConfig, beacons bool) []string {
	var left []string
	for _, name := range names {
		if !strings.HasPrefix(name, owner(cfg.Node)) {
			continue
		}
		used := false
		for _, m := range cfg.Mounts {
			used = used || (m != cfg.Mountpoint && strings.HasPrefix(name, prefix(cfg.Node, m)))
		}
		if !used && (beacons || !ownBeacon(name, cfg)) {
			left = append(left, name)
		}
	}
	return left
}
