package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// fileSystem is the mounted volume. Names are relative to the mount point.
type fileSystem interface {
	Mkdir(name string) error
	// List reads the directory anew.
	List(name string) ([]string, error)
	// Create makes a file that must not exist, writes and closes it.
	Create(name string, content []byte) error
	Read(name string) ([]byte, error)
	// Remove removes a file or an empty directory.
	Remove(name string) error
	// Stat does not follow links.
	Stat(name string) (fs.FileInfo, error)
}

// mounted is the real file system below a mount point.
type mounted struct{ path string }

func (m mounted) join(name string) string { return filepath.Join(m.path, name) }

func (m mounted) Mkdir(name string) error  { return os.Mkdir(m.join(name), 0o700) }
func (m mounted) Remove(name string) error { return os.Remove(m.join(name)) }

func (m mounted) Stat(name string) (fs.FileInfo, error) { return os.Lstat(m.join(name)) }

func (m mounted) List(name string) ([]string, error) {
	dir, err := os.Open(m.join(name))
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(-1)
	return names, errors.Join(err, dir.Close())
}

func (m mounted) Create(name string, content []byte) error {
	f, err := os.OpenFile(m.join(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

func (m mounted) Read(name string) ([]byte, error) {
	f, err := os.Open(m.join(name))
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, 4*bodySize))
	return content, errors.Join(err, f.Close())
}

// missing reports whether an error means that the name is not there. ESTALE
// is a client that still knew the file when another one had removed it.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESTALE)
}

// stopGrace is how long a call that is under way when the run is stopped gets
// to end, so that what it makes is removed too.
const stopGrace = 2 * time.Second

// volume makes every call on a file system end: a mount that hangs must not
// hold up the run. The goroutine of a call that does not come back is left
// behind; there is no way to end it.
type volume struct {
	fs       fileSystem
	patience time.Duration
}

func call[T any](ctx context.Context, v volume, what, file string, do func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := do()
		answers <- answer{value, err}
	}()
	limit := time.NewTimer(v.patience)
	defer limit.Stop()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-limit.C:
		return none, fmt.Errorf("%s %s: no answer for %s: the mount hangs", what, file, v.patience)
	case <-ctx.Done():
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-grace.C:
		return none, fmt.Errorf("%s %s: no answer when stopped: %w", what, file, ctx.Err())
	}
}

func (v volume) act(ctx context.Context, what, file string, do func() error) error {
	_, err := call(ctx, v, what, file, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

func (v volume) mkdir(ctx context.Context, file string) error {
	return v.act(ctx, "mkdir", file, func() error { return v.fs.Mkdir(file) })
}

func (v volume) create(ctx context.Context, file string, content []byte) error {
	return v.act(ctx, "create", file, func() error { return v.fs.Create(file, content) })
}

func (v volume) remove(ctx context.Context, file string) error {
	return v.act(ctx, "remove", file, func() error { return v.fs.Remove(file) })
}

func (v volume) list(ctx context.Context, file string) ([]string, error) {
	return call(ctx, v, "list", file, func() ([]string, error) { return v.fs.List(file) })
}

func (v volume) read(ctx context.Context, file string) ([]byte, error) {
	return call(ctx, v, "read", file, func() ([]byte, error) { return v.fs.Read(file) })
}

func (v volume) stat(ctx context.Context, file string) (fs.FileInfo, error) {
	return call(ctx, v, "stat", file, func() (fs.FileInfo, error) { return v.fs.Stat(file) })
}
