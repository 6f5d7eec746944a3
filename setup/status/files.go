package status

import "context"

// files says which nodes applied another cluster file last than this one did.
func (g *Gatherer) files(ctx context.Context, s *Status) {
	if g.Applied == nil || g.Encrypted {
		return
	}
	v, err := g.Applied.View(ctx)
	if err != nil {
		s.problem("%v", err)
		return
	}
	if v.Own != nil && v.Own.File != v.File {
		s.Warnings = append(s.Warnings, "the cluster file is not the one that was applied here last: run plan, and then apply")
		v.File = v.Own.File
	}
	s.Problems = append(s.Problems, v.Differing()...)
	s.Warnings = append(s.Warnings, v.Unsure()...)
}
