// Package node asks this machine for what collectors need: its glusterd, the sockets of its bricks and self-heal daemons, its processes,
// and the file systems below bricks and mounts. It takes no cluster lock and starts no program.
//
// A Node lives as long as the exporter and keeps connections and what rarely changes. A Scrape lives for one scrape: collectors share
// it, and each question is asked once in it.
package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"brickyard/gluster"
)

// Config says where things are. The zero value of a field is the usual place.
type Config struct {
	Socket  string // glusterd's unix socket
	Workdir string // glusterd's working directory
	Rundir  string // where glusterd keeps the files with identifiers of processes
	Proc    string // where /proc is found
}

// Node is this machine.
type Node struct {
	cfg      Config
	Glusterd *gluster.Client
	Store    gluster.Store

	volumes   volumeCache
	processes processCache

	mu      sync.Mutex
	clients map[string]*gluster.BrickClient // by socket
	guards  map[string]*guard
	indices map[string]*gluster.HealIndex
	runs    map[int]string                     // version by process
	healers map[string]gluster.SelfHealProcess // that served last, by volume
}

// New returns a Node. It connects to nothing.
func New(cfg Config) *Node {
	or := func(value *string, usual string) {
		if *value == "" {
			*value = usual
		}
	}
	or(&cfg.Socket, gluster.DefaultSocket)
	or(&cfg.Workdir, gluster.DefaultWorkdir)
	or(&cfg.Rundir, "/var/run/gluster")
	or(&cfg.Proc, "/proc")
	return &Node{
		cfg: cfg, Glusterd: gluster.NewClient("unix", cfg.Socket), Store: gluster.Store{Dir: cfg.Workdir},
		clients: map[string]*gluster.BrickClient{}, guards: map[string]*guard{}, indices: map[string]*gluster.HealIndex{}, runs: map[int]string{}, healers: map[string]gluster.SelfHealProcess{},
	}
}

// Proc is where /proc is found.
func (n *Node) Proc() string { return n.cfg.Proc }

// Close ends all connections.
func (n *Node) Close() error {
	errs := []error{n.Glusterd.Close()}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.clients {
		errs = append(errs, c.Close())
	}
	clear(n.clients)
	return errors.Join(errs...)
}

// Client returns a client of the process that listens on a unix socket. It is kept until the socket is forgotten.
func (n *Node) Client(socket string) *gluster.BrickClient {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.clients[socket]
	if c == nil {
		c = gluster.NewBrickClient(socket)
		n.clients[socket] = c
	}
	return c
}

// forget closes the connections to sockets on which no process of the list listens, and drops what is known of processes that ended.
func (n *Node) forget(p Processes) {
	alive, pids := map[string]bool{}, map[int]bool{}
	for _, b := range p.Bricks {
		alive[b.Socket], pids[b.PID] = true, true
	}
	for _, d := range p.SelfHeal {
		alive[d.Socket], pids[d.PID] = true, true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for socket, c := range n.clients {
		if !alive[socket] {
			delete(n.clients, socket)
			go c.Close() //nolint:errcheck // waits for a call under way; the connection is only read from
		}
	}
	for pid := range n.runs {
		if !pids[pid] {
			delete(n.runs, pid)
		}
	}
	for volume, d := range n.healers {
		if !pids[d.PID] {
			delete(n.healers, volume)
		}
	}
}

// Version returns the version of GlusterFS that a process runs, "" where that cannot be told.
func (n *Node) Version(pid int) string {
	n.mu.Lock()
	v, known := n.runs[pid]
	n.mu.Unlock()
	if known {
		return v
	}
	v, err := gluster.ProcessVersion(n.cfg.Proc, pid)
	if err != nil {
		return "" // asked again: it may just be starting
	}
	n.mu.Lock()
	n.runs[pid] = v
	n.mu.Unlock()
	return v
}

// Server reports whether this machine is, or was, a node of a trusted pool: glusterd has run here and given it an identity.
func (n *Node) Server() (uuid string, opVersion int, server bool, err error) {
	uuid, opVersion, err = n.Store.Node()
	if errors.Is(err, fs.ErrNotExist) {
		return "", 0, false, nil
	}
	return uuid, opVersion, err == nil, err
}

var errElsewhere = errors.New("glusterd answers, and does not keep its store there: name its working directory with --path.workdir (option working-directory in /etc/glusterfs/glusterd.vol)")

// Elsewhere is an error where the glusterd that answers is not the one whose store this is, with the identity in that: most of what
// is exported would be missing, and nothing would say so.
func (s *Scrape) Elsewhere(uuid string) error {
	answered, err := s.Glusterd.UUID(s.ctx)
	if err != nil || answered == uuid {
		return nil //nolint:nilerr // gluster_up says so
	}
	return fmt.Errorf("%s: %w", s.Store.Dir, errElsewhere)
}

// pidFile is where glusterd keeps the identifier of the process that serves a brick (GLUSTERD_GET_BRICK_PIDFILE,
// xlators/mgmt/glusterd/src/glusterd-utils.h, 10.3).
func (n *Node) pidFile(volume string, b gluster.Brick) string {
	return filepath.Join(n.cfg.Rundir, "vols", volume, b.Host+dashed(b.Path)+".pid")
}

// Scrape begins a scrape, which ends with the context.
func (n *Node) Scrape(ctx context.Context) *Scrape { return &Scrape{Node: n, ctx: ctx} }
