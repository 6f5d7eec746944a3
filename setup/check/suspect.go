package check

import "slices"

// Verdict is what a look at a suspect came to.
type Verdict int

// What a look can come to.
const (
	Equal     Verdict = iota // it is the same on all bricks
	Again                    // look again
	Different                // it differs, and nothing is under way
	Waiting                  // it differs, and GlusterFS knows: it waits to be healed
	Busy                     // it never was the same twice
)

const (
	// needed is how many looks in a row must find the same difference.
	needed = 3
	// most is how many looks a suspect gets.
	most = 6
)

// Suspect is a name that was not the same on all bricks when it was compared.
// On a live volume that may mean nothing: bricks are not asked in the same
// moment.
type Suspect struct {
	Dir, Name string

	// nameless are the bricks on which the name had no gfid: looking it up there
	// would give it one.
	nameless []bool
	// walked says that it is a directory whose names were compared; lists counts
	// in how many looks it could not be listed.
	walked bool
	lists  int

	looks int
	same  int       // looks in a row with kept in common
	kept  []Finding // what these looks found
	clean bool      // a look found no change under way
}

// Look takes what one look found in, and says what to do. pending says that a
// brick has noted changes that another lacks, dirty that a change is under way
// or was interrupted.
//
// A difference counts if the same files differed in the same way in several
// looks: what an application changes at that moment changes its values too.
// Dirty comes and goes where files are being written; if it never goes, it is
// the mark of an interrupted change, which heals.
func (s *Suspect) Look(found []Finding, pending, dirty bool) (Verdict, []Finding) {
	if len(found) == 0 {
		return Equal, nil
	}
	s.looks++
	s.clean = s.clean || !dirty
	s.kept = slices.DeleteFunc(s.kept, func(f Finding) bool { return !slices.ContainsFunc(found, f.same) })
	s.same++
	if len(s.kept) == 0 {
		s.kept, s.same = slices.Clone(found), 1
	}
	known := pending || !s.clean
	switch {
	case s.same >= needed && !known:
		return Different, s.kept
	case s.looks < most:
		return Again, nil
	case s.same >= needed:
		return Waiting, nil
	default:
		return Busy, nil
	}
}
