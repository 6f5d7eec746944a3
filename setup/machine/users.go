package machine

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
)

// User is a process that uses a mount, which therefore cannot be unmounted.
type User struct {
	PID     int
	Command string // its short name
	How     string // "has a file open there"
	Group   string // the control groups that it is in, as /proc has them
}

// String names the process and what it does.
func (u User) String() string { return fmt.Sprintf("process %d (%s) %s", u.PID, u.Command, u.How) }

// Users finds the processes that use a mount of this machine, those in other mount namespaces too, by the tables in proc, "/proc"
// on a real machine. It never asks the file system, which may hang.
func Users(proc string, m *mountinfo.Info) ([]User, error) {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil, fmt.Errorf("list the processes: %w", err)
	}
	points := map[string][]string{} // where each mount namespace has the file system
	if own, err := os.Readlink(filepath.Join(proc, "self/ns/mnt")); err == nil {
		points[own] = []string{m.Mountpoint}
	}
	var users []User
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// Processes end while they are looked at, and threads of the kernel tell nothing: what cannot be read is not used.
		dir := filepath.Join(proc, e.Name())
		space, err := os.Readlink(filepath.Join(dir, "ns/mnt"))
		if err != nil {
			continue
		}
		at, known := points[space]
		if !known {
			at = pointsOf(filepath.Join(dir, "mountinfo"), m)
			points[space] = at
		}
		if how := uses(dir, at); how != "" {
			name, _ := os.ReadFile(filepath.Join(dir, "comm"))    //nolint:errcheck,gosec // it may have ended
			group, _ := os.ReadFile(filepath.Join(dir, "cgroup")) //nolint:errcheck,gosec // it may have ended
			users = append(users, User{PID: pid, Command: strings.TrimSpace(string(name)), How: how, Group: string(group)})
		}
	}
	slices.SortFunc(users, func(a, b User) int { return a.PID - b.PID })
	return users, nil
}

// pointsOf is where the mount table of a process has the file system of a mount.
func pointsOf(table string, m *mountinfo.Info) []string {
	f, err := os.Open(table) //nolint:gosec // below /proc
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // read only
	all, err := mountinfo.GetMountsFromReader(f, nil)
	if err != nil {
		return nil
	}
	var at []string
	for _, o := range all {
		if o.Major == m.Major && o.Minor == m.Minor {
			at = append(at, o.Mountpoint)
		}
	}
	return at
}

// uses says how a process uses what is mounted on one of the places, "" where it does not.
func uses(dir string, places []string) string {
	if len(places) == 0 {
		return ""
	}
	within := func(link string) bool {
		to, err := os.Readlink(link)
		return err == nil && slices.ContainsFunc(places, func(p string) bool { return below(to, p) })
	}
	for _, l := range []struct{ name, how string }{
		{"cwd", "has its working directory there"}, {"root", "has its root directory there"}, {"exe", "runs a program from there"},
	} {
		if within(filepath.Join(dir, l.name)) {
			return l.how
		}
	}
	open, _ := os.ReadDir(filepath.Join(dir, "fd")) //nolint:errcheck // it may have ended
	for _, fd := range open {
		if within(filepath.Join(dir, "fd", fd.Name())) {
			return "has a file open there"
		}
	}
	maps, err := os.Open(filepath.Join(dir, "maps")) //nolint:gosec // below /proc
	if err != nil {
		return ""
	}
	defer maps.Close() //nolint:errcheck // read only
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		if _, path, ok := strings.Cut(lines.Text(), " /"); ok && slices.ContainsFunc(places, func(p string) bool { return below("/"+path, p) }) {
			return "has a file of it in its memory"
		}
	}
	return ""
}

// below reports whether a path as /proc shows it is that of a directory or of something in it.
func below(path, dir string) bool {
	path = strings.TrimSuffix(path, " (deleted)")
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
