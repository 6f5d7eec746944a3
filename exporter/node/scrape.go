package node

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"

	"brickyard/gluster"
)

// Scrape is what one scrape has asked. Methods are safe for concurrent use.
type Scrape struct {
	*Node
	ctx context.Context //nolint:containedctx // that of the scrape, which is what this is

	peers     answer[[]gluster.Peer]
	volumes   answer[[]Volume]
	processes answer[Processes]
	bricks    answer[[]Brick]
}

// answer is the answer to a question that is asked once.
type answer[T any] struct {
	once  sync.Once
	value T
	err   error
}

func (a *answer[T]) get(ask func() (T, error)) (T, error) {
	a.once.Do(func() { a.value, a.err = ask() })
	return a.value, a.err
}

// Peers are the nodes of the pool as this one's glusterd sees them.
func (s *Scrape) Peers() ([]gluster.Peer, error) {
	return s.peers.get(func() ([]gluster.Peer, error) { return s.Glusterd.Peers(s.ctx) })
}

// Volumes are all volumes of the pool. Where glusterd does not answer they are those that it had when it last did, with the error.
func (s *Scrape) Volumes() ([]Volume, error) {
	return s.Node.volumes.all(s.ctx, s.Node, &s.volumes)
}

// Processes are those of GlusterFS on this machine.
func (s *Scrape) Processes() (Processes, error) {
	return s.processes.get(func() (Processes, error) {
		p, err := s.Node.processes.list(s.cfg.Proc)
		if err == nil {
			s.forget(p)
		}
		return p, err
	})
}

// Brick is a brick of this node.
type Brick struct {
	gluster.Brick
	Volume *Volume
	Set    int // index of the replica set
	Member int // index in the set
	// Process serves it; nil where there is none.
	Process *gluster.BrickProcess
}

// Name is the brick as GlusterFS prints it.
func (b Brick) Name() string { return b.String() }

// Bricks are those of this node, of all volumes. With an error they are those that could be found.
func (s *Scrape) Bricks() ([]Brick, error) {
	return s.bricks.get(func() ([]Brick, error) {
		uuid, _, server, err := s.Server()
		if !server || err != nil {
			return nil, err
		}
		volumes, verr := s.Volumes()
		var out []Brick
		for i := range volumes {
			for set, members := range volumes[i].ReplicaSets() {
				for member, b := range members {
					if strings.EqualFold(b.PeerUUID, uuid) {
						out = append(out, Brick{Brick: b, Volume: &volumes[i], Set: set, Member: member})
					}
				}
			}
		}
		processes, perr := s.Processes()
		s.serve(out, processes)
		if s.missing(out) && perr == nil {
			// A process may have started since the last full look.
			s.Node.processes.again()
			processes, perr = s.Node.processes.list(s.cfg.Proc)
			s.serve(out, processes)
		}
		return out, errors.Join(verr, perr)
	})
}

// serve finds the process of each brick: by its arguments, or with brick multiplexing, where one process serves many bricks, by the file
// in which glusterd notes it.
func (s *Scrape) serve(bricks []Brick, p Processes) {
	byPath, byPID := map[string]*gluster.BrickProcess{}, map[int]*gluster.BrickProcess{}
	for i := range p.Bricks {
		byPath[p.Bricks[i].Path], byPID[p.Bricks[i].PID] = &p.Bricks[i], &p.Bricks[i]
	}
	for i := range bricks {
		b := &bricks[i]
		if b.Process = byPath[b.Path]; b.Process != nil || b.Volume.Status != gluster.Started {
			continue
		}
		text, err := os.ReadFile(s.pidFile(b.Volume.Name, b.Brick))
		if err != nil {
			continue // it never started
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			b.Process = byPID[pid]
		}
	}
}

func (s *Scrape) missing(bricks []Brick) bool {
	for _, b := range bricks {
		if b.Process == nil && b.Volume.Status == gluster.Started {
			return true
		}
	}
	return false
}

// dashed is a path as glusterd has it in the names of files.
func dashed(path string) string { return strings.ReplaceAll(path, "/", "-") }

// GeorepMonitor reports whether gsyncd's monitor of a session runs here, and whether it noted that it did: see gluster.GeorepMonitor.
func (n *Node) GeorepMonitor(volume string, to gluster.Secondary) (running, noted bool, err error) {
	return gluster.GeorepMonitor(n.cfg.Rundir, volume, to)
}
