// Package simulated is one node of a trusted pool of any size without GlusterFS: glusterd, bricks and a self-heal daemon behind unix sockets that
// answer what a real node answered, grown to that size, and the files that such a node has. For tests and benchmarks.
package simulated

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"brickyard/gluster/dict"
	"brickyard/gluster/rpc"
	"brickyard/gluster/xdr"
)

// Size is that of the pool. All volumes have six bricks in two sets of three, as the recorded one.
type Size struct {
	Volumes, Peers int
	// LocalBricks is how many bricks are of this node; 0 means its share.
	LocalBricks int
	// Clients is how many are connected to each brick; 0 means as recorded.
	Clients int
	// Others is how many processes the machine has that are not of GlusterFS.
	Others int
}

// Crawls is how many crawls of each brick a self-heal daemon remembers once it has run for long (AFR_STATISTICS_HISTORY_SIZE,
// xlators/cluster/afr/src/afr-self-heald.c, 10.3).
const Crawls = 50

type peer struct{ name, uuid string }

type volume struct {
	number   int
	name, id string
	bricks   []*brick

	info, statistics, count []byte // replies
	stored                  string // glusterd's file of it
}

type brick struct {
	peer   peer
	path   string
	volume *volume

	daemon *Daemon // nil on other nodes
	pid    int
	work   atomic.Uint64 // how often the recorded work was done
}

func (b *brick) local() bool { return b.daemon != nil }

// Cluster is the node. Methods are safe for concurrent use.
type Cluster struct {
	// Dir holds everything: the node's files and sockets.
	Dir string
	// Glusterd and SelfHeal are its daemons; see Bricks for those of bricks.
	Glusterd, SelfHeal *Daemon
	// Servers are the glusterds of all nodes on the network, this one first; none before StartServers.
	Servers []*Daemon

	tally    tally
	port     *Daemon // where all bricks of all nodes listen, after StartServers
	size     Size
	recorded recording
	peers    []peer

	uuid, pool, clients []byte // replies

	mu      sync.RWMutex
	volumes map[string]*volume
	sorted  []string // their names
	byPath  map[string]*brick
	behind  map[Copy]bool
	list    []byte // a reply
	next    int    // number of the next volume
	lastPID int
}

// Start starts a node in a new directory, whose path must be short: unix sockets have at most 107 bytes. Close ends it.
func Start(size Size) (*Cluster, error) {
	size.LocalBricks = max(size.LocalBricks, (size.Volumes*bricksPerVolume+size.Peers-1)/size.Peers)
	dir, err := os.MkdirTemp("", "node")
	if err != nil {
		return nil, err
	}
	c := &Cluster{Dir: dir, size: size, volumes: map[string]*volume{}, byPath: map[string]*brick{}, lastPID: firstPID}
	if err := c.start(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) start() error {
	var err error
	if c.recorded, err = load(); err != nil {
		return err
	}
	for i := range c.size.Peers {
		c.peers = append(c.peers, peer{name: fmt.Sprintf("n%d", i+1), uuid: fmt.Sprintf("00000000-0000-4000-8000-%012x", i+1)})
	}
	if c.size.Clients == 0 {
		c.size.Clients = c.recorded.clients.IntOr("clientcount", 1)
	}
	self := dict.Dict{}
	self.SetString("uuid", c.peers[0].uuid)
	c.uuid, c.pool, c.clients = glusterdReply(self), peersReply(c.recorded.pool(c.peers)), brickReply(c.recorded.connected(c.size.Clients))
	c.Glusterd, c.SelfHeal = c.daemon("this glusterd", "glusterd.socket", c.glusterd), c.daemon("self-heal daemon", "shd.socket", c.selfHeal)
	if err := c.writeNode(); err != nil {
		return err
	}
	for range c.size.Volumes {
		if _, err := c.addVolume(); err != nil {
			return err
		}
	}
	c.listed()
	return errors.Join(c.Glusterd.Start(), c.SelfHeal.Start())
}

// Close ends all daemons and removes the directory.
func (c *Cluster) Close() error {
	for _, d := range slices.Concat(c.Bricks(), c.Servers, []*Daemon{c.Glusterd, c.SelfHeal, c.port}) {
		if d != nil {
			d.Stop()
		}
	}
	return os.RemoveAll(c.Dir)
}

func (c *Cluster) path(elements ...string) string {
	return filepath.Join(append([]string{c.Dir}, elements...)...)
}

// Flags are the exporter's for this node.
func (c *Cluster) Flags() []string {
	return []string{
		"--path.socket=" + c.Glusterd.Socket, "--path.workdir=" + c.path("workdir"), "--path.rundir=" + c.path("run"), "--path.procfs=" + c.path("proc"),
		"--path.fstab=" + c.path("fstab"), "--path.tls=" + c.path("tls"), "--path.recovery=" + c.path("recovery.json"),
		"--path.cluster-file=" + c.path("cluster-file.json"),
	}
}

// Volumes are their names, in order.
func (c *Cluster) Volumes() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.sorted)
}

// after is the name of the volume that follows another, of the first after "", and "" after the last.
func (c *Cluster) after(name string) string {
	i, found := slices.BinarySearch(c.sorted, name)
	if found {
		i++
	}
	if (found || name == "") && i < len(c.sorted) {
		return c.sorted[i]
	}
	return ""
}

// Bricks are the processes of this node's bricks, in the order of volumes.
func (c *Cluster) Bricks() (all []*Daemon) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, name := range c.sorted {
		for _, b := range c.volumes[name].bricks {
			if b.local() {
				all = append(all, b.daemon)
			}
		}
	}
	return all
}

// AddVolume makes one more volume, starts it and returns its name.
func (c *Cluster) AddVolume() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, err := c.addVolume()
	c.listed()
	return v.name, err
}

func (c *Cluster) addVolume() (*volume, error) {
	v := &volume{number: c.next, name: fmt.Sprintf("volume%04d", c.next), id: fmt.Sprintf("00000000-0000-4000-9000-%012x", c.next+1)}
	c.next++
	total := max(1, c.size.Volumes*bricksPerVolume)
	for i := range bricksPerVolume {
		k := v.number*bricksPerVolume + i
		b := &brick{volume: v, path: c.path("bricks", fmt.Sprintf("%s-%d", v.name, i))}
		b.work.Store(1)
		// Spread evenly: the bricks of a set are on different nodes where there are enough.
		if k*c.size.LocalBricks%total < c.size.LocalBricks {
			b.peer = c.peers[0]
			b.daemon = c.daemon("brick", filepath.Join("run", fmt.Sprintf("%d.socket", k)), func(_, procedure uint32, args []byte) ([]byte, rpc.AcceptStat) {
				return c.brick(b, procedure, args)
			})
		} else {
			b.peer = c.peers[1+k%(len(c.peers)-1)]
		}
		v.bricks = append(v.bricks, b)
		c.byPath[b.path] = b
	}
	v.info = glusterdReply(c.recorded.describe(v))
	v.statistics, v.count = brickReply(c.recorded.crawled(v, Crawls)), brickReply(c.recorded.pending(v))
	c.volumes[v.name] = v
	errs := []error{c.writeVolume(v)}
	for _, b := range v.bricks {
		if b.local() {
			c.lastPID++
			b.pid = c.lastPID
			errs = append(errs, c.writeBrick(b), c.writeProcess(b.pid, "glusterfsd", c.brickArguments(b)), b.daemon.Start())
		}
	}
	return v, errors.Join(errs...)
}

// listed makes the reply to LIST_VOLUME anew.
func (c *Cluster) listed() {
	c.sorted = slices.Sorted(maps.Keys(c.volumes))
	c.list = glusterdReply(list(c.sorted))
}

// RemoveVolume stops a volume and deletes it.
func (c *Cluster) RemoveVolume(name string) error {
	c.mu.Lock()
	v := c.volumes[name]
	delete(c.volumes, name)
	for _, b := range v.bricks {
		delete(c.byPath, b.path)
	}
	c.listed()
	c.mu.Unlock()
	errs := []error{os.RemoveAll(c.path("workdir", "vols", name))}
	for _, b := range v.bricks {
		if b.local() {
			errs = append(errs, c.removeProcess(b.pid))
			b.daemon.Stop()
			errs = append(errs, os.Remove(b.daemon.Socket), os.RemoveAll(b.path))
		}
	}
	return errors.Join(errs...)
}

// RestartBricks ends the processes of a volume's bricks on this node and starts others, which count from the beginning.
func (c *Cluster) RestartBricks(name string) error {
	c.mu.Lock()
	v := c.volumes[name]
	c.mu.Unlock()
	var errs []error
	for _, b := range v.bricks {
		if !b.local() {
			continue
		}
		errs = append(errs, c.removeProcess(b.pid))
		b.daemon.Stop()
		c.mu.Lock()
		c.lastPID++
		b.pid = c.lastPID
		c.mu.Unlock()
		b.work.Store(1)
		errs = append(errs, b.daemon.Start(), c.writeProcess(b.pid, "glusterfsd", c.brickArguments(b)))
	}
	return errors.Join(errs...)
}

// Work makes the bricks of this node do the recorded work once more.
func (c *Cluster) Work() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, v := range c.volumes {
		for _, b := range v.bricks {
			b.work.Add(1)
		}
	}
}

// Procedures: rpc/rpc-lib/src/protocol-common.h.
const (
	programGlusterd = 1238463
	programBrick    = 4867634
	listFriends     = 3
	getVolume       = 5
	nextVolume      = 3 // a flag of getVolume: GF_CLI_GET_NEXT_VOLUME, rpc/xdr/src/cli1-xdr.x
	listVolume      = 33
	uuidGet         = 36
	xlatorInfo      = 2
	xlatorOp        = 3
	status          = 4
	statistics      = "7"
)

// pairs is the dictionary that ends a request, after so many numbers and, before them, so many texts.
func pairs(args []byte, texts, numbers int) dict.Dict {
	x := xdr.NewDecoder(args)
	for range texts {
		x.Opaque()
	}
	for range numbers {
		x.Uint32()
	}
	d, err := dict.Unmarshal(x.Opaque())
	if err != nil {
		return dict.Dict{}
	}
	return d
}

func (c *Cluster) glusterd(program, procedure uint32, args []byte) ([]byte, rpc.AcceptStat) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	switch {
	case program == programHandshake && procedure == getSpec:
		return c.handsOut(c.peers[0], args), 0
	case program != programGlusterd:
		return nil, rpc.ProgUnavail
	case procedure == uuidGet:
		return c.uuid, 0
	case procedure == listFriends:
		return c.pool, 0
	case procedure == listVolume:
		return c.list, 0
	case procedure == getVolume:
		asked := pairs(args, 0, 0)
		name := asked.String("volname")
		if asked.IntOr("flags", 0) == nextVolume {
			name = c.after(name)
		}
		if v := c.volumes[name]; v != nil {
			return v.info, 0
		}
		none := dict.Dict{}
		none.SetInt("count", 0)
		return glusterdReply(none), 0
	default:
		return nil, rpc.ProcUnavail
	}
}

func (c *Cluster) brick(b *brick, procedure uint32, _ []byte) ([]byte, rpc.AcceptStat) {
	switch procedure {
	case status:
		return c.clients, 0
	case xlatorInfo:
		return brickReply(c.recorded.counted(b.work.Load())), 0
	default:
		return nil, rpc.ProcUnavail
	}
}

func (c *Cluster) selfHeal(program, procedure uint32, args []byte) ([]byte, rpc.AcceptStat) {
	if program != programBrick || procedure != xlatorOp {
		return nil, rpc.ProcUnavail
	}
	d := pairs(args, 1, 1)
	name, _, _ := strings.Cut(d.String("xl-0"), "-replicate-")
	c.mu.RLock()
	defer c.mu.RUnlock()
	v := c.volumes[name]
	switch {
	case v == nil:
		return brickReply(dict.Dict{}), 0 // as a real one does
	case d.String("xl-op") == statistics:
		return v.statistics, 0
	default:
		return v.count, 0
	}
}
