package gluster

import (
	"os"
	"path/filepath"
	"slices"
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

// MountProcess is a process of this node that mounts a volume through FUSE.
type MountProcess struct {
	// PID is its identifier.
	PID int
	// Path is where the volume is mounted.
	Path string
	// Volfile is the volume, with a slash in front of it (--volfile-id).
	Volfile string
	// AutoInvalidation says whether the kernel drops what it keeps of a file
	// when its times or size change (--auto-invalidation). Without it a read
	// may return what another client has overwritten since.
	AutoInvalidation bool
}

// OfGsyncd reports whether geo-replication made the mount for itself (aux mounts of syncdaemon/resource.py, 10.3): each start of a worker makes one
// at another path.
func (p MountProcess) OfGsyncd() bool { return OfGsyncd(p.Path) }

// OfGsyncd reports whether a mount point is one of geo-replication's own: see MountProcess.OfGsyncd.
func OfGsyncd(mountpoint string) bool {
	return strings.HasPrefix(filepath.Base(mountpoint), "gsyncd-aux-mount-")
}

// Processes are those of GlusterFS on a node, in the order of their identifiers.
type Processes struct {
	Glusterd []int // their identifiers
	Bricks   []BrickProcess
	SelfHeal []SelfHealProcess
	Mounts   []MountProcess
}

// ListProcesses finds the processes of a node. proc is where its /proc is found. Processes that end meanwhile are left
// out, and those that only pose as GlusterFS's: one is GlusterFS's when its user is root, it runs an installed program
// of GlusterFS's and is in our mount namespace. Where that cannot be told of one, as without CAP_SYS_PTRACE, the others
// are returned with an error.
func ListProcesses(proc string) (Processes, error) {
	var p Processes
	pids, err := ProcessIDs(proc)
	for _, pid := range pids {
		if _, doubt := p.Add(proc, pid); err == nil {
			err = doubt // the first is enough: the others lack the same
		}
	}
	return p, err
}

// BrickProcesses finds those of a node that serve bricks: see ListProcesses.
func BrickProcesses(proc string) ([]BrickProcess, error) {
	p, err := ListProcesses(proc)
	return p.Bricks, err
}

// ServingBrick finds the processes of a node that serve the brick at path: those that were started for it, and with brick multiplexing
// those that serve it besides, whose arguments do not name it. A brick keeps its own directory open for as long as it is served
// (mount_lock, xlators/storage/posix/src/posix-common.c, 3.12 to 11). Reading what other processes have open needs root.
func ServingBrick(proc, path string) ([]BrickProcess, error) {
	all, err := BrickProcesses(proc)
	if err != nil {
		return nil, err // whoever asks must not take it for offline
	}
	return slices.DeleteFunc(all, func(p BrickProcess) bool { return p.Path != path && !p.opened(proc, path) }), nil
}

// opened reports whether the process has a directory open, or GlusterFS's own directory in it.
func (p BrickProcess) opened(proc, path string) bool {
	fds := filepath.Join(proc, strconv.Itoa(p.PID), "fd")
	d, err := os.Open(fds) //nolint:gosec // the kernel's own files
	if err != nil {
		return false // it has just ended
	}
	defer d.Close() //nolint:errcheck // read only
	names, err := d.Readdirnames(-1)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(names, func(fd string) bool {
		file, err := os.Readlink(filepath.Join(fds, fd))
		return err == nil && (file == path || strings.HasPrefix(file, path+"/.glusterfs/"))
	})
}

// SelfHealProcesses finds the self-heal daemons of a node: see ListProcesses.
func SelfHealProcesses(proc string) ([]SelfHealProcess, error) {
	p, err := ListProcesses(proc)
	return p.SelfHeal, err
}

// MountProcesses finds the FUSE clients of a node: see ListProcesses.
func MountProcesses(proc string) ([]MountProcess, error) {
	p, err := ListProcesses(proc)
	return p.Mounts, err
}

// ProcessIDs lists all processes of a node, in order.
func ProcessIDs(proc string) ([]int, error) {
	d, err := os.Open(proc) //nolint:gosec // the kernel's own files
	if err != nil {
		return nil, &Error{Op: "find processes", Object: proc, Err: err}
	}
	defer d.Close() //nolint:errcheck // read only
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, &Error{Op: "find processes", Object: proc, Err: err}
	}
	var pids []int
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// Add looks at one process and adds it where it is one of GlusterFS's, which it reports; where that cannot be told
// there is an error. See ListProcesses.
func (p *Processes) Add(proc string, pid int) (ours bool, err error) {
	args, err := provenArguments(proc, pid)
	if err != nil || args == nil {
		return false, err
	}
	return p.add(pid, args), nil
}

// add sorts a process by its arguments.
func (p *Processes) add(pid int, args []string) bool {
	switch filepath.Base(args[0]) {
	case "glusterd":
		p.Glusterd = append(p.Glusterd, pid)
		return true
	case "glusterfsd":
		return p.addBrick(pid, args)
	default:
		return p.addSelfHeal(pid, args) || p.addMount(pid, args)
	}
}

func (p *Processes) addBrick(pid int, args []string) bool {
	b := BrickProcess{
		PID: pid, Path: argument(args, "--brick-name"),
		Volfile: argument(args, "--volfile-id"), Socket: argument(args, "-S"),
	}
	if b.Path == "" || b.Socket == "" {
		return false
	}
	b.Port, _ = strconv.Atoi(argument(args, "--brick-port")) //nolint:errcheck // 0 where it is missing
	p.Bricks = append(p.Bricks, b)
	return true
}

func (p *Processes) addSelfHeal(pid int, args []string) bool {
	volfile, socket := argument(args, "--volfile-id"), argument(args, "-S")
	if socket == "" || !strings.HasPrefix(volfile, "shd/") && volfile != "gluster/glustershd" {
		return false
	}
	p.SelfHeal = append(p.SelfHeal, SelfHealProcess{PID: pid, Volfile: volfile, Socket: socket})
	return true
}

func (p *Processes) addMount(pid int, args []string) bool {
	if len(args) < 3 {
		return false
	}
	// The mount point is the only argument without a flag: behind a short flag, or
	// the long one that has its value apart, stands that flag's value.
	path, before := args[len(args)-1], args[len(args)-2]
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(before, "-") && !strings.Contains(before, "=") {
		return false
	}
	p.Mounts = append(p.Mounts, MountProcess{
		PID: pid, Path: path, Volfile: argument(args, "--volfile-id"), AutoInvalidation: isTrue(argument(args, "--auto-invalidation")),
	})
	return true
}

// isTrue reports whether GlusterFS reads a value as true (gf_string2boolean,
// libglusterfs/src/common-utils.c).
func isTrue(value string) bool {
	return slices.Contains([]string{"1", "on", "yes", "true", "enable"}, strings.ToLower(value))
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
