package resync

import (
	"slices"

	"brickyard/setup/check"
)

// Remedy is what is done about a name at which the brick and the source differ.
type Remedy int

// The remedies.
const (
	markEntry     Remedy = iota // the file is healed from the source
	markDirectory               // the names of its directory are healed from the source
	takeOut                     // and the name is taken out of the brick first
	keepBoth                    // the names of both are kept
	copyAndMark                 // the brick's contents are kept aside, then healed from the source
	leave                       // GlusterFS's own notes decide, or a person: see docs/power-loss.md
)

// Decide says what is done about one name. It is pure. accused says that the
// brick notes that the source lacks names of the directory, newer that it notes
// that the source lacks changes of the file: what the source had missed before
// the power cut only this brick has. unproven is Job.Unproven.
func Decide(own, source check.Entry, found []check.Finding, accused, newer, unproven bool) Remedy {
	has := func(kinds ...check.Kind) bool {
		return slices.ContainsFunc(found, func(f check.Finding) bool { return slices.Contains(kinds, f.Kind) })
	}
	only := source.State == check.Absent
	switch {
	case source.State == check.Unreadable || source.State == check.NoGFID:
		return leave
	case own.State == check.NoGFID:
		return takeOut
	case own.State == check.Absent:
		return markDirectory // also of a directory that could not be listed
	case only || has(check.TypeKind, check.GFID):
		switch {
		case accused:
			return leave
		case only && unproven:
			return keepBoth
		default:
			return takeOut
		}
	case newer:
		return leave
	case unproven && own.State == check.Present && !own.IsDir() && has(check.Size, check.Content):
		return copyAndMark
	default:
		return markEntry
	}
}
