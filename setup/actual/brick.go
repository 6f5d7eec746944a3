// Package actual is the pool as it is, beside package desired, which is how it should be: peers, volumes, bricks, heals and
// what nodes say of their bricks, asked once a look. It has the one type for a brick and for a replica set, and it decides
// nothing: recovery, stop, status and others do, from what a look came to.
package actual

import (
	"io/fs"
	"strings"
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

// Doubted reports whether a power cut may have cost the brick something that was
// not healed since.
func (p Published) Doubted() bool { return p == IsSuspect || p == Behind }

// Brick is what is known about one brick of a replica set.
type Brick struct {
	Node      string // of the cluster file; where none is known to be its, Host
	Nobodys   bool   // no node of the cluster file is known to be its
	Host      string // as the volume has it
	Path      string
	Number    int // in the order of the volume, 0-based
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

// String gives the brick as the gluster command prints it.
func (b Brick) String() string { return b.Host + ":" + b.Path }

// On says whether the brick is that of a node of the cluster file at a path.
func (b Brick) On(node, path string) bool { return !b.Nobodys && b.Node == node && b.Path == path }

// Serves reports whether the brick is online with what it should hold, as far
// as anybody knows.
func (b Brick) Serves() bool { return b.Online && (b.Published == Nothing || b.Published == Unproven) }

// Complete reports whether others may be filled from the brick.
func (b Brick) Complete() bool { return b.Serves() && !b.GivenUp && !b.Arbiter }

// MayHold reports whether the brick may hold what no brick that serves has.
func (b Brick) MayHold() bool {
	away := !b.Online && (b.Published == Nothing || b.Published == Unproven)
	return (away || b.Published.Doubted()) && !b.GivenUp
}

// Suspect reports whether a power cut may have cost the brick anything, and
// nothing has proved the contrary yet.
func (b Brick) Suspect() bool {
	return b.Disk == Withheld || b.Published.Doubted() || b.Published == Unproven
}

// Comparison is what is noted of a brick that another one was compared with: who it is, and that it serves without a proof
// where it does. What was compared with it before it lost power itself is not compared with what it has since.
func (b Brick) Comparison() string {
	if b.Published == Unproven {
		return string(b.Who) + ":" + string(Unproven)
	}
	return string(b.Who)
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

// Others returns the indices of the other bricks for which is holds.
func (s Set) Others(own int, is func(Brick) bool) []int {
	var out []int
	for i, o := range s.Bricks {
		if i != own && is(o) {
			out = append(out, i)
		}
	}
	return out
}

// Nodes names the nodes of bricks.
func (s Set) Nodes(bricks []int) string {
	var out []string
	for _, i := range bricks {
		out = append(out, s.Bricks[i].Node)
	}
	return strings.Join(out, ", ")
}

// List names bricks by their nodes.
func (s Set) List(bricks []int) string {
	var out []string
	for _, i := range bricks {
		out = append(out, s.Bricks[i].Node+":"+s.Bricks[i].Path)
	}
	return strings.Join(out, ", ")
}
