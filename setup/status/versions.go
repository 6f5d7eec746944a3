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
func (g *Gatherer) versions(ctx context.Context, pool actual.Node, s *Status) {
	full := ""
	if g.State.Server {
		full = machine.Full(gluster.DefaultWorkdir)
	}
	if full != "" {
		s.problem("%s: a change of a volume would be made by the other servers and not by this one: make room there (df %s)", full, gluster.DefaultWorkdir)
	}
	together := agree.Together(g.State.Pool.Servers, g.State.Node, pool.Peers)
	share := agree.Share(g.State.Pool.Servers, g.State.Node, pool)
	look := func(ctx context.Context) []actual.Node { return g.nodes(ctx, together, share) }
	for _, d := range agree.Lasting(ctx, look(ctx), look) {
		s.problem("%s: %s", d, strings.Replace(d.Remedy(), "plan again", "status again", 1))
	}
}

// nodes asks servers how they have the volumes that about says.
func (g *Gatherer) nodes(ctx context.Context, servers []string, about actual.About) []actual.Node {
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
	}, about)
}
