package gluster

import (
	"path/filepath"
	"strings"
)

// MountProcess is a process of this node that mounts a volume through FUSE.
type MountProcess struct {
	// PID is its identifier.
	PID int
	// Path is where the volume is mounted.
	Path string
	// Volfile is the volume, with a slash in front of it (--volfile-id).
	Volfile string
}

// MountProcesses finds the FUSE clients of a node. proc is where its /proc is found.
func MountProcesses(proc string) ([]MountProcess, error) {
	var found []MountProcess
	err := eachCommandLine(proc, func(pid int, args []string) {
		if filepath.Base(args[0]) != "glusterfs" || len(args) < 3 {
			return
		}
		// The mount point is the only argument without a flag: behind a short flag, or
		// the long one that has its value apart, stands that flag's value.
		path, before := args[len(args)-1], args[len(args)-2]
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(before, "-") && !strings.Contains(before, "=") {
			return
		}
		found = append(found, MountProcess{PID: pid, Path: path, Volfile: argument(args, "--volfile-id")})
	})
	return found, err
}
