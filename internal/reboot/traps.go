package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// canary is a file that nobody may change, on each host.
const canary = "/root/reboot-test-canary"

// levels of the deep directories of a volume. GlusterFS heals about a level of a tree a second: what is refilled again and
// again has few of them.
func levels(volume string) int {
	if volume == memory {
		return 6
	}
	return 18 // almost as long a path as the kernel takes at once
}

// setTraps has root of a client put into the volumes what harms who trusts them: a program that makes its caller root, a
// device, links that lead out, a directory that becomes a link now and then, deep and odd names. A volume that is away or
// full takes none of it: the next round tries again. Nor does one that the scenario wants nobody to write to.
func setTraps(mounts map[string]string, round int) {
	for volume, mount := range mounts {
		if _, err := os.Stat(idlePath(volume)); err == nil || !mounted(mount) {
			continue
		}
		dir := filepath.Join(mount, trap)
		if os.Mkdir(dir, 0o755) == nil {
			deep(dir, levels(volume))
		}
		for name, make := range map[string]func(string) error{
			"id":                               setuid,
			"device":                           device,
			"pipe":                             func(p string) error { return unix.Mkfifo(p, 0o666) },
			"link":                             func(p string) error { return os.Symlink(canary, p) },
			"up":                               func(p string) error { return os.Symlink("../../../../../../etc", p) },
			"line\nbroken":                     func(p string) error { return os.WriteFile(p, nil, 0o600) },
			strings.Repeat("x", unix.NAME_MAX): func(p string) error { return os.WriteFile(p, nil, 0o600) },
		} {
			path := filepath.Join(dir, name)
			if _, err := os.Lstat(path); os.IsNotExist(err) {
				_ = make(path) //nolint:errcheck // the next round tries again
			}
		}
		swap(filepath.Join(dir, "swapped"), round)
	}
}

// mounted reports whether a directory is on another file system than the one around it.
func mounted(dir string) bool {
	var here, around unix.Stat_t
	return unix.Stat(dir, &here) == nil && unix.Stat(filepath.Dir(dir), &around) == nil && here.Dev != around.Dev
}

// device makes one that everybody may write to: that of /dev/zero.
func device(path string) error {
	const major, minor = 1, 5
	return errors.Join(unix.Mknod(path, unix.S_IFCHR, major<<8|minor), unix.Chmod(path, 0o666))
}

// setuid makes a small program that runs as root whoever calls it.
func setuid(path string) error {
	b, err := os.ReadFile("/usr/bin/id")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", b, 0o700); err != nil { //nolint:gosec // below the mount that the scenario names
		return err
	}
	if err := unix.Chmod(path+".new", 0o4755); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// deep makes directories with long names within each other.
func deep(dir string, levels int) {
	at, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for range levels {
		if err != nil {
			return
		}
		name := strings.Repeat("d", 220)
		_ = unix.Mkdirat(at, name, 0o755) //nolint:errcheck // it may be there
		next, e := unix.Openat(at, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		_ = unix.Close(at) //nolint:errcheck // nothing was written
		at, err = next, e
	}
	_ = unix.Close(at) //nolint:errcheck // nothing was written
}

// swap makes a name a directory with a file and a link to the directory of the canary in turn.
func swap(path string, round int) {
	_ = os.RemoveAll(path) //nolint:errcheck // the next round tries again
	if round%2 == 0 {
		_ = os.Symlink(filepath.Dir(canary), path) //nolint:errcheck // as above
		return
	}
	if os.Mkdir(path, 0o755) == nil {
		_ = os.WriteFile(filepath.Join(path, filepath.Base(canary)), []byte("harm"), 0o644) //nolint:errcheck // as above
	}
}
