package recovery

import (
	"fmt"
	"slices"

	"brickyard/setup/actual"
)

// Decide says what the node of brick own does about it. It is pure.
//
// What it guarantees: a brick is filled only from a brick that is online and
// about which nothing is published, and only while no brick that might know
// better is away; a set is begun anew only when every brick of it is known to be
// empty or was given up by a person; a half-filled brick is online only while
// it has a complete source.
func Decide(s actual.Set, own int) Decision {
	if s.Otherwise != "" {
		return Decision{Stop, s.Otherwise + ": recover touches nothing of this replica set until both say the same; correct volumes." + s.Volume + ".bricks"}
	}
	d := decide(s, own)
	if who := s.Bricks[own].Exposed; who != "" && !d.harmless() {
		return Decision{Stop, who + ": nothing that is noted beside the brick can be believed; give the directory to root alone (chown root, chmod go-w), or choose another place for the brick"}
	}
	return d
}

func decide(s actual.Set, own int) Decision {
	b := s.Bricks[own]
	if !s.Started {
		return Decision{None, "the volume is not started"}
	}
	if b.Unknown != "" && b.Disk != actual.Unmounted {
		return Decision{Wait, "unknown whether the brick serves: " + b.Unknown}
	}
	switch b.Disk {
	case actual.Unmounted:
		return Decision{Stop, b.Why + ": run gluster-setup apply"}
	case actual.Link:
		return Decision{Stop, "the brick path is a symbolic link (" + b.Why + "): GlusterFS could write anywhere; replace it by the directory itself"}
	case actual.Foreign:
		return Decision{Stop, "the brick belongs to another volume (" + b.Why + "): move it away if its files are no longer needed, the brick is then refilled"}
	case actual.Unstamped:
		return Decision{Stop, "the brick directory holds files but no volume-id (" + b.Why + "): move it away if its files are no longer needed, the brick is then refilled"}
	case actual.Wiped:
		return decideWiped(s, own)
	case actual.Withheld:
		return decideWithheld(s, own)
	default:
		return decideStamped(s, own)
	}
}

// decideWiped decides about a brick of which nothing is left.
func decideWiped(s actual.Set, own int) Decision {
	b := s.Bricks[own]
	complete := s.Others(own, actual.Brick.Complete)
	doubtful := s.Others(own, func(o actual.Brick) bool {
		// One that was compared with a complete brick, and serves beside it, holds nothing that GlusterFS does not know of. It
		// would wait in its turn until this one, too, is healed.
		return o.MayHold() && (!o.Online || o.Published != actual.Behind || len(complete) == 0)
	})
	deaf := s.Others(own, func(o actual.Brick) bool { return o.Deaf })
	// Nobody needs to be told what is over at once.
	now := len(doubtful) == 0 && len(complete) > 0 && s.Majority && !b.GivenUp
	switch {
	case now && len(deaf) > 0:
		return Decision{Wait, "the brick is empty; waiting for glusterd of " + s.Nodes(deaf) + " to be connected to this node"}
	case now:
		return Decision{Refill, "the brick is empty: it is refilled from " + s.List(complete)}
	case (b.Published != actual.IsWiped || b.GivenUp) && !s.Majority:
		return Decision{Wait, "the brick is empty; waiting for a majority of the pool's servers to be connected"}
	case b.Published != actual.IsWiped || b.GivenUp:
		return Decision{TellWiped, "the brick is empty: the other nodes must know"}
	case len(doubtful) > 0:
		return Decision{Wait, fmt.Sprintf("waiting for %s, which may hold the only complete copy (to give it up: gluster-setup recover --give-up NODE)", s.List(doubtful))}
	case len(complete) > 0:
		return Decision{Wait, "waiting for a majority of the pool's servers to be connected"}
	}
	// Nobody has a complete copy. Half-filled bricks are emptied by their own nodes first.
	half := s.Others(own, func(o actual.Brick) bool { return o.Published == actual.Refilling && !o.GivenUp })
	switch {
	case !s.Ephemeral:
		return Decision{Stop, "no brick of the replica set holds a complete copy any more, and the volume is not ephemeral: restore a brick's file system from a backup, " +
			"or begin anew with gluster-setup recover --rebuild-empty " + s.Volume}
	case len(half) > 0:
		return Decision{Wait, fmt.Sprintf("waiting for %s to throw away a half-filled brick", s.List(half))}
	}
	first := beginner(s)
	switch {
	case first < 0:
		return Decision{Wait, "every brick is empty: waiting for a node of the replica set that holds contents, not names only"}
	case first != own:
		return Decision{Wait, fmt.Sprintf("every brick is empty: waiting for %s to begin anew", s.Bricks[first].Node)}
	case !s.Majority:
		return Decision{Wait, "every brick is empty: waiting for a majority of the pool's servers to be connected"}
	}
	return Decision{Rebuild, "every brick of the replica set is empty: nothing is left to lose"}
}

// decideStamped decides about a brick that holds something.
func decideStamped(s actual.Set, own int) Decision {
	b := s.Bricks[own]
	if b.GivenUp {
		// The others went on without it. What it holds is old.
		if b.Online {
			return Decision{TakeOffline, "this node was given up while it was away: what the brick holds is out of date"}
		}
		return Decision{Empty, "this node was given up while it was away: what the brick holds is out of date"}
	}
	if b.Published.Doubted() && !b.Mark {
		return decideReleased(s, own)
	}
	if !b.Mark {
		switch {
		case b.Published == actual.Unproven && !b.Online:
			return Decision{Start, "the brick's process does not run"}
		case b.Published == actual.Unproven && len(s.Others(own, func(o actual.Brick) bool { return o.Published.Doubted() && !o.GivenUp })) > 0:
			return Decision{None, "serves without a proof that nothing was lost; the others are compared with it"}
		case b.Published != actual.Nothing && !s.Majority:
			return Decision{Wait, "the brick is complete; waiting for a majority of the pool's servers to be connected to say so"}
		case b.Published != actual.Nothing:
			return Decision{Finish, "the brick is complete"}
		case !b.Online:
			return Decision{Start, "the brick's process does not run"}
		case s.Allowed && s.Majority && len(s.Others(own, actual.Brick.Serves)) == len(s.Bricks)-1:
			return Decision{Finish, "every brick of the replica set is complete: the leave to begin anew, which a person gave, is over"}
		}
		return Decision{None, "complete"}
	}
	sources := s.Others(own, actual.Brick.Complete)
	if len(sources) > 0 {
		switch {
		// Without GlusterFS's word nobody knows what the brick lacks, and nothing
		// would ever fill it. Whatever it holds came from its sources.
		case b.Begun && b.Online:
			return Decision{TakeOffline, "GlusterFS did not confirm the refill: it must begin again"}
		case b.Begun:
			return Decision{Redo, "GlusterFS did not confirm the refill: it must begin again"}
		case !b.Online:
			return Decision{Start, "its source " + s.List(sources) + " is back: the refill goes on"}
		case !s.Healed:
			return Decision{Healing, "being refilled from " + s.List(sources)}
		case !s.Majority:
			return Decision{Wait, "the brick is complete; waiting for a majority of the pool's servers to be connected to say so"}
		}
		return Decision{Finish, "the refill is complete"}
	}
	doubtful := s.Others(own, func(o actual.Brick) bool {
		return o.Published != actual.IsWiped && o.Published != actual.Refilling && !o.GivenUp && !o.Arbiter
	})
	switch {
	case b.Online:
		return Decision{TakeOffline, "the brick is half filled and no complete copy is online: it must not show names without contents"}
	case len(doubtful) > 0:
		return Decision{Wait, fmt.Sprintf("half filled; waiting for its source %s (to give it up: gluster-setup recover --give-up NODE)", s.List(doubtful))}
	case !s.Ephemeral:
		return Decision{Stop, "the brick is half filled, its source is gone, and the volume is not ephemeral: restore the source, " +
			"or begin anew with gluster-setup recover --rebuild-empty " + s.Volume}
	}
	return Decision{Empty, "the brick is half filled and its source is gone: a cache may forget, it must not lie"}
}

// beginner is the brick that begins anew when all are empty: one that did so
// already, or else the first that is to hold contents and whose node answers.
func beginner(s actual.Set) int {
	if i := slices.IndexFunc(s.Bricks, func(b actual.Brick) bool { return b.Published == actual.IsWiped && b.Online }); i >= 0 {
		return i
	}
	return slices.IndexFunc(s.Bricks, func(b actual.Brick) bool {
		return b.Published == actual.IsWiped && !b.Arbiter && !b.GivenUp && b.Reachable
	})
}
