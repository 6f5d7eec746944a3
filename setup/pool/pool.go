// Package pool observes and changes the trusted pool and its volumes.
//
// Decide is pure: from what should be and what one node sees it makes the
// list of steps. Pool looks, calls Decide, and binds the steps to the gluster
// command line.
package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/agree"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/onefile"
)

// Observed is what one node sees of the pool.
type Observed struct {
	Running bool           // this node's glusterd answers
	Peers   []gluster.Peer // this node's view, itself included
	Volumes []gluster.Volume
	// Nodes has, by name, every server whose glusterd answers over the network,
	// and this node, with the peers that it knows.
	Nodes map[string]actual.Node
	// Unprepared has the bricks, by path, of the servers that answer and whose
	// host part has not prepared them.
	Unprepared map[string][]string
	// Copies are the same, in the order of the cluster file, with how they have the volumes.
	Copies []actual.Node
	// Apart has the differences between them that last, and that are no change under way; Moving has the volumes that a change
	// is under way for.
	Apart  []agree.Difference
	Moving []string
	// Full says of this node's glusterd, where it is so, that it has no room to store a change.
	Full string
	// Stamps has the brick directories of this node, by path, that are stamped
	// as bricks of a volume.
	Stamps map[string]Stamp
	// Clients has, for volumes of which auth.allow is to change, the addresses that are connected to bricks of this node,
	// and Unasked why those of others are not known.
	Clients map[string][]netip.Addr
	Unasked map[string]string
	// File is the cluster file of this run beside those that the nodes applied last; empty where nobody looked.
	File onefile.View
}

// Stamp is the mark of a volume on a brick directory.
type Stamp struct {
	ID     string // of the volume, a UUID
	Unused bool   // no brick process ever ran here: nothing can be lost with it
}

// Pool plans the pool part on one node.
type Pool struct {
	Node  string
	Want  desired.Pool
	Local *gluster.Client // this node's glusterd
	CLI   *gluster.CLI
	Dial  func(server desired.Server) *gluster.Client // another node's glusterd
	// Resolve asks for the addresses of a name on this machine; nil where nobody asks.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
	// Applied knows which cluster file the nodes applied last; nil where nobody tells.
	Applied *onefile.Looker
	// Grace is how long another node's refusal is retried that its own apply may
	// end, or not. Zero means DefaultGrace.
	Grace time.Duration
	// Timeout bounds what one server may take to answer. Zero means DefaultTimeout.
	Timeout time.Duration

	remote  map[string]*gluster.Client
	refused time.Time // when the first of a row of such refusals came
}

// DefaultGrace is far longer than an apply that runs on all nodes at the same
// moment needs to come to its pool part.
const DefaultGrace = 25 * time.Second

// Part returns change.Pool.
func (p *Pool) Part() change.Part { return change.Pool }

// Plan looks at the pool and decides.
func (p *Pool) Plan(ctx context.Context) (change.Plan, error) {
	if _, serves := p.Want.Server(p.Node); !serves {
		return change.Plan{}, nil // no member of the pool: nothing to look at
	}
	see, err := p.Observe(ctx)
	if err != nil {
		return change.Plan{}, err
	}
	plan, steps := Decide(p.Node, p.Want, see)
	for _, s := range steps {
		c := s.Change
		c.Do = func(ctx context.Context) error { return p.do(ctx, s) }
		plan.Changes = append(plan.Changes, c)
	}
	return plan, nil
}

// Observe asks this node's glusterd, and those of the other servers.
func (p *Pool) Observe(ctx context.Context) (Observed, error) {
	see := Observed{Nodes: map[string]actual.Node{}, Unprepared: map[string][]string{}, Stamps: map[string]Stamp{}, Clients: map[string][]netip.Addr{}, Unasked: map[string]string{}}
	var err error
	see.Peers, err = peers(ctx, p.Local)
	if errors.Is(err, gluster.ErrNotRunning) {
		return see, p.stamps(&see)
	}
	if err != nil {
		return see, fmt.Errorf("ask this node's glusterd for its peers: %w", err)
	}
	see.Running = true
	see.Volumes, err = p.Local.Volumes(ctx)
	if err != nil {
		return see, fmt.Errorf("ask this node's glusterd for the volumes: %w", err)
	}
	see.Full = machine.Full(gluster.DefaultWorkdir)
	var wg sync.WaitGroup
	wg.Go(func() { p.nodes(ctx, &see) })
	if p.Applied != nil {
		see.File, err = p.Applied.View(ctx)
	}
	wg.Wait()
	if err = errors.Join(err, p.compare(ctx, &see)); err != nil {
		return see, err
	}
	p.clients(ctx, &see)
	return see, p.stamps(&see)
}

// peers asks a glusterd for its peers. While one of them is being added it
// refuses to tell, without a reason, for a moment.
func peers(ctx context.Context, c *gluster.Client) ([]gluster.Peer, error) {
	const tries, pause = 10, 200 * time.Millisecond
	for i := 1; ; i++ {
		list, err := c.Peers(ctx)
		if !errors.Is(err, gluster.ErrRefused) || i == tries {
			return list, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}

// DefaultTimeout bounds how long one silent machine holds up a look at the pool.
const DefaultTimeout = 3 * time.Second

func (p *Pool) timeout() time.Duration { return cmp.Or(p.Timeout, DefaultTimeout) }

// nodes asks all other servers at once. One that does not answer is not among Nodes.
func (p *Pool) nodes(ctx context.Context, see *Observed) {
	see.Nodes[p.Node] = actual.Node{Name: p.Node, Peers: see.Peers}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for name, c := range p.others() {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, p.timeout())
			defer cancel()
			list, err := peers(ctx, c)
			if err != nil {
				return // what it means is for Decide to say
			}
			// A glusterd that hands out no such files must not hold up everything.
			ready, _, err := c.ServerVolfile(ctx, desired.ReadyVolfile)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				see.Unprepared[name] = p.unprepared(name, ready)
			}
			see.Nodes[name] = actual.Node{Name: name, Peers: list}
		})
	}
	wg.Wait()
}

// others are clients of the glusterds of the other servers, by name.
func (p *Pool) others() map[string]*gluster.Client {
	if p.remote == nil {
		p.remote = map[string]*gluster.Client{}
		for _, s := range p.Want.Servers {
			if s.Name != p.Node {
				p.remote[s.Name] = p.Dial(s)
			}
		}
	}
	return p.remote
}

// unprepared are the bricks of a server that its own list leaves out.
func (p *Pool) unprepared(server, ready string) []string {
	var paths []string
	for _, v := range p.Want.Volumes {
		for _, b := range v.Spec.Bricks {
			if b.Host == server && !desired.IsReady(ready, b.Path) {
				paths = append(paths, b.Path)
			}
		}
	}
	return paths
}

// Close ends the connections to the other servers.
func (p *Pool) Close() error {
	errs := []error{p.Local.Close()}
	for _, c := range p.remote {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Port is where glusterd listens on the network.
const Port = "24007"

// DialTCP returns a client of another node's glusterd.
func DialTCP(s desired.Server) *gluster.Client {
	return DialHost(s.Address.String())
}

// DialHost returns a client of the glusterd of a host, by name or address.
func DialHost(host string) *gluster.Client {
	return gluster.NewClient("tcp", net.JoinHostPort(host, Port))
}
