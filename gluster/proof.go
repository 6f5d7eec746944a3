package gluster

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrForeign says that what answers, or seems to be GlusterFS's, belongs to another user than root.
var ErrForeign = errors.New("it belongs to another user than root")

// Everybody may give a process any name and arguments, and listen on a socket in a directory of his own. So a process
// is GlusterFS's only when
//
//   - its user is root,
//   - the program that it runs is one of GlusterFS's, in a directory where packages and "make install" put programs,
//     and
//   - it sees the files that this program sees (its mount namespace is ours), since its arguments name files. The mounts
//     that geo-replication makes for itself are apart: gsyncd makes them where nobody else sees them.
//
// And nothing is believed that comes from a unix socket on which another user than root listens.

// evidence is what the kernel says of one process.
type evidence struct {
	uid       uint32 // the user whose rights it has
	program   string // the file that it runs; " (deleted)" follows where that was removed or replaced
	namespace string // its mount namespace
}

// home is where processes of GlusterFS are looked for.
type home struct {
	user       int      // this process's own: whoever is the same could change this very process
	namespaces []string // mount namespaces that are ours
}

// trusts reports whether a user may speak for GlusterFS: root, and this process's own, which is another one only in
// tests and where an exporter without privileges watches daemons of its own.
func (h home) trusts(uid uint32) bool { return uid == 0 || int(uid) == h.user }

// proves decides whether a process with these arguments is one of GlusterFS's.
func (h home) proves(e evidence, args []string) bool {
	apart := len(args) > 1 && OfGsyncd(args[len(args)-1])
	return h.trusts(e.uid) && installed(e.program) && (apart || slices.Contains(h.namespaces, e.namespace))
}

// installed reports whether a file is a program of GlusterFS's where programs are installed: glusterd, glusterfs and
// glusterfsd are one program with three names. A program that was replaced while its process runs, as by an upgrade of
// the package, counts as what it was: only root could have put it there.
func installed(program string) bool {
	dir, name := filepath.Split(strings.TrimSuffix(program, " (deleted)"))
	return slices.Contains([]string{"glusterd", "glusterfs", "glusterfsd"}, name) &&
		slices.Contains([]string{
			"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", "/usr/local/sbin/", "/usr/local/bin/",
		}, dir)
}

// homeOf says what is ours in a /proc: the mount namespace of this process and, for one that looks from a container or
// a sandbox of systemd's, that of the machine's first process.
func homeOf(proc string) home {
	h := home{user: os.Geteuid()}
	for _, pid := range []string{"self", "1"} {
		if ns, err := os.Readlink(filepath.Join(proc, pid, "ns/mnt")); err == nil {
			h.namespaces = append(h.namespaces, ns)
		}
	}
	return h
}

// maxArguments bounds what is read of a process's arguments, in bytes. Those of GlusterFS's have some hundred.
const maxArguments = 64 << 10

// provenArguments returns the arguments of a process that is GlusterFS's, nil where it is not, or has just ended. Where
// the kernel does not show what a process of root's runs that has GlusterFS's name, the error says so.
func provenArguments(proc string, pid int) ([]string, error) {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	var st unix.Stat_t
	user := home{user: os.Geteuid()}
	if err := unix.Stat(dir, &st); err != nil || !user.trusts(st.Uid) {
		return nil, nil //nolint:nilerr // it has just ended
	}
	// Most processes are somebody else's: the name in the arguments says so at the least cost.
	if args := arguments(dir); args == nil {
		return nil, nil
	}
	// From here all is asked of one and the same process, also where its identifier is given to another one meanwhile.
	task, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0) //nolint:gosec // the kernel's own files
	if err != nil {
		return nil, nil //nolint:nilerr // see above
	}
	defer task.Close() //nolint:errcheck // nothing was written through it
	pinned := fmt.Sprintf("/proc/self/fd/%d", task.Fd())
	if err := unix.Fstat(int(task.Fd()), &st); err != nil { //nolint:gosec // descriptors are small
		return nil, nil //nolint:nilerr // see above
	}
	e := evidence{uid: st.Uid}
	if e.program, err = os.Readlink(pinned + "/exe"); err == nil {
		e.namespace, err = os.Readlink(pinned + "/ns/mnt")
	}
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return nil, &Error{
			Op: "find processes", Object: dir, Err: err,
			Text: "cannot tell whether it is GlusterFS's: what a process runs is shown to root with CAP_SYS_PTRACE; " +
				"give this program that capability",
		}
	case err != nil:
		return nil, nil //nolint:nilerr // see above
	}
	args := arguments(pinned)
	if !homeOf(proc).proves(e, args) {
		return nil, nil
	}
	return args, nil
}

// arguments are those of the process whose directory of /proc it is given, nil where they do not begin with one of
// GlusterFS's names.
func arguments(dir string) []string {
	f, err := os.Open(filepath.Join(dir, "cmdline")) //nolint:gosec // the kernel's own files
	if err != nil {
		return nil // it has just ended, or /proc hides those of others
	}
	defer f.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(io.LimitReader(f, maxArguments))
	if err != nil {
		return nil
	}
	return parseArguments(b)
}

// parseArguments reads a file cmdline of /proc; nil where the process does not bear one of GlusterFS's names.
func parseArguments(line []byte) []string {
	args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	switch filepath.Base(args[0]) {
	case "glusterd", "glusterfs", "glusterfsd":
		return args
	default:
		return nil
	}
}

// provePeer looks who listens at the other end of a unix socket, as the kernel noted it (SO_PEERCRED, unix(7)).
// It returns that process's identifier, 0 for one that is no neighbour.
func provePeer(conn net.Conn) (pid int, err error) {
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, nil // another machine's, or a port's: nobody can prove whose without TLS
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *unix.Ucred
	var perr error
	if err := raw.Control(func(fd uintptr) {
		peer, perr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) //nolint:gosec // descriptors are small
	}); err != nil {
		return 0, err
	}
	if perr != nil {
		return 0, perr
	}
	if user := (home{user: os.Geteuid()}); !user.trusts(peer.Uid) {
		return 0, fmt.Errorf("%s: %w: user %d, process %d listens there", unixConn.RemoteAddr(), ErrForeign, peer.Uid, peer.Pid)
	}
	return int(peer.Pid), nil
}
