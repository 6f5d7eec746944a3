// Package lab runs a GlusterFS cluster on one machine for tests: every node has its own
// mount, PID, network, UTS and IPC namespaces, and a bridge in a network namespace of
// the lab's own connects them.
//
// A node sees the machine's programs and none of its state: its root is an overlay
// whose changes live in memory, /run is empty, /etc/hosts is the lab's, /etc/fstab is
// empty, and /var/lib/glusterd and /var/log/glusterfs are empty but for the package's
// hooks. /bricks is a tmpfs of its own, since GlusterFS refuses bricks on a root file system. Geo-replication is hidden: see Options. A program that configures a machine can therefore run in a node as it is and
// change /etc, /var and any directory; there is no systemd. The directory for temporary files and
// the module's directory are the machine's own: the first for exchange with the test,
// the second, and that of the test's own program, for the programs under test.
//
// Everything ends with the test process, also when it is killed: the namespaces live
// as long as a first process in each, which waits for the end of a pipe that the test
// holds. Labs share nothing, so packages can be tested in parallel.
package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"brickyard/gluster"
)

// Options says what Start starts.
type Options struct {
	// Nodes is the number of nodes that run glusterd. Zero means three.
	Nodes int
	// Clients is the number of nodes without glusterd, numbered after the others.
	Clients int
	// Names are the nodes' host names; those missing are n1, n2, ...
	Names []string
	// IPv6 makes glusterd listen and the names resolve to IPv6 only. Without it every node
	// has an IPv6 address as well, which no name resolves to.
	IPv6 bool
	// EmptyHosts leaves the nodes' names out of /etc/hosts.
	EmptyHosts bool
	// Stopped leaves glusterd unstarted on all nodes.
	Stopped bool
	// GeoReplication leaves GlusterFS's gsyncd in place, as packages install it. Without it, which is the default,
	// glusterd starts and each gluster command ends several times faster.
	GeoReplication bool
	// Root is a directory with another root file system to run instead of the machine's, such as that of a Debian release
	// with another GlusterFS. Default is the environment's LAB_ROOT; "" is the machine's own.
	Root string
	// Size bounds what one node may write, in the form of tmpfs's size option. Default 2g.
	Size string
}

// startTimeout bounds every step of starting a lab, on a machine that does many other things, too.
const startTimeout = Patience

// callTimeout bounds what a node's glusterd is asked without a deadline.
const callTimeout = Patience

// Lab is a running cluster. The pool is not formed: see Pool.
type Lab struct {
	t       testing.TB
	options Options
	link    *holder // the network namespace of the bridge
	nodes   []*Node
	usage   usage
}

// Start starts the nodes and returns when every glusterd answers. It fails the test
// where it is not root or a program is missing, naming the Debian package.
// Everything is removed at the end of the test.
func Start(t testing.TB, options Options) *Lab {
	t.Helper()
	if options.Nodes == 0 {
		options.Nodes = 3
	}
	if options.Size == "" {
		options.Size = "2g"
	}
	if options.Root == "" {
		options.Root = cmp.Or(os.Getenv("LAB_ROOT"), "/")
	}
	need(t, options.Root)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()

	shared, err := SharedDirectories()
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	georep := "hide"
	if options.GeoReplication {
		georep = "keep"
	}
	l := &Lab{t: t, options: options}
	t.Cleanup(l.tell) // the last of all
	const own = syscall.CLONE_NEWPID | syscall.CLONE_NEWNET
	l.link = hold(t, switchScript, own)
	for i := range options.Nodes + options.Clients {
		n := &Node{lab: l, index: i, Name: fmt.Sprintf("n%d", i+1)}
		if i < len(options.Names) {
			n.Name = options.Names[i]
		}
		n.IPv4, n.IPv6 = fmt.Sprintf("10.77.0.%d", i+11), fmt.Sprintf("fd77::%d", i+11)
		n.Address = n.IPv4
		if options.IPv6 {
			n.Address = n.IPv6
		}
		n.holder = hold(t, nodeScript, own|syscall.CLONE_NEWNS|syscall.CLONE_NEWUTS|syscall.CLONE_NEWIPC,
			append([]string{n.Name, options.Size, georep, options.Root}, shared...)...)
		l.usage.add(n.holder.cmd)
		l.nodes = append(l.nodes, n)
	}
	if err := l.link.ready(); err != nil {
		t.Fatalf("lab: bridge: %v", err)
	}
	if err := l.each(func(n *Node) error { return n.prepare(ctx) }); err != nil {
		t.Fatalf("lab: %v", err)
	}
	t.Cleanup(l.explain)
	if options.Stopped {
		return l
	}
	if err := l.each(func(n *Node) error {
		if n.index >= options.Nodes {
			return nil
		}
		return n.startGlusterd(ctx)
	}); err != nil {
		t.Fatalf("lab: %v", err)
	}
	return l
}

// Node returns a node, counted from 0.
func (l *Lab) Node(i int) *Node { return l.nodes[i] }

// Nodes returns all nodes, those without glusterd last.
func (l *Lab) Nodes() []*Node { return l.nodes }

// Pool joins all nodes with glusterd into one trusted pool in which every node knows every other
// by its name, and returns when all are connected.
func (l *Lab) Pool() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	servers := l.nodes[:l.options.Nodes]
	for _, n := range servers[1:] {
		servers[0].Gluster("peer", "probe", n.peerName())
	}
	// A probe from the other side replaces the address under which the first node is known.
	if len(servers) > 1 {
		servers[1].Gluster("peer", "probe", servers[0].peerName())
	}
	for _, n := range servers {
		if err := n.waitForPeers(ctx, len(servers)); err != nil {
			l.t.Fatalf("lab: %v", err)
		}
	}
}

// each calls do for all nodes at once and returns the errors, with the nodes' names.
func (l *Lab) each(do func(*Node) error) error {
	errs := make([]error, len(l.nodes))
	var wg sync.WaitGroup
	for i, n := range l.nodes {
		wg.Go(func() {
			if err := do(n); err != nil {
				errs[i] = fmt.Errorf("%s: %w", n.Name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// explain logs the ends of the glusterds' logs where the test failed.
func (l *Lab) explain() {
	if !l.t.Failed() {
		return
	}
	for _, n := range l.nodes[:l.options.Nodes] {
		l.t.Logf("%s: the end of glusterd.log:\n%s", n.Name, n.tail("/var/log/glusterfs/glusterd.log"))
	}
}

// hosts is the /etc/hosts of every node.
func (l *Lab) hosts() string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	if l.options.EmptyHosts {
		return b.String()
	}
	for _, n := range l.nodes {
		fmt.Fprintf(&b, "%s\t%s\n", n.Address, n.Name)
	}
	return b.String()
}

// need fails the test where the machine lacks something.
func need(t testing.TB, root string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("lab: namespaces and mounts need root")
	}
	programs := [][2]string{
		{"bash", "bash"},
		{"ip", "iproute2"},
		{"mount", "mount"},
		{"nsenter", "util-linux"},
		{"setpriv", "util-linux"},
		{"pivot_root", "util-linux"},
	}
	if root == "/" {
		programs = append(programs, [2]string{"glusterd", "glusterfs-server"}, [2]string{"gluster", "glusterfs-cli"})
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p[0]); err != nil {
			t.Fatalf("lab: %s is missing: install the package %s", p[0], p[1])
		}
	}
}

// SharedDirectories are the machine's directories that the nodes see as they are: the one for
// temporary files, that of the test's own program and the module's.
func SharedDirectories() ([]string, error) {
	tmp, err := filepath.EvalSymlinks(os.TempDir())
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	shared := []string{tmp, filepath.Dir(program)}
	wd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return append(shared, dir), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if dir == filepath.Dir(dir) {
			return shared, nil
		}
	}
}

// client is where a node's glusterd is reached from the test.
func client(n *Node) *gluster.Client {
	c := gluster.NewClient("unix", n.Path(gluster.DefaultSocket))
	c.Root, c.Timeout = n.Dir(), callTimeout
	return c
}
