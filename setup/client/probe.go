package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

// Probe asks the servers of a pool over the network whether a volume serves.
// It takes no lock and works from machines that are not in the pool.
type Probe struct {
	Pool    desired.Pool
	Dial    func(desired.Server) *gluster.Client
	Timeout time.Duration // of one question to one server or brick

	// Encrypts is a server that was found to want TLS, "" where none was: it will not answer however long one waits.
	Encrypts string
}

// Missing says in words what a volume still needs before a client can mount
// it and write: started, and in every replica set as many bricks accepting
// connections as its quorum asks for, or one where it has none. Nothing is
// missing from a volume that serves.
func (p *Probe) Missing(ctx context.Context, name string) []string {
	want, ok := p.Pool.Volume(name)
	if !ok {
		return []string{"volume " + name + " to be in the cluster file"}
	}
	have, err := p.volume(ctx, want)
	if err != nil {
		return []string{err.Error()}
	}
	if have.Status != gluster.Started {
		return []string{fmt.Sprintf("volume %s to be started", name)}
	}
	if words := p.refused(ctx, want, have.Options[cluster.OptionAllow]); words != "" {
		return []string{words}
	}
	found := p.bricks(ctx, want)
	var missing []string
	for i, set := range want.Sets {
		var serves []bool
		n, silent := 0, ""
		for _, b := range set {
			err, asked := found[b]
			up := asked && err == nil
			serves = append(serves, up)
			if up {
				n++
			}
			if errors.Is(err, gluster.ErrBrickSilent) {
				silent = fmt.Sprintf(" (%s:%s: %s)", b.Node, b.Path, gluster.WhyBrick(err))
			}
		}
		if !want.Quorum.Met(serves) {
			missing = append(missing, fmt.Sprintf("replica set %d of volume %s: %d of %d bricks accept connections, too few to write%s", i+1, name, n, len(set), silent))
		}
	}
	return missing
}

// ID returns the volume's id in the pool, "" where no server of the volume tells it.
func (p *Probe) ID(ctx context.Context, name string) string {
	want, ok := p.Pool.Volume(name)
	if !ok {
		return ""
	}
	have, err := p.volume(ctx, want)
	if err != nil {
		return ""
	}
	return have.ID
}

// refused says which brick of the volume would not let this machine in, if there is one: its mount would then end as soon as it
// has begun, with the other bricks, too. A brick sees the address that this machine's route to it has. A server of the volume
// is let in whatever its address.
func (p *Probe) refused(ctx context.Context, want desired.Volume, allow string) string {
	words := ""
	for _, host := range want.ServersOf() {
		s, _ := p.Pool.Server(host)
		own, err := addressTowards(ctx, s.Address)
		switch {
		case err != nil: // no route: the brick cannot be reached, which is another matter
		case own == s.Address:
			return ""
		case words == "" && cluster.Refuses(allow, own):
			words = fmt.Sprintf("volume %s to let this node in: its bricks know it as %s, its address on the route to %s, and %s has not that one. Apply on the servers lets in every node's address of the cluster file; others belong under volumes.%[1]s.access",
				want.Spec.Name, own, host, cluster.OptionAllow)
		}
	}
	return words
}

// addressTowards is the address of this machine on its route to another one. Nothing is sent.
func addressTowards(ctx context.Context, to netip.Addr) (netip.Addr, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", netip.AddrPortFrom(to, 24007).String())
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	own, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return own.Addr().Unmap(), err
}

// settleTime is how long a volume that serves is given to start its other bricks, too.
const settleTime = 5 * time.Second

// Settle waits, for a few seconds at most, until every brick of the volume accepts connections whose node's glusterd
// answers: such a brick is starting, or it is not going to. A client that connects in between writes to the other
// bricks only, and what it wrote then is one copy short until the next heal.
func (p *Probe) Settle(ctx context.Context, name string) {
	want, ok := p.Pool.Volume(name)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		starting := false
		for _, err := range p.bricks(ctx, want) {
			starting = starting || errors.Is(err, gluster.ErrBrickOffline)
		}
		if !starting {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(p.Timeout / 10):
		}
	}
}

// volume asks the servers of the volume in turn; the first that answers counts.
func (p *Probe) volume(ctx context.Context, want desired.Volume) (gluster.Volume, error) {
	name := want.Spec.Name
	var last error
	for _, host := range want.ServersOf() {
		s, _ := p.Pool.Server(host)
		var v gluster.Volume
		err := p.ask(ctx, s, func(ctx context.Context, c *gluster.Client) (err error) {
			v, err = c.Volume(ctx, name)
			if err != nil && p.Encrypts == "" && c.Encrypts(ctx, err) {
				p.Encrypts = host
			}
			return err
		})
		switch {
		case err == nil:
			return v, nil
		case errors.Is(err, gluster.ErrNoSuchVolume):
			last = fmt.Errorf("volume %s to be created", name)
		case last == nil:
			last = fmt.Errorf("a server of volume %s to answer (%s: %w)", name, host, err)
		}
	}
	return gluster.Volume{}, last
}

func (p *Probe) ask(ctx context.Context, s desired.Server, f func(context.Context, *gluster.Client) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	c := p.Dial(s)
	defer func() {
		if cerr := c.Close(); err == nil {
			err = cerr
		}
	}()
	return f(ctx, c)
}

// bricks tries all bricks at once: nil stands for one that accepts connections.
func (p *Probe) bricks(ctx context.Context, want desired.Volume) map[cluster.Brick]error {
	var file []cluster.Brick
	var asked []*actual.Brick
	for _, b := range slices.Concat(want.Sets...) {
		if _, ok := p.Pool.Server(b.Node); ok {
			file, asked = append(file, b), append(asked, &actual.Brick{Node: b.Node, Path: b.Path})
		}
	}
	errs := actual.Serving(ctx, asked, p.Timeout, func(b actual.Brick) *gluster.Client {
		s, _ := p.Pool.Server(b.Node)
		return p.Dial(s)
	}, nil)
	found := map[cluster.Brick]error{}
	for i, b := range file {
		found[b] = errs[i]
	}
	return found
}
