package recovery

import (
	"context"
	"slices"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

// move moves words to whom they are about, where a volume has some that stand elsewhere. What fails is done at the next look:
// until then the words are read where they are.
func (r *Runner) move(ctx context.Context, locals []Local) {
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

// Known are the bricks of a volume as a node of a cluster file with these peers finds them.
type Known struct {
	words  Words
	bricks []known
}

// Know finds them.
func Know(pool desired.Pool, self string, v gluster.Volume, peers []gluster.Peer) Known {
	return Known{WordsOf(v), whose(pool, self, v, peers)}
}

// Number is that of a brick of the cluster file in the volume, 0-based; -1 where the volume has not got it.
func (k Known) Number(node, path string) int {
	return slices.IndexFunc(k.bricks, func(b known) bool { return b.node == node && b.Path == path })
}

// Published is what is told about a brick of the cluster file; nothing about one that the volume has not got.
func (k Known) Published(node, path string) Published {
	if i := k.Number(node, path); i >= 0 {
		return k.words.Published(i)
	}
	return Nothing
}
