package status

import "context"

// machine says what is wrong with this machine, and often the cause of the rest.
func (g *Gatherer) machine(ctx context.Context, s *Status) {
	if g.Lost != "" {
		s.problem("%s", g.Lost)
	}
	if g.Rewriters != nil {
		words, err := g.Rewriters()
		if err != nil {
			s.problem("what writes /etc/hosts cannot be told: %v", err)
		}
		s.Warnings = append(s.Warnings, words...)
	}
	if g.Names != nil {
		g.names(ctx, s)
	}
	if g.Elsewhere == nil {
		return
	}
	e, err := g.Elsewhere()
	if err != nil {
		s.problem("where glusterd of this node keeps its store cannot be told: %v", err)
	}
	if e.What != "" {
		s.problem("glusterd of this node has its %s at %s (%s), and gluster-setup supports %s only: gluster-setup plan says what helps", e.What, e.Path, e.By, e.Usual)
	}
}

// names says which names and addresses plan would refuse or wait for.
func (g *Gatherer) names(ctx context.Context, s *Status) {
	p, err := g.Names(ctx)
	if err != nil {
		s.problem("the names of the servers cannot be looked up: %v", err)
	}
	for _, c := range p.Conflicts {
		s.problem("%s: %s (%s)", c.Object, c.Problem, c.Remedy)
	}
	if g.Lost != "" {
		return // the same in other words
	}
	for _, w := range p.Waits {
		s.problem("this node waits for %s", w)
	}
}
