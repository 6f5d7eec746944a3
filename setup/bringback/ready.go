package bringback

import (
	"context"
	"time"

	"brickyard/gluster"
	"brickyard/setup/desired"
	"brickyard/setup/guard"
	"brickyard/setup/host"
	"brickyard/setup/machine"
	"brickyard/setup/powerloss"
	"brickyard/setup/store"
	"brickyard/setup/volfilter"
)

// ready readies the bricks of this node before anything is looked at.
func (n *Node) ready(ctx context.Context) {
	n.shutOut(ctx)
	n.keep()
	n.letStart(ctx)
}

// shutOut closes brick file systems that a former version mounted open to
// everybody, and that the next apply would close: until then anybody could
// leave something beside a brick. What fails is logged: what others leave there is
// not believed.
func (n *Node) shutOut(ctx context.Context) {
	h, err := host.New(n.Observer.State, &desired.Rendered{}, "")
	if err == nil {
		var closed []string
		closed, err = h.ShutOut(ctx)
		for _, path := range closed {
			n.Log.Warn("others could get at what lies beside a brick: its file system is root's alone now; "+
				"run gluster-setup apply, which makes that last", "mount", path)
		}
	}
	if err != nil {
		n.Log.Error("others may get at what lies beside a brick", "error", err)
	}
}

// letStart does again what apply did so that bricks start on a tmpfs without user
// attributes, where a new version of GlusterFS or another kernel undid it. What
// fails is logged: bricks that start without it are looked after all the same.
func (n *Node) letStart(ctx context.Context) {
	bricks := n.Observer.State.TmpfsBricks()
	if len(bricks) == 0 {
		return
	}
	seen, err := volfilter.Look("/", bricks, volfilter.Keeps)
	if err == nil {
		acts := volfilter.Decide(seen, volfilter.Still(seen, bricks))
		for _, a := range acts {
			n.Log.Info("bricks on a tmpfs without user attributes need it", "action", a.Action, "path", a.Path)
		}
		err = volfilter.Do(ctx, machine.Run, acts)
	}
	if err != nil {
		n.Log.Error("bricks on tmpfs may not start", "error", err)
	}
}

// keep flushes this node's bricks, so that little has to be read after a power
// cut, and removes what was taken out of them, and of glusterd's store, long ago.
func (n *Node) keep() {
	for _, b := range guard.Lasting(n.Observer.State) {
		if err := powerloss.Flush(b.Path, time.Now()); err != nil {
			n.Log.Warn("a brick cannot be flushed to its disk", "volume", b.Volume, "brick", b.Path, "error", err)
		}
		removed, err := powerloss.Prune(b.Path, time.Now(), powerloss.Synchronized())
		for _, dir := range removed {
			n.Log.Info("what was taken out of a brick a month ago is removed",
				"volume", b.Volume, "directory", dir)
		}
		if err != nil {
			n.Log.Warn("what was taken out of a brick long ago cannot be removed",
				"volume", b.Volume, "brick", b.Path, "error", err)
		}
	}
	removed, err := store.Prune(gluster.DefaultWorkdir, time.Now(), powerloss.Synchronized())
	for _, dir := range removed {
		n.Log.Info("what was taken out of glusterd's store a month ago is removed", "directory", dir)
	}
	if err != nil {
		n.Log.Warn("what was taken out of glusterd's store long ago cannot be removed", "error", err)
	}
}
