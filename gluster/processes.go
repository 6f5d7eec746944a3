package gluster

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// BrickProcess is a process of this node that serves a brick.
type BrickProcess struct {
	// PID is its identifier.
	PID int
	// Path is the brick's directory (--brick-name). With brick multiplexing the process serves more, which its arguments do not name.
	Path string
	// Volfile identifies the brick's configuration, VOLUME.HOST.PATH (--volfile-id).
	Volfile string
	// Socket is the unix socket on which the process answers glusterd (-S).
	Socket string
	// Port is the TCP port (--brick-port), 0 where the process chooses it itself.
	Port int
}

// SelfHealProcess is a self-heal daemon of this node.
type SelfHealProcess struct {
	// PID is its identifier.
	PID int
	// Volfile identifies its configuration: shd/VOLUME since GlusterFS 7, gluster/glustershd before
	// (--volfile-id).
	Volfile string
	// Socket is the unix socket on which the daemon answers glusterd (-S).
	Socket string
}

// BrickProcesses finds the bricks' processes of a node. proc is where its /proc is found.
// Processes that end meanwhile are left out.
func BrickProcesses(proc string) ([]BrickProcess, error) {
	var found []BrickProcess
	err := eachCommandLine(proc, func(pid int, args []string) {
		if filepath.Base(args[0]) != "glusterfsd" {
			return
		}
		b := BrickProcess{
			PID: pid, Path: argument(args, "--brick-name"),
			Volfile: argument(args, "--volfile-id"), Socket: argument(args, "-S"),
		}
		if b.Path == "" || b.Socket == "" {
			return
		}
		b.Port, _ = strconv.Atoi(argument(args, "--brick-port")) //nolint:errcheck // 0 where it is missing
		found = append(found, b)
	})
	return found, err
}

// SelfHealProcesses finds the self-heal daemons of a node. proc is where its /proc is found.
func SelfHealProcesses(proc string) ([]SelfHealProcess, error) {
	var found []SelfHealProcess
	err := eachCommandLine(proc, func(pid int, args []string) {
		volfile := argument(args, "--volfile-id")
		if filepath.Base(args[0]) != "glusterfs" || !strings.HasPrefix(volfile, "shd/") && volfile != "gluster/glustershd" {
			return
		}
		if socket := argument(args, "-S"); socket != "" {
			found = append(found, SelfHealProcess{PID: pid, Volfile: volfile, Socket: socket})
		}
	})
	return found, err
}

// eachCommandLine calls do with the arguments of every process that has any.
func eachCommandLine(proc string, do func(pid int, args []string)) error {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return &Error{Op: "find processes", Object: proc, Err: err}
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		b, err := os.ReadFile(filepath.Join(proc, e.Name(), "cmdline")) //nolint:gosec // below proc
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0 {
			continue
		}
		if err != nil {
			// ESRCH of a process that has just ended, EACCES where /proc hides those of others.
			continue
		}
		do(pid, strings.Split(string(bytes.TrimSuffix(b, []byte{0})), "\x00"))
	}
	return nil
}

// argument returns the value behind a flag, or "".
func argument(args []string, flag string) string {
	for i, a := range args {
		if a == flag && i+1 < len(args) {
			return args[i+1]
		}
		if value, ok := strings.CutPrefix(a, flag+"="); ok && strings.HasPrefix(flag, "--") {
			return value
		}
	}
	return ""
}
