package recovery

import (
	"context"
	"fmt"
	"time"
)

// starting is how long a brick is expected to need after glusterd's start.
const starting = 30 * time.Second

// Behind says in words what this node's bricks of a volume must still be given
// before a client here is sure to be shown what the other nodes' are: names that
// were removed while a brick was away are shown until it is healed, and it is
// this node's client that prefers this node's brick. It is empty where nothing
// is to be waited for, and an error where glusterd does not answer.
func (o *Observer) Behind(ctx context.Context, volume string) ([]string, error) {
	locals, err := o.Observe(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, l := range locals {
		if words := l.behind(o.Now().Sub(o.Started()) < starting); words != "" && l.Set.Volume == volume {
			out = append(out, words)
		}
	}
	return out, nil
}

// behind is the part of Behind that decides about one brick. A brick that is
// offline and stays so, or is filled from nothing, shows nothing old.
func (l Local) behind(early bool) string {
	b := l.Set.Bricks[l.Own]
	name := b.Node + ":" + b.Path
	others := l.Set.others(l.Own, func(o Brick) bool { return o.Online })
	switch {
	case !l.Set.Started, l.Tmpfs, b.GivenUp, len(others) == 0:
		return ""
	case b.Disk == Withheld:
		return fmt.Sprintf("brick %s to be compared after a power cut", name)
	case b.Disk != Stamped:
		return ""
	case !b.Online && early:
		return fmt.Sprintf("brick %s to start", name)
	case !b.Online:
		return ""
	case b.Published.doubted():
		return fmt.Sprintf("brick %s to be healed after a power cut", name)
	case !l.Set.Heals:
		return "" // nobody counts
	}
	pending := 0
	for _, i := range others {
		if !l.Set.Bricks[i].Counted {
			return fmt.Sprintf("the self-heal daemon to say what brick %s lacks", name)
		}
		pending += l.Set.Bricks[i].Pending
	}
	if pending > 0 {
		return fmt.Sprintf("brick %s to be healed", name)
	}
	return ""
}
