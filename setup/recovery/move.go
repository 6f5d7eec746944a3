package recovery

import (
	"context"
	"strings"

	"brickyard/setup/actual"
)

// move moves words to whom they are about, where a volume has some that stand elsewhere. What fails is done at the next look:
// until then the words are read where they are.
func (r *Runner) move(ctx context.Context, locals []actual.Local) {
	for _, l := range locals {
		pairs := strings.Join(l.Move, " ")
		if len(l.Move) == 0 || !l.Set.Majority || r.joining() {
			continue
		}
		err := r.change(ctx, command(l.Set.Volume, l.Move))
		switch {
		case err == nil:
			r.Log.Info("what was said about bricks under their numbers is kept under who they are", "volume", l.Set.Volume, "options", pairs)
		case r.unmoved[l.Set.Volume] != pairs:
			r.Log.Warn("what was said about bricks under their numbers cannot be kept under who they are yet", "volume", l.Set.Volume, "error", sanitize(err.Error()))
		}
		if r.unmoved == nil {
			r.unmoved = map[string]string{}
		}
		r.unmoved[l.Set.Volume] = pairs
	}
}
