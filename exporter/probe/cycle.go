package probe

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// operations are the steps of one probe, in their order. Reading includes opening the file, and its closing.
func operations() []string {
	return []string{"create", "write", "fsync", "close", "read", "stat", "rename", "remove"}
}

// recorder hears of the operations of a probe.
type recorder interface {
	begin(operation string)
	end(operation string, took time.Duration)
}

// probeOnce writes a file of size bytes into the directory, checks it from the cluster and removes it, whatever happens.
// No other file may ever have had the name: were it made anew while a brick is away that still has the former one, it would be
// in split-brain once the brick is back, and so would be the directory.
func probeOnce(dir directory, name string, size int, rec recorder) (err error) {
	content := make([]byte, size)
	if _, err := rand.Read(content); err != nil {
		return err
	}
	buffer := alignedBuffer(size)
	renamed := name + ".renamed"
	step := func(operation string, do func() error) error {
		rec.begin(operation)
		start := time.Now()
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", operation, err)
		}
		rec.end(operation, time.Since(start))
		return nil
	}

	var file directory
	if err := step("create", func() error {
		file, err = dir.open(name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY)
		return err
	}); err != nil {
		return err
	}
	present := true
	defer func() {
		if !present {
			return
		}
		for _, n := range []string{name, renamed} {
			if e := dir.remove(n); e != nil && !errors.Is(e, unix.ENOENT) {
				err = errors.Join(err, e)
			}
		}
	}()
	err = step("write", func() error {
		_, err := file.Write(content)
		return err
	})
	if err == nil {
		err = step("fsync", file.Sync)
	}
	if err == nil {
		// For readFresh on mounts without O_DIRECT: only clean pages are dropped. Advice that is refused is no failure.
		_ = unix.Fadvise(file.fd(), 0, 0, unix.FADV_DONTNEED) //nolint:errcheck // as above
		err = step("close", file.Close)
	} else {
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return err
	}

	var n int
	if err := step("read", func() error {
		n, err = dir.readFresh(name, buffer)
		return err
	}); err != nil {
		return err
	}
	if !bytes.Equal(buffer[:n], content) {
		return fmt.Errorf("read %d bytes of a file of %d: %w", n, size, errMismatch)
	}
	if err := step("stat", func() error {
		got, err := dir.size(name)
		if err == nil && got != uint64(size) { //nolint:gosec // sizes are positive
			err = fmt.Errorf("size %d of a file of %d: %w", got, size, errMismatch)
		}
		return err
	}); err != nil {
		return err
	}
	if err := step("rename", func() error { return dir.rename(name, renamed) }); err != nil {
		return err
	}
	if err := step("remove", func() error { return dir.remove(renamed) }); err != nil {
		return err
	}
	present = false
	return nil
}

// How a probe goes on when another node has just removed the directory, which the kernel remembers for a second.
const (
	staleRetries = 4
	stalePause   = 400 * time.Millisecond
)

// probe makes one probe on the mount at cfg.Mountpoint.
func probe(cfg childConfig, size int, rec recorder) error {
	for try := 0; ; try++ {
		err := probeIn(cfg, size, rec)
		if (!errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ESTALE)) || try == staleRetries {
			return err
		}
		time.Sleep(stalePause)
	}
}

func probeIn(cfg childConfig, size int, rec recorder) (err error) {
	rec.begin("open")
	dir, err := openHidden(cfg.MountInfo, cfg.Mountpoint, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	return probeOnce(dir, unique(cfg)+".probe-"+strconv.Itoa(size), size, rec)
}

// removeLeftovers removes the files that leftovers finds. No directory is no error.
func removeLeftovers(cfg childConfig, beacons bool) (err error) {
	dir, err := openHidden(cfg.MountInfo, cfg.Mountpoint, false)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	names, err := dir.names() // those that could be read are looked at all the same
	for _, name := range leftovers(names, cfg, beacons) {
		if e := dir.remove(name); e != nil && !errors.Is(e, unix.ENOENT) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// removeAll removes this node's files of the mount, and the directory when it is empty.
func removeAll(cfg childConfig) error {
	if err := removeLeftovers(cfg, true); err != nil {
		return err
	}
	root, err := openRoot(cfg.MountInfo, cfg.Mountpoint)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing was written through it
	err = unix.Unlinkat(root.fd(), hiddenName, unix.AT_REMOVEDIR)
	for _, ok := range []error{unix.ENOENT, unix.ENOTEMPTY, unix.EEXIST} {
		if errors.Is(err, ok) {
			return nil
		}
	}
	return err
}
