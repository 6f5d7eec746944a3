package status

import (
	"context"
	"slices"
	"strings"
	"sync"

	"brickyard/gluster"
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
	for _, d := range agree.Lasting(ctx, g.views(ctx, together), func(ctx context.Context) []agree.View { return g.views(ctx, together) }) {
		s.problem("%s: %s", d, strings.Replace(d.Remedy(), "plan again", "status again", 1))
	}
}

// views asks servers how they have the volumes.
func (g *Gatherer) views(ctx context.Context, servers []string) []agree.View {
	ctx, cancel := context.WithTimeout(ctx, g.Timeout)
	defer cancel()
	views := make([]agree.View, len(servers))
	var wg sync.WaitGroup
	for i, name := range servers {
		server, _ := g.State.Pool.Server(name)
		wg.Go(func() {
			c := g.Dial(server)
			defer c.Close() //nolint:errcheck // a connection for reading
			if v, err := agree.Look(ctx, name, c); err == nil {
				views[i] = v
			}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(views, func(v agree.View) bool { return v.Server == "" }) // it did not answer
}
