package bench

import (
	"bytes"
	"os"
	"testing"

	"github.com/moby/sys/mountinfo"
)

// faked is this machine with some of its answers replaced.
type faked struct {
	local
	alive  func(pid int) bool
	free   func() uint64
	mounts []*mountinfo.Info
	wrap   func(name string, f file) file
	create func(name string) error
}

func (f *faked) Hostname() (string, error) { return "web1", nil }

func (f *faked) Alive(pid int) bool {
	if f.alive == nil {
		return f.local.Alive(pid)
	}
	return f.alive(pid)
}

func (f *faked) Free(path string) (uint64, error) {
	if f.free == nil {
		return f.local.Free(path)
	}
	return f.free(), nil
}

func (f *faked) Mounts(path string) ([]*mountinfo.Info, error) {
	if f.mounts == nil {
		return f.local.Mounts(path)
	}
	return f.mounts, nil
}

func (f *faked) Create(name string) (file, error) {
	if f.create != nil {
		if err := f.create(name); err != nil {
			return nil, err
		}
	}
	return f.local.Create(name)
}

func (f *faked) Open(name string) (file, error) {
	opened, err := f.local.Open(name)
	if err == nil && f.wrap != nil {
		opened = f.wrap(name, opened)
	}
	return opened, err
}

// readAs returns other bytes than the file's.
type readAs struct {
	file
	change func([]byte) []byte
	rest   *bytes.Reader
}

func (r *readAs) Read(p []byte) (int, error) {
	if r.rest == nil {
		var b bytes.Buffer
		if _, err := b.ReadFrom(r.file); err != nil {
			return 0, err
		}
		r.rest = bytes.NewReader(r.change(b.Bytes()))
	}
	return r.rest.Read(p)
}

func small(paths ...string) Config {
	return Config{Paths: paths, Size: 10_000, Count: 3, Rounds: 4}
}

// dirs makes n empty directories.
func dirs(t *testing.T, n int) []string {
	t.Helper()
	var paths []string
	for range n {
		paths = append(paths, t.TempDir())
	}
	return paths
}

func mustBeEmpty(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		entries, err := os.ReadDir(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			t.Errorf("%s is left in %s", e.Name(), path)
		}
	}
}
