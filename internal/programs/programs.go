// Package programs finds programs as an administrator's shell does, whatever PATH says: cron, and some
// configuration management, leave the directories for administrators out of it.
package programs

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// directories are where distributions install programs.
func directories() []string {
	return []string{"/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"}
}

// Find looks for a program in the system's directories below root. It returns "" when the program is not installed.
func Find(root, name string) string {
	for _, dir := range directories() {
		path := filepath.Join(root, dir, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// Look returns what to start for a program's name: the name itself where PATH has it or where it is a path, else where the
// system has it. It returns "" when the program is not installed.
func Look(name string) string {
	if _, err := exec.LookPath(name); err == nil || filepath.Base(name) != name {
		return name
	}
	return Find("/", name)
}

// Path is the environment's PATH with the system's directories behind it, for programs that look for others.
func Path() string {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, d := range directories() {
		if !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	return strings.Join(dirs, ":")
}
