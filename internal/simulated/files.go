package simulated

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// Identifiers of processes: glusterd, the self-heal daemon, a mount; bricks; and others.
const (
	glusterdPID = 1000
	selfHealPID = 1001
	mountPID    = 1002
	firstPID    = 2000
	firstOther  = 100000
	sharedFDs   = 40 // descriptors of every process
)

// mountNamespace is that of the exporter and of all processes.
const mountNamespace = "mnt:[4026531840]"

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644) //nolint:gosec // below a directory of our own
}

// replace replaces the value of a line key=value.
func replace(text, key, value string) string {
	return regexp.MustCompile("(?m)^"+regexp.QuoteMeta(key)+"=.*$").ReplaceAllLiteralString(text, key+"="+value)
}

// writeNode writes what does not depend on volumes.
func (c *Cluster) writeNode() error {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return err
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	at := c.path("client")
	mount := fmt.Sprintf("9999 1 0:99 / %s rw,relatime shared:1 - fuse.glusterfs n1:/volume0000 rw,user_id=0,group_id=0\n", at)
	errs := []error{
		os.MkdirAll(c.path("run"), 0o755), os.MkdirAll(c.path("tls"), 0o755),
		write(c.path("workdir", "glusterd.info"), replace(c.recorded.node, "UUID", c.peers[0].uuid)),
		write(c.path("proc", "stat"), string(stat)),
		write(c.path("proc", "self", "mountinfo"), string(table)+mount),
		os.Mkdir(c.path("proc", "self", "ns"), 0o755), //nolint:gosec // as in /proc
		os.Symlink(mountNamespace, c.path("proc", "self", "ns", "mnt")),
		write(c.path("fstab"), "n1:/volume0000 "+at+" glusterfs defaults,_netdev 0 0\n"),
		write(c.path("shared", "maps"), c.recorded.maps), write(c.path("shared", "limits"), c.recorded.limits),
	}
	for i := range sharedFDs {
		errs = append(errs, write(c.path("shared", "fd", strconv.Itoa(i)), ""))
	}
	errs = append(
		errs,
		c.writeProcess(glusterdPID, "glusterd", []string{"/usr/sbin/glusterd", "-p", "/var/run/glusterd.pid", "--log-level", "INFO"}),
		c.writeProcess(selfHealPID, "glusterfs", []string{
			"/usr/sbin/glusterfs", "-s", "localhost", "--volfile-id", "shd/volume0000", "-S", c.SelfHeal.Socket, "--process-name", "glustershd", "--client-pid=-6",
		}),
		c.writeProcess(mountPID, "glusterfs", []string{"/usr/sbin/glusterfs", "--process-name", "fuse", "--volfile-server=n1", "--volfile-id=/volume0000", at}),
	)
	for i := range c.size.Others {
		errs = append(errs, write(c.path("proc", strconv.Itoa(firstOther+i), "cmdline"), "/usr/lib/systemd/systemd-something\x00--of\x00others\x00"))
	}
	return errors.Join(errs...)
}

// brickArguments are those that glusterd starts a brick with.
func (c *Cluster) brickArguments(b *brick) []string {
	name := strings.ReplaceAll(strings.TrimPrefix(b.path, "/"), "/", "-")
	return []string{
		"/usr/sbin/glusterfsd", "-s", b.peer.name, "--volfile-id", b.volume.name + "." + b.peer.name + "." + name,
		"-p", fmt.Sprintf("/var/run/gluster/vols/%s/%s-%s.pid", b.volume.name, b.peer.name, name), "-S", b.daemon.Socket, "--brick-name", b.path,
		"-l", "/var/log/glusterfs/bricks/" + name + ".log", "--xlator-option", "*-posix.glusterd-uuid=" + b.peer.uuid, "--process-name", "brick",
		"--brick-port", strconv.Itoa(40000 + b.pid), "--xlator-option", fmt.Sprintf("%s-server.listen-port=%d", b.volume.name, 40000+b.pid),
	}
}

// writeProcess writes what /proc has of a process. What is the same for all is one file, or one directory.
func (c *Cluster) writeProcess(pid int, name string, args []string) error {
	final := c.path("proc", strconv.Itoa(pid))
	dir := c.path("shared", strconv.Itoa(pid))
	_, rest, _ := strings.Cut(c.recorded.stat, ") ")
	return errors.Join(
		write(filepath.Join(dir, "cmdline"), strings.Join(args, "\x00")+"\x00"),
		os.Symlink("/usr/sbin/glusterfsd", filepath.Join(dir, "exe")),
		os.Mkdir(filepath.Join(dir, "ns"), 0o755), //nolint:gosec // as in /proc
		os.Symlink(mountNamespace, filepath.Join(dir, "ns", "mnt")),
		write(filepath.Join(dir, "stat"), fmt.Sprintf("%d (%s) %s", pid, name, rest)),
		os.Link(c.path("shared", "maps"), filepath.Join(dir, "maps")),
		os.Link(c.path("shared", "limits"), filepath.Join(dir, "limits")),
		os.Symlink(c.path("shared", "fd"), filepath.Join(dir, "fd")),
		os.Rename(dir, final), // a process is there at once
	)
}

func (c *Cluster) removeProcess(pid int) error {
	gone := c.path("shared", strconv.Itoa(pid))
	if err := os.Rename(c.path("proc", strconv.Itoa(pid)), gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

// writeVolume writes glusterd's files of a volume.
func (c *Cluster) writeVolume(v *volume) error {
	info := replace(c.recorded.info, "volume-id", v.id)
	for i, b := range v.bricks {
		info = replace(info, fmt.Sprintf("brick-%d", i), b.peer.name+":"+strings.ReplaceAll(b.path, "/", "-"))
	}
	v.stored = info
	dir := c.path("workdir", "vols", v.name)
	return errors.Join(
		write(filepath.Join(dir, "info"), info),
		write(filepath.Join(dir, "cksum"), fmt.Sprintf("info=%d\n", 1000000000+v.number)),
		write(filepath.Join(dir, "node_state.info"), c.recorded.nodeState),
	)
}

// waiting is how many entries wait to be healed on every brick.
const waiting = 3

// writeBrick makes a brick's directory, with its volume's identity where the user and the file system allow that, and an index.
func (c *Cluster) writeBrick(b *brick) error {
	id, err := uuid.Parse(b.volume.id)
	if err != nil {
		return err
	}
	errs := []error{os.MkdirAll(b.path, 0o755)}
	if err := unix.Setxattr(b.path, "trusted.glusterfs.volume-id", id[:], 0); err != nil && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOTSUP) {
		errs = append(errs, err)
	}
	for kind, entries := range map[string]int{"xattrop": waiting, "dirty": 0, "entry-changes": 0} {
		dir := filepath.Join(b.path, ".glusterfs", "indices", kind)
		base := filepath.Join(dir, kind+"-"+b.volume.id)
		errs = append(errs, write(base, ""))
		for i := range entries {
			errs = append(errs, os.Link(base, filepath.Join(dir, fmt.Sprintf("00000000-0000-4000-a000-%012x", i))))
		}
	}
	return errors.Join(errs...)
}
