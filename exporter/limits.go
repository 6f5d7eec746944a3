package main

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Whoever reaches the port may connect and scrape as often as he likes. What he can take is bounded here, and shared
// out by client, so that one client cannot keep out another one.

// longestScrape bounds the time that a request may give a scrape; --web.scrape-timeout does where it is longer.
const longestScrape = 30 * time.Second

// maxHeader bounds the header of a request in bytes. Prometheus sends some hundred.
const maxHeader = 16 << 10

// room is how many connections may be open where so many scrapes may be under way, 0 being any number: Prometheus keeps
// one between two scrapes.
func room(scrapes int) int {
	const others, unlimited = 256, 4096
	if scrapes == 0 {
		return unlimited
	}
	return scrapes + others
}

// client is who is at the other end, as far as addresses tell: the one of IPv4, or the network of IPv6, of which a
// machine has all addresses.
func client(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote // a unix or vsock socket
	}
	const network = 64
	addr := at.Addr().Unmap().WithZone("")
	if p, err := addr.Prefix(network); err == nil && addr.Is6() {
		return p.String()
	}
	return addr.String()
}

// turns are the scrapes at the same time. The last one is for a client that has none: who holds many cannot hold all.
type turns struct {
	most int // 0: any number

	mu    sync.Mutex
	taken int
	of    map[string]int // taken by a client
}

func newTurns(most int) *turns { return &turns{most: most, of: map[string]int{}} }

// take reports whether the client may scrape now. Who may gives the turn back.
func (t *turns) take(client string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.most > 0 && (t.taken >= t.most || t.taken == t.most-1 && t.of[client] > 0) {
		return false
	}
	t.taken++
	t.of[client]++
	return true
}

func (t *turns) giveBack(client string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken--
	if t.of[client]--; t.of[client] == 0 {
		delete(t.of, client)
	}
}

// connections are those that are open. One too many ends one of the client that has most of them: the one that waits
// longest for a request, and only where none does one with a request.
type connections struct {
	most int

	mu   sync.Mutex
	last uint64
	open map[net.Conn]*connection
}

type connection struct {
	client string
	busy   bool   // with a request, or the first bytes of one
	since  uint64 // counts changes of connections: a smaller number is longer ago
}

func newConnections(most int) *connections {
	return &connections{most: most, open: map[net.Conn]*connection{}}
}

// changed is the ConnState of a http.Server.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	known := c.open[conn]
	switch {
	case state == http.StateNew:
		c.open[conn] = &connection{client: client(conn.RemoteAddr().String()), since: c.last}
		if len(c.open) > c.most {
			c.endOne()
		}
	case known == nil: // it was ended here
	case state == http.StateActive, state == http.StateIdle:
		known.busy, known.since = state == http.StateActive, c.last
	default:
		delete(c.open, conn)
	}
}

// endOne ends the connection that is missed least.
func (c *connections) endOne() {
	count := map[string]int{}
	for _, k := range c.open {
		count[k.client]++
	}
	var victim net.Conn
	for conn, k := range c.open {
		if victim == nil || rank(k, c.open[victim], count) < 0 {
			victim = conn
		}
	}
	delete(c.open, victim)
	if secured, ok := victim.(*tls.Conn); ok {
		victim = secured.NetConn() // a farewell could wait for a client that does not read
	}
	_ = victim.Close() //nolint:errcheck // it is of no use any more
}

// rank orders connections: those that are missed least are first.
func rank(a, b *connection, count map[string]int) int {
	busy := func(k *connection) int {
		if k.busy {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(count[b.client], count[a.client]), cmp.Compare(busy(a), busy(b)), cmp.Compare(a.since, b.since),
	)
}
