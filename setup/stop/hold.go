package stop

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"brickyard/setup/actual"
)

// Holding is why a node must stay up, in words.
type Holding struct {
	For  string // the bricks that need this node
	Gone bool   // their nodes do not answer: they may be booting, or off for good
}

// Hold returns for whom this node must stay up, because the bricks that it
// would take away are the only complete copies: bricks that are being filled
// from them, or that have entries to be healed. What is in memory would be lost
// altogether, so then bricks that are empty or down are waited for as well.
func Hold(sets []actual.Local) []Holding {
	var out []Holding
	for _, l := range sets {
		own := l.Brick()
		if !l.Set.Started || !own.Serves() || own.Arbiter {
			continue
		}
		var filling, down, gone []string
		complete, online := 0, 0
		for i, b := range l.Set.Bricks {
			name := b.Node + ":" + b.Path
			if b.Online {
				online++
			}
			switch {
			case i == l.Own || b.GivenUp || b.Arbiter:
			case b.Serves():
				complete++
			case b.Online:
				filling = append(filling, name)
			case b.Reachable:
				down = append(down, name)
			default:
				gone = append(gone, name)
			}
		}
		switch {
		case complete > 0 && own.Pending > 0 && online == len(l.Set.Bricks):
			out = append(out, Holding{For: fmt.Sprintf("entries of volume %s that wait to be healed", l.Set.Volume)})
		case complete > 0:
		case len(filling) > 0:
			out = append(out, Holding{For: strings.Join(filling, ", ")})
		case l.Tmpfs && len(down) > 0:
			out = append(out, Holding{For: strings.Join(down, ", ")})
		case l.Tmpfs && len(gone) > 0:
			out = append(out, Holding{For: strings.Join(gone, ", "), Gone: true})
		}
	}
	return out
}

// bootTime is how long a shutdown waits for nodes that do not answer: long
// enough for one that is rebooting, too short to hurt when all are switched off.
const bootTime = time.Minute

// HoldUp waits, within the limit, while others need this node's complete copy, and tells the journal through out. It
// has no error: a shutdown must not fail.
func HoldUp(
	ctx context.Context, observe func(context.Context) ([]actual.Local, error), limit time.Duration, out io.Writer,
) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began, said := time.Now(), ""
	warn := func(format string, args ...any) { fmt.Fprintf(out, "<4>gluster-setup: shutdown "+format+"\n", args...) }
	for {
		sets, err := observe(ctx)
		if err != nil {
			return // glusterd is gone: nobody heals from here any more
		}
		var words []string
		for _, h := range Hold(sets) {
			if !h.Gone || time.Since(began) < bootTime {
				words = append(words, h.For)
			}
		}
		waiting := strings.Join(words, ", ")
		switch {
		case waiting == "" && said == "":
			return
		case waiting == "":
			warn("goes on after %.0f s", time.Since(began).Seconds())
			return
		case waiting != said:
			said = waiting
			warn("waits up to %s: the only complete copy is here, and needed for %s", limit, waiting)
		}
		select {
		case <-ctx.Done():
			warn("goes on after %s although %s still needs this node", limit, waiting)
			return
		case <-time.After(time.Second):
		}
	}
}
