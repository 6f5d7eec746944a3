package recovery

import (
	"fmt"
	"slices"

	"brickyard/setup/actual"
)

// decideWithheld decides about a brick that may have lost what it had acknowledged,
// and that GlusterFS was kept from starting.
func decideWithheld(s actual.Set, own int) Decision {
	b := s.Bricks[own]
	if b.GivenUp {
		return Decision{Empty, "this node was given up while it was away: what the brick holds is out of date"}
	}
	if !b.Published.Doubted() {
		if !s.Majority {
			return Decision{Wait, "the node was not stopped cleanly; waiting for a majority of the pool's servers to be connected"}
		}
		return Decision{TellSuspect, "the node was not stopped cleanly, and the brick may have lost writes: the other nodes must know"}
	}
	sources := s.Others(own, actual.Brick.Complete)
	if len(sources) > 0 {
		return Decision{Resync, "the node was not stopped cleanly: before anybody reads from the brick it is compared with " + s.List(sources)}
	}
	return decideWithoutSource(s, own)
}

// decideWithoutSource decides about a suspect brick while no complete copy is online.
func decideWithoutSource(s actual.Set, own int) Decision {
	behind := s.Bricks[own].Published == actual.Behind
	doubtful := s.Others(own, func(o actual.Brick) bool {
		return o.MayHold() && !o.Arbiter && (!o.Published.Doubted() || behind && o.Published == actual.IsSuspect)
	})
	if len(doubtful) > 0 {
		return Decision{Wait, fmt.Sprintf("the node was not stopped cleanly; waiting for %s, which may hold what this brick lost (to give it up: gluster-setup recover --give-up NODE)", s.List(doubtful))}
	}
	// Nobody knows better: the first that can begins, and the others are compared with it.
	begins := func(p actual.Published) int {
		return slices.IndexFunc(s.Bricks, func(o actual.Brick) bool { return o.Published == p && !o.GivenUp && !o.Arbiter && o.Reachable })
	}
	first := begins(actual.IsSuspect)
	if first < 0 {
		first = begins(actual.Behind)
	}
	switch {
	case first < 0:
		return Decision{Wait, "waiting for a brick of the replica set that holds contents, not names only"}
	case first != own:
		return Decision{Wait, fmt.Sprintf("no brick of the replica set is known to be complete: waiting for %s to begin", s.Bricks[first].Node)}
	case !s.Majority:
		return Decision{Wait, "no brick of the replica set is known to be complete: waiting for a majority of the pool's servers to be connected"}
	}
	return Decision{Accept, "no brick of the replica set is known to be complete, nobody can prove that nothing was lost: it serves as it is"}
}

// decideReleased decides about a brick that was compared and serves again, and of
// which the replication heals what differed.
func decideReleased(s actual.Set, own int) Decision {
	b := s.Bricks[own]
	sources := s.Others(own, actual.Brick.Complete)
	// One that was away then may alone hold what this brick acknowledged and lost.
	missed := s.Others(own, func(o actual.Brick) bool {
		return !o.Compared && !o.GivenUp && !o.Arbiter && (o.Published == actual.Nothing || o.Published == actual.Unproven)
	})
	switch {
	case len(sources) == 0 && b.Online && len(s.Others(own, func(o actual.Brick) bool { return o.MayHold() && !o.Arbiter })) > 0:
		// What it lacks is noted where nobody can read it now.
		return Decision{TakeOffline, "the brick lacks changes after a power cut, and no complete copy is online: it must not show old contents"}
	case len(sources) == 0:
		return decideWithoutSource(s, own)
	case len(missed) > 0 && len(s.Others(own, func(o actual.Brick) bool { return !o.Compared && o.Complete() })) == len(missed):
		return Decision{Withhold, "it was not compared with " + s.List(missed) + " yet, which was away"}
	case !b.Online:
		return Decision{Start, "the brick was compared with " + s.List(sources) + " after a power cut: what differs is healed"}
	case len(missed) > 0:
		return Decision{Wait, fmt.Sprintf("the brick serves after a power cut; to know that it is complete it must be compared with %s, which is away (to give it up: gluster-setup recover --give-up NODE)", s.List(missed))}
	case !s.Healed:
		return Decision{Healing, "what the brick lost in a power cut is being healed from " + s.List(sources)}
	case !s.Majority:
		return Decision{Wait, "the brick is complete; waiting for a majority of the pool's servers to be connected to say so"}
	}
	return Decision{Finish, "the brick is complete after a power cut"}
}
