package status

import (
	"context"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/agree"
	"brickyard/setup/machine"
)

// versions says which volumes servers that accept each other have in different versions, as when a change was made by some
// of them only, and when this node's glusterd has no room to store one.
func (g *Gatherer) versions(ctx context.Context, peers []gluster.Peer, s *Status) {
	full := ""
	if g.State.Server {
		full = machine.Full(gluster.DefaultWorkdir)
	}
	if full != "" {
		s.problem("%s: a change of a volume would be made by the other servers and not by this one: make room there (df %s)", full, gluster.DefaultWorkdir)
	}
	together := agree.Together(g.State.Pool.Servers, g.State.Node, peers)
	for _, d := range agree.Lasting(ctx, g.nodes(ctx, together), func(ctx context.Context) []actual.Node { return g.nodes(ctx, together) }) {
		s.problem("%s: %s", d, strings.Replace(d.Remedy(), "plan again", "status again", 1))
	}
}

// nodes asks servers how they have the volumes.
func (g *Gatherer) nodes(ctx context.Context, servers []string) []actual.Node {
	var clients []*gluster.Client
	defer func() {
		for _, c := range clients {
			c.Close() //nolint:errcheck,gosec // a connection for reading
		}
	}()
	return actual.AskEach(ctx, servers, g.Timeout, func(name string) *gluster.Client {
		server, _ := g.State.Pool.Server(name)
		c := g.Dial(server)
		clients = append(clients, c)
		return c
	})
}
