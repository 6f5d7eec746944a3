package probe

import (
	"context"
	"crypto/rand"
	"slices"
	"time"
)

// Echoes measure how long one node's change takes to be seen by another, without comparing clocks. A node calls: it counts
// its beacon's Seq up. Each peer that sees the call writes the number into its own beacon, and the caller measures on its own
// clock the time from before its write until it sees the echo: the round trip. To be seen soon, a call is announced by one
// that is not measured and that makes the peers look often.
//
// The time is the sum of both ways and of at most two pauses of echoFast, one at either end; for a peer that did not hear
// the announcement within echoPatience, one pause of echoSlow comes in place of one echoFast.
const (
	echoSlow     = time.Second            // between two looks at a peer's beacon
	echoWaking   = 100 * time.Millisecond // the same while the caller waits for the peers to wake
	echoFast     = 20 * time.Millisecond  // the same while a measured call is under way, or expected
	echoPatience = 3 * echoSlow           // how long the caller and its peers look often
	echoPeers    = 8                      // with how many peers a node speaks
	echoBeacons  = 256                    // how many beacons are looked at, at most
	echoNames    = 64                     // how many names peers may have while a child runs
	echoGone     = 3                      // after how many calls of its own a node gives up a peer that says nothing new
)

// echoInterval is the time between two calls.
func echoInterval(probes time.Duration) time.Duration { return max(2*probes, 5*time.Second) }

// peer is another node's beacon as this node knows it.
type peer struct {
	name   string
	last   beacon
	echoed string // the run under which own.Echo has its last call
	idle   int    // calls of ours since it said something new

	due    time.Time // when it is looked at next
	hot    time.Time // until when it is looked at often, since it announced a call
	woken  bool      // it has heard the announcement of our call
	waited bool      // it has yet to echo our measured call
}

// echoes is one node's part in the exchange. It is used by one goroutine.
type echoes struct {
	board  board
	report func(echoed)
	every  time.Duration

	own     beacon
	changed bool // own is to be written
	known   map[string]*peer
	peers   []*peer         // those spoken with, among known
	names   map[string]bool // of all peers so far: each is a label

	next     time.Time // the next call
	waking   bool      // the announcement is out, the measured call is not
	since    time.Time // the last call's start
	measured bool      // the last call is a measured one
}

func newEchoes(cfg childConfig, b board, report func(echoed)) *echoes {
	return &echoes{
		board: b, report: report, every: cfg.Echo, known: map[string]*peer{}, names: map[string]bool{},
		own: beacon{Node: cfg.Node, Run: rand.Text(), Echo: map[string]uint64{}},
	}
}

// run takes part until ctx ends.
func (e *echoes) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			timer.Reset(e.step(time.Now()))
		}
	}
}

// step does what is due and returns the pause before the next one. What cannot be read or written now is tried again: that
// the volume is in trouble is for the probes to say.
func (e *echoes) step(now time.Time) time.Duration {
	if !now.Before(e.next) {
		e.announce(now)
	}
	for _, p := range e.peers {
		if !now.Before(p.due) {
			e.look(p)
			p.due = now.Add(e.pause(p, now))
		}
	}
	if e.waking && (now.Sub(e.since) > echoPatience || !slices.ContainsFunc(e.peers, func(p *peer) bool { return !p.woken })) {
		e.call()
	}
	e.write()
	due := e.next
	for _, p := range e.peers {
		if p.due.Before(due) {
			due = p.due
		}
	}
	return max(time.Millisecond, time.Until(due))
}

// pause is the time until the next look at a peer.
func (e *echoes) pause(p *peer, now time.Time) time.Duration {
	fresh := now.Sub(e.since) <= echoPatience
	switch {
	case now.Before(p.hot), e.measured && p.waited && fresh:
		return echoFast
	case e.waking && !p.woken && fresh:
		return echoWaking
	}
	return echoSlow
}

// announce ends the last call, finds the peers and starts a new call.
func (e *echoes) announce(now time.Time) {
	for _, p := range e.peers {
		if p.waited {
			e.report(echoed{Peer: p.last.Node, Lost: true})
		}
	}
	e.next = now.Add(e.every)
	e.discover()
	e.own.Seq++
	e.own.Awake = len(e.peers) > 0
	e.waking, e.measured, e.since, e.changed = len(e.peers) > 0, false, now, true
	for _, p := range e.peers {
		p.woken, p.waited, p.due = false, false, now
	}
}

// call starts the measured call.
func (e *echoes) call() {
	e.own.Seq++
	e.own.Awake = false
	e.waking, e.measured, e.changed = false, true, true
	e.since = time.Now()
	for _, p := range e.peers {
		// One that has never echoed may not have found this node yet, which is no delay of the volume's.
		_, p.waited = p.last.Echo[e.own.Run]
		p.due = e.since.Add(e.pause(p, e.since))
	}
}

// look reads a peer's beacon, takes its echo and notes what is to be echoed.
func (e *echoes) look(p *peer) {
	b, err := e.board.read(p.name)
	if err != nil || b.Node != p.last.Node {
		return
	}
	now := time.Now()
	e.note(p, b)
	if e.own.Echo[b.Run] != b.Seq {
		// One a peer, however often it begins anew: the beacon has one block.
		if p.echoed != b.Run {
			delete(e.own.Echo, p.echoed)
			p.echoed = b.Run
		}
		e.own.Echo[b.Run] = b.Seq
		e.changed = true
		if p.hot = (time.Time{}); b.Awake {
			p.hot = now.Add(echoPatience)
		}
	}
	if seq, ok := b.Echo[e.own.Run]; !ok || seq != e.own.Seq {
		return
	}
	p.woken = true
	if e.measured && p.waited {
		p.waited = false
		e.report(echoed{Peer: b.Node, Seconds: now.Sub(e.since).Seconds()})
	}
}

func (e *echoes) note(p *peer, b beacon) {
	if b.Run != p.last.Run || b.Seq != p.last.Seq {
		p.idle = 0
	}
	p.last = b
}

// discover looks at all beacons and chooses the peers.
func (e *echoes) discover() {
	names, err := e.board.list()
	if err != nil {
		return
	}
	slices.Sort(names)
	names = names[:min(len(names), echoBeacons)]
	known := map[string]*peer{}
	for _, name := range names {
		p := e.known[name]
		if p == nil {
			p = &peer{name: name}
		}
		p.idle++
		if b, err := e.board.read(name); err == nil {
			e.note(p, b)
		}
		known[name] = p
	}
	e.known = known
	var alive []*peer
	for _, name := range names {
		p := known[name]
		room := e.names[p.last.Node] || len(e.names) < echoNames
		if p.last.Run != "" && p.idle < echoGone && room {
			e.names[p.last.Node] = true
			alive = append(alive, p)
		}
	}
	e.peers = neighbours(alive, e.own.Node)
	runs := map[string]uint64{}
	for _, p := range e.peers {
		if seq, ok := e.own.Echo[p.last.Run]; ok {
			runs[p.last.Run] = seq
		}
	}
	e.own.Echo = runs
}

// neighbours chooses at most echoPeers of the peers: those next to this node in the ring of names, so that of two nodes
// each chooses the other or neither does.
func neighbours(alive []*peer, node string) []*peer {
	if len(alive) <= echoPeers {
		return alive
	}
	slices.SortFunc(alive, func(a, b *peer) int {
		if a.last.Node < b.last.Node || (a.last.Node == b.last.Node && a.name < b.name) {
			return -1
		}
		return 1
	})
	at, _ := slices.BinarySearchFunc(alive, node, func(p *peer, node string) int {
		if p.last.Node < node {
			return -1
		}
		return 1
	})
	var chosen []*peer
	for i := range echoPeers / 2 {
		n := len(alive)
		chosen = append(chosen, alive[(at+i)%n], alive[((at-1-i)%n+n)%n])
	}
	return chosen
}

// write tells the others what has changed.
func (e *echoes) write() {
	if e.changed && e.board.write(e.own) == nil {
		e.changed = false
	}
}
