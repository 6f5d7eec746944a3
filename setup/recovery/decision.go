// Package recovery brings this node's bricks back after a reboot: wiped tmpfs
// bricks are refilled from a complete copy, or rebuilt empty when no copy is
// left, and half-filled bricks whose source vanished are never shown.
//
// Package actual looks, Decide is pure and says what to do about each local
// brick and why, Act does it.
package recovery

// Action is what a node does about one of its bricks.
type Action string

// The actions.
const (
	None        Action = "none"         // it is complete and serves
	Start       Action = "start"        // its process is gone: start it
	TellWiped   Action = "tell-wiped"   // publish that it is empty
	Refill      Action = "refill"       // reset-brick: GlusterFS fills it from a complete copy
	Rebuild     Action = "rebuild"      // begin anew, empty: no copy is left anywhere
	TakeOffline Action = "take-offline" // stop its process: it holds names without contents and has no source
	Empty       Action = "empty"        // throw away what it holds
	Redo        Action = "redo"         // empty it again: GlusterFS never confirmed its refill
	Finish      Action = "finish"       // the refill is complete: remove mark and word
	Healing     Action = "healing"      // wait: it is being filled
	Wait        Action = "wait"         // wait for somebody else
	Stop        Action = "stop"         // wait for a person
	TellSuspect Action = "tell-suspect" // publish that it may have lost something
	Resync      Action = "resync"       // compare it with a complete copy before anybody reads from it
	Withhold    Action = "withhold"     // keep it from GlusterFS again: there is one more to compare it with
	Accept      Action = "accept"       // let it serve as it is: nobody knows better
)

// Decision is an action and its reason in words.
type Decision struct {
	Action Action
	Reason string
}

// Settled reports whether nothing is left to do or to wait for.
func (d Decision) Settled() bool { return d.Action == None }

// Waiting reports whether only others can change something.
func (d Decision) Waiting() bool {
	return d.Action == Wait || d.Action == Stop || d.Action == Healing
}

// harmless reports whether the action is right also where nothing that is noted
// beside the brick can be believed: it throws nothing away, and calls nothing
// complete.
func (d Decision) harmless() bool {
	return d.Settled() || d.Waiting() || d.Action == Start || d.Action == TellSuspect || d.Action == Resync
}

// changesVolume reports whether the action tells all nodes of the volume something.
func (d Decision) changesVolume() bool {
	switch d.Action {
	case Start, TellWiped, Refill, Rebuild, Finish, TellSuspect, Resync, Accept:
		return true
	default:
		return false
	}
}
