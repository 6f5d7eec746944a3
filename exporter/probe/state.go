package probe

import (
	"strconv"
	"sync"
	"time"
)

// state is what is known of one mount. It is written by the mount's goroutine and that of its child's output, and read by
// scrapes.
type state struct {
	metrics *metrics
	path    string
	sizes   []int
	peerAge time.Duration // after which a silent peer is forgotten

	mu          sync.Mutex
	volume      string // "" until the mount has been seen
	success     bool
	lastSuccess time.Time
	stuck       time.Time // the start of the operation that was not answered; zero where none is
	duration    time.Duration
	errors      map[string]uint64 // by class
	bricks      *bricks           // nil where not known
	peers       map[string]time.Time
}

func newState(m *metrics, path string, config Config) *state {
	return &state{
		metrics: m, path: path, sizes: config.Sizes, peerAge: 10 * echoInterval(config.Interval),
		errors: map[string]uint64{}, peers: map[string]time.Time{},
	}
}

// setVolume says which volume is mounted. What was known of another one is forgotten.
func (s *state) setVolume(volume string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.volume == volume {
		return
	}
	if s.volume != "" {
		s.metrics.forget(s.path)
		s.lastSuccess, s.stuck, s.duration, s.success = time.Time{}, time.Time{}, 0, false
		s.errors, s.peers = map[string]uint64{}, map[string]time.Time{}
	}
	s.volume = volume
	s.metrics.prepare(volume, s.path, s.sizes)
}

// unknown says that nothing is mounted.
func (s *state) unknown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bricks, s.stuck = nil, time.Time{}
}

func (s *state) fail(class string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.success = false
	s.errors[class]++
}

// stuckSince says that the mount has not answered since then, unless it was stuck already.
func (s *state) stuckSince(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bricks, s.success = nil, false
	if s.stuck.IsZero() {
		s.stuck = since
	}
}

// progress takes what the child says of a request.
func (s *state) progress(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case m.Bricks != nil:
		s.bricks = m.Bricks
	case m.NoBricks && m.Class == classNotConnected && s.bricks != nil:
		// Without any brick the client does not show what is at its root, its own state included.
		s.bricks = &bricks{Total: s.bricks.Total}
	case m.NoBricks:
		s.bricks = nil
	}
	if m.End != nil {
		s.metrics.operations.WithLabelValues(s.volume, s.path, m.End.Operation, strconv.Itoa(m.End.Size)).Observe(m.End.Seconds)
	}
	if m.End != nil || m.Done {
		s.stuck = time.Time{} // it answers
	}
}

func (s *state) finish(good bool, start, end time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.success, s.duration = good, end.Sub(start)
	if good {
		s.lastSuccess = end
	}
}

// maxPeers bounds the peers of one mount that have series. A child speaks with few at a time, and others take their
// places.
const maxPeers = 256

// hear takes what the child says by itself.
func (s *state) hear(m message) {
	if m.Echo == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.peers[m.Echo.Peer]; !known && len(s.peers) >= maxPeers {
		return
	}
	if _, known := s.peers[m.Echo.Peer]; !known || !m.Echo.Lost {
		s.peers[m.Echo.Peer] = time.Now()
	}
	lost := s.metrics.lost.WithLabelValues(s.volume, s.path, m.Echo.Peer)
	if m.Echo.Lost {
		lost.Inc()
		return
	}
	s.metrics.echo.WithLabelValues(s.volume, s.path, m.Echo.Peer).Observe(m.Echo.Seconds)
}

// age forgets the peers that have long been silent.
func (s *state) age(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for peer, heard := range s.peers {
		if now.Sub(heard) > s.peerAge {
			delete(s.peers, peer)
			s.metrics.forgetPeer(s.volume, s.path, peer)
		}
	}
}
