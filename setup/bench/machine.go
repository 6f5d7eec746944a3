package bench

import (
	"errors"
	"io"
	"os"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// file is one open file of the benchmark.
type file interface {
	io.Reader
	io.Writer
	io.Closer
	Sync() error
	// DropCache asks the kernel to forget the file's pages.
	DropCache() error
}

// machine is what the benchmark touches.
type machine interface {
	Hostname() (string, error)
	Pid() int
	// Alive reports whether a process of this host exists.
	Alive(pid int) bool
	// Mounts lists the mounts at or above a path.
	Mounts(path string) ([]*mountinfo.Info, error)
	// Free returns the bytes that this user may still write.
	Free(path string) (uint64, error)
	Create(name string) (file, error)
	Open(name string) (file, error)
	Remove(name string) error
}

// local is the machine this program runs on.
type local struct{}

func (local) Hostname() (string, error) { return os.Hostname() }
func (local) Pid() int                  { return os.Getpid() }

func (local) Alive(pid int) bool {
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

func (local) Mounts(path string) ([]*mountinfo.Info, error) {
	return mountinfo.GetMounts(mountinfo.ParentsFilter(path))
}

func (local) Free(path string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return st.Bavail * uint64(max(st.Bsize, 0)), nil
}

func (local) Create(name string) (file, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // in a directory that this run made
	if err != nil {
		return nil, err
	}
	return localFile{f}, nil
}

func (local) Open(name string) (file, error) {
	f, err := os.Open(name) //nolint:gosec // in a directory that this run made
	if err != nil {
		return nil, err
	}
	return localFile{f}, nil
}

func (local) Remove(name string) error { return os.Remove(name) }

type localFile struct{ *os.File }

func (f localFile) DropCache() error {
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return &os.PathError{Op: "fadvise", Path: f.Name(), Err: err}
	}
	return nil
}
