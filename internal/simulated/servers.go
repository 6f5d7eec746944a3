package simulated

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"brickyard/gluster/rpc"
	"brickyard/gluster/xdr"
)

// Programs of a glusterd on the network: rpc/rpc-lib/src/protocol-common.h.
const (
	programHandshake = 14398633
	programPortmap   = 34123456
	getSpec          = 2
	portByBrick      = 1
)

// Files that the host part of gluster-setup has a glusterd hand out: setup/desired/ready.go.
const (
	readyFile = "gluster/gluster-setup"
	wordFile  = readyFile + "-cluster.file"
	infoFile  = readyFile + "-" // and the volume
)

// Word is what every server says of the cluster file that it applied last.
const Word = `{"file": "0123456789abcdef0123456789abcdef", "number": 1, "applied": "2026-11-01T00:00:00Z", "program": "1.0.0"}`

// Brick is a brick of a volume of the pool: the name of its node, and its path there.
type Brick struct{ Node, Path string }

// Sets are the replica sets of a volume.
func (c *Cluster) Sets(name string) [][]Brick {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var sets [][]Brick
	for i, b := range c.volumes[name].bricks {
		if i%replica == 0 {
			sets = append(sets, nil)
		}
		sets[i/replica] = append(sets[i/replica], Brick{b.peer.name, b.path})
	}
	return sets
}

// Nodes are the names of all nodes, this one first.
func (c *Cluster) Nodes() []string {
	var names []string
	for _, p := range c.peers {
		names = append(names, p.name)
	}
	return names
}

// Proc is the node's /proc.
func (c *Cluster) Proc() string { return c.path("proc") }

// StartServers starts the glusterds of all nodes on the network, as Servers. All nodes have one address, and all bricks one port, which
// takes connections and no questions.
func (c *Cluster) StartServers() error {
	c.port = c.daemon("port of a brick", "", func(uint32, uint32, []byte) ([]byte, rpc.AcceptStat) { return nil, rpc.ProgUnavail })
	errs := []error{c.port.Start()}
	if errs[0] != nil {
		return errs[0]
	}
	_, port, err := net.SplitHostPort(c.port.Address())
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	for i, p := range c.peers {
		d := c.daemon("another glusterd", "", c.server(i, number))
		if p == c.peers[0] {
			d.count = c.tally.of("this glusterd")
		}
		c.Servers = append(c.Servers, d)
		errs = append(errs, d.Start())
	}
	return errors.Join(errs...)
}

// server answers as the glusterd of node number i does on the network.
func (c *Cluster) server(i, port int) answer {
	self := c.peers[i]
	friends := sync.OnceValue(func() []byte {
		first := append([]peer{self}, c.peers[:i:i]...)
		return peersReply(c.recorded.pool(append(first, c.peers[i+1:]...)))
	})
	return func(program, procedure uint32, args []byte) ([]byte, rpc.AcceptStat) {
		switch {
		case program == programGlusterd && procedure == listFriends:
			return friends(), 0
		case program == programHandshake && procedure == getSpec:
			c.mu.RLock()
			defer c.mu.RUnlock()
			return c.handsOut(self, args), 0
		case program == programPortmap && procedure == portByBrick:
			x := xdr.NewDecoder(args)
			return c.portOf(self, x.String(), port), 0
		default:
			return c.glusterd(program, procedure, args)
		}
	}
}

// portOf is pmap_port_by_brick_rsp (rpc/xdr/src/portmap-xdr.x).
func (c *Cluster) portOf(self peer, path string, port int) []byte {
	c.mu.RLock()
	defer c.mu.RUnlock()
	b := c.byPath[path]
	ret := int32(0)
	if b == nil || b.peer != self {
		ret, port = -1, 0
	}
	return xdr.AppendInt32(xdr.AppendInt32(xdr.AppendInt32(xdr.AppendInt32(nil, ret), 0), 0), int32(port)) //nolint:gosec // a port
}

// handsOut is gf_getspec_rsp (rpc/xdr/src/glusterfs3-xdr.x) about a file of a node. The caller has the lock.
func (c *Cluster) handsOut(self peer, args []byte) []byte {
	x := xdr.NewDecoder(args)
	x.Uint32()
	text, found := c.file(self, x.String())
	ret, errno := int32(len(text)), int32(0) //nolint:gosec // a small file
	if !found {
		ret, errno = -1, int32(syscall.ENOENT)
	}
	return xdr.AppendOpaque(xdr.AppendOpaque(xdr.AppendInt32(xdr.AppendInt32(nil, ret), errno), text), "")
}

// Copy is a volume as a node has it.
type Copy struct{ Node, Volume string }

// Behind makes nodes have volumes in an older version than all others; none, that all have the same again.
func (c *Cluster) Behind(copies ...Copy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.behind = map[Copy]bool{}
	for _, k := range copies {
		c.behind[k] = true
	}
}

func (c *Cluster) file(self peer, key string) (text string, found bool) {
	switch key {
	case readyFile:
		for _, name := range c.sorted {
			for _, b := range c.volumes[name].bricks {
				if b.peer == self {
					text += "brick " + b.path + "\n"
				}
			}
		}
		return text, true
	case wordFile:
		return Word, true
	}
	if v := c.volumes[strings.TrimPrefix(key, infoFile)]; v != nil {
		if c.behind[Copy{self.name, v.name}] {
			return replace(v.stored, "version", "1"), true
		}
		return v.stored, true
	}
	return "", false
}
