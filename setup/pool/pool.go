// Package pool observes and changes the trusted pool and its volumes.
//
// Decide is pure: from what should be and what one node sees it makes the
// list of steps. Pool looks, calls Decide, and binds the steps to the gluster
// command line.
package pool

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/desired"
)

// Observed is what one node sees of the pool.
type Observed struct {
	Running bool           // this node's glusterd answers
	Peers   []gluster.Peer // this node's view, itself included
	Volumes []gluster.Volume
	// Views has, for every server whose glusterd answers over the network, the
	// peers that it knows besides itself.
	Views map[string][]gluster.Peer
	// BrickIDs has the volume-id that is stamped on the brick directories of
	// this node, by path, as a UUID.
	BrickIDs map[string]string
}

// Pool plans the pool part on one node.
type Pool struct {
	Node   string
	Want   desired.Pool
	Local  *gluster.Client // this node's glusterd
	CLI    *gluster.CLI
	Dial   func(server desired.Server) *gluster.Client // another node's glusterd
	remote map[string]*gluster.Client
}

// Part returns change.Pool.
func (p *Pool) Part() change.Part { return change.Pool }

// Plan looks at the pool and decides.
func (p *Pool) Plan(ctx context.Context) (change.Plan, error) {
	see, err := p.Observe(ctx)
	if err != nil {
		return change.Plan{}, err
	}
	plan, steps := Decide(p.Node, p.Want, see)
	for _, s := range steps {
		c := s.Change
		c.Commands = []string{s.Command.String()}
		c.Do = func(ctx context.Context) error { return p.run(ctx, s.Command) }
		plan.Changes = append(plan.Changes, c)
	}
	return plan, nil
}

// Observe asks this node's glusterd, and those of the other servers.
func (p *Pool) Observe(ctx context.Context) (Observed, error) {
	see := Observed{Views: map[string][]gluster.Peer{}, BrickIDs: map[string]string{}}
	var err error
	see.Peers, err = p.Local.Peers(ctx)
	if errors.Is(err, gluster.ErrNotRunning) {
		return see, p.brickIDs(&see)
	}
	if err != nil {
		return see, fmt.Errorf("ask this node's glusterd for its peers: %w", err)
	}
	see.Running = true
	see.Volumes, err = p.Local.Volumes(ctx)
	if err != nil {
		return see, fmt.Errorf("ask this node's glusterd for the volumes: %w", err)
	}
	p.views(ctx, &see)
	return see, p.brickIDs(&see)
}

// viewTimeout bounds how long one silent machine holds up a look at the pool.
const viewTimeout = 3 * time.Second

// views asks all other servers at once. One that does not answer has no view.
func (p *Pool) views(ctx context.Context, see *Observed) {
	if p.remote == nil {
		p.remote = map[string]*gluster.Client{}
		for _, s := range p.Want.Servers {
			if s.Name != p.Node {
				p.remote[s.Name] = p.Dial(s)
			}
		}
	}
	see.Views[p.Node] = others(see.Peers)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for name, c := range p.remote {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, viewTimeout)
			defer cancel()
			peers, err := c.Peers(ctx)
			if err != nil {
				return // no view: what it means is for Decide to say
			}
			mu.Lock()
			defer mu.Unlock()
			see.Views[name] = others(peers)
		})
	}
	wg.Wait()
}

func others(peers []gluster.Peer) []gluster.Peer {
	out := []gluster.Peer{}
	for _, p := range peers {
		if !p.Local {
			out = append(out, p)
		}
	}
	return out
}

const volumeID = "trusted.glusterfs.volume-id"

// brickIDs reads the stamp of the volume on this node's brick directories.
func (p *Pool) brickIDs(see *Observed) error {
	for _, v := range p.Want.Volumes {
		for _, b := range v.Spec.Bricks {
			if b.Host != p.Node {
				continue
			}
			id := make([]byte, 16)
			n, err := unix.Lgetxattr(b.Path, volumeID, id)
			switch {
			case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODATA), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOTDIR):
			case err != nil && !errors.Is(err, unix.ERANGE):
				return fmt.Errorf("read %s of %s: %w", volumeID, b.Path, err)
			default:
				see.BrickIDs[b.Path] = uuid(id[:max(n, 0)])
			}
		}
	}
	return nil
}

func uuid(id []byte) string {
	if len(id) != 16 {
		return "an unreadable id"
	}
	h := hex.EncodeToString(id)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// Close ends the connections to the other servers.
func (p *Pool) Close() error {
	errs := []error{p.Local.Close()}
	for _, c := range p.remote {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// run runs a gluster command and sorts its refusals: what will be possible by
// itself later becomes a RetryError.
func (p *Pool) run(ctx context.Context, cmd gluster.Command) error {
	err := p.CLI.Run(ctx, cmd)
	if err == nil || errors.Is(err, gluster.ErrAlready) {
		return nil
	}
	if errors.Is(err, gluster.ErrTransaction) {
		return &change.RetryError{Waiting: "another program's change of the volume to end", Err: err}
	}
	if words := notYet(err); words != "" {
		return &change.RetryError{Waiting: words, Err: err}
	}
	return err
}

// notYet says what a refusal waits for when the other node's own apply will
// end it: a brick file system that is not mounted yet looks to glusterd like a
// brick on the root disk or a missing directory.
func notYet(err error) string {
	text := err.Error()
	for sign, words := range map[string]string{
		"is being created in the root partition": "the brick file systems on all nodes to be mounted",
		"Failed to create brick directory":       "the brick file systems on all nodes to be mounted",
		"is not in 'Peer in Cluster' state":      "all peers to be in the pool",
		"not connected":                          "all nodes of the volume to be connected",
		"Staging failed on":                      "all nodes to agree",
	} {
		if strings.Contains(text, sign) {
			return words
		}
	}
	return ""
}

// Port is where glusterd listens on the network.
const Port = "24007"

// DialTCP returns a client of another node's glusterd.
func DialTCP(s desired.Server) *gluster.Client {
	return gluster.NewClient("tcp", net.JoinHostPort(s.Address.String(), Port))
}
