// Package recovery brings this node's bricks back after a reboot: wiped tmpfs
// bricks are refilled from a complete copy, or rebuilt empty when no copy is
// left, and half-filled bricks whose source vanished are never shown.
//
// Observe gathers facts, Decide is pure and says what to do about each local
// brick and why, Act does it. Nodes tell each other what they know of their own
// bricks through volume options (see Published), which every node reads alike.
package recovery

import (
	"io/fs"
	"time"
)

// Disk is what a node finds where one of its bricks should be.
type Disk int

// What there can be in the place of a brick.
const (
	Unmounted Disk = iota // the brick's file system is not mounted, or not the declared one
	Wiped                 // nothing: no directory, or an empty one without a volume-id
	Stamped               // a brick of this volume
	Foreign               // a brick of another volume
	Unstamped             // files, but no volume-id: nobody knows whose
	Link                  // a symbolic link
	Withheld              // a brick of this volume whose node was not stopped cleanly: package powerloss
)

func (d Disk) String() string {
	return [...]string{"unmounted", "wiped", "stamped", "foreign", "unstamped", "link", "withheld"}[d]
}

// Published is what the node of a brick last told all others about it.
type Published string

// What is published. A brick about which nothing is published is taken to
// hold everything it ever acknowledged.
const (
	Nothing   Published = ""
	IsWiped   Published = "wiped"     // it is empty
	Refilling Published = "refilling" // it is being filled, and holds names without contents
	IsSuspect Published = "suspect"   // a power cut may have cost it what it had acknowledged
	Behind    Published = "behind"    // it lacks what others noted when it was compared after a power cut
	Unproven  Published = "unproven"  // the same, and it serves all the same, because nobody knows better
)

// Brick is what is known about one brick of a replica set.
type Brick struct {
	Node      string
	Path      string
	Who       ID
	Peer      string    // UUID of its node in the pool
	Arbiter   bool      // holds names, no contents
	Reachable bool      // its node's glusterd answers
	Online    bool      // its process accepts connections
	Unknown   string    // why it is not known whether it does, in words; "" where it is known
	Published Published // by its own node
	GivenUp   bool      // a person said that its node will not return with data
	// Pending is how many entries this brick has that others of the set lack, as
	// far as the self-heal daemon of this node can tell.
	Pending int
	Counted bool // Pending is known
	// Deaf says that its node's glusterd answers and is not connected to this
	// node's: it would refuse every change.
	Deaf bool

	// Compared says that this node's brick was compared with it since it last lost
	// power.
	Compared bool

	// Of a brick of this node only:
	Disk Disk
	Mark bool // our mark of an unfinished refill lies on its file system
	// Begun says that by the mark GlusterFS has not confirmed the refill: the
	// brick may be stamped without any other brick knowing what it lacks.
	Begun bool
	Why   string // more about Disk, for persons; of a brick that is withheld where it lies
	// Exposed says in words who but root may replace what lies around the brick:
	// neither what is noted there nor that nothing is noted can be believed.
	Exposed string
	Ignored string // what lies beside the brick and is not believed, in words
}

// Set is a replica set as one node sees it.
type Set struct {
	Volume    string
	Index     int  // 0-based
	Ephemeral bool // it may begin anew without a person, or a person allowed it
	Allowed   bool // a person allowed to begin anew, once
	// Mode is that of the volume's root directory when it begins anew; its owner the bricks set themselves, as options say.
	Mode    fs.FileMode
	Started bool // the volume is started
	Bricks  []Brick
	// Starts is how often somebody was seen to have the volume start its bricks, since this program began, and Changed when
	// a person, or apply, was last seen to change it; zero where never.
	Starts  int
	Changed time.Time
	// Otherwise says in words that the cluster file does not have this set of the volume: nothing else is known of it then.
	Otherwise string
	// Majority says that more than half of the pool's servers are connected to
	// this node: only then may it change what all nodes must know, because two
	// halves that both change it would reject each other afterwards.
	Majority bool
	// Healed says that no brick of the set has entries that wait to be healed,
	// as far as the self-heal daemon of this node can tell: all bricks answered.
	// It is false unless all are online.
	Healed bool
	// Pending is how many entries wait, where all bricks answered.
	Pending int
	// Heals says that a self-heal daemon should serve the volume.
	Heals bool
	// NoDaemon says that no self-heal daemon of this node serves the volume
	// although one should: what this node has would never reach the others.
	NoDaemon bool
}

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
