// Package check compares the bricks of a replica set name by name, as each of
// them shows itself, because what GlusterFS does not know to differ it neither
// heals nor lists in heal info.
//
// Compare and Suspect are pure: what differs between several views of one name,
// and whether a difference that was seen on a live volume is one. A Walker goes
// through the views of all bricks of a set at once; Mount makes a view of a
// brick of a running volume: a client that knows this brick alone.
package check

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
)

// State is what a brick has at a name.
type State uint8

// What a brick can have at a name.
const (
	Absent     State = iota // nothing
	Present                 //
	NoGFID                  // a name that is no file of the volume: see recovery
	Unreadable              // the brick refuses: Errno says how
)

// Entry is what one brick has at one name.
type Entry struct {
	State State
	Errno unix.Errno // of Unreadable
	Mode  uint32     // type and permissions, as in stat
	UID   uint32
	GID   uint32
	Size  int64
	Rdev  uint64
	ID    uint64 // the inode number, half of the gfid
	// Changed is when GlusterFS last changed it by its clients' clocks, and
	// Touched when this machine's kernel did, in nanoseconds since 1970; 0 where
	// the view cannot tell. Nothing is compared by them.
	Changed, Touched int64
	Deep             bool // Target and Xattrs are known

	Target string  // of a symbolic link
	Xattrs []Xattr // those that belong to the file and not to GlusterFS, sorted by name
	Sum    string  // checksum of the content in hex, "" where it was not read

	// Pending says that the brick knows of changes that another one lacks, in the
	// entry or, for its name, in the directory; Dirty that a change is under way
	// or was interrupted.
	Pending, Dirty bool
}

// Xattr is one extended attribute.
type Xattr struct{ Name, Value string }

// Type is the type of the file, S_IFREG and so on.
func (e Entry) Type() uint32 { return e.Mode & unix.S_IFMT }

// IsDir reports whether it is a directory that is there.
func (e Entry) IsDir() bool { return e.State == Present && e.Type() == unix.S_IFDIR }

func (e Entry) isFile() bool { return e.State == Present && e.Type() == unix.S_IFREG }

// Kind says in what bricks differ.
type Kind string

// The kinds of differences.
const (
	Missing      Kind = "missing"    // a brick lacks a name that others have
	Extra        Kind = "extra"      // one of three bricks has a name that the others lack
	TypeKind     Kind = "type"       // file, directory, link, device
	GFID         Kind = "gfid"       // two different files of one name
	Size         Kind = "size"       //
	Mode         Kind = "mode"       //
	Owner        Kind = "owner"      //
	Target       Kind = "target"     // of a symbolic link
	XattrKind    Kind = "xattr"      // extended attributes, access control lists
	Content      Kind = "content"    // same size, other bytes
	NoGFIDKind   Kind = "no_gfid"    // a name that GlusterFS did not finish making
	UnreadableKd Kind = "unreadable" // a brick returns an error for the name
)

// Kinds are all of them in the order of the documentation.
func Kinds() []Kind {
	return []Kind{Missing, Extra, TypeKind, GFID, Size, Mode, Owner, Target, XattrKind, Content, NoGFIDKind, UnreadableKd}
}

// Finding is one way in which the bricks differ at a name.
type Finding struct {
	Kind Kind `json:"kind"`
	// Values are what each brick has, in words, in the order of the set.
	Values []string `json:"values"`

	ids string // the files that were compared
}

// same reports whether two looks found the same.
func (f Finding) same(g Finding) bool {
	return f.Kind == g.Kind && f.ids == g.ids && slices.Equal(f.Values, g.Values)
}

// Compare says in what the bricks of a set differ at one name: entries are in
// the order of bricks.
func Compare(bricks []gluster.Brick, entries []Entry) []Finding {
	var ids strings.Builder
	count := map[State]int{}
	for _, e := range entries {
		count[e.State]++
		fmt.Fprintf(&ids, "%x ", e.ID)
	}
	var out []Finding
	add := func(k Kind, of func(i int, e Entry) (string, bool)) {
		f := Finding{Kind: k, ids: ids.String()}
		first, differ := "", false
		for i, e := range entries {
			text, counts := of(i, e)
			if counts && first == "" {
				first = text
			}
			differ = differ || counts && text != first
			f.Values = append(f.Values, text)
		}
		if differ {
			out = append(out, f)
		}
	}
	if count[Absent] > 0 && count[Present]+count[Unreadable] > 0 {
		kind := Missing
		if len(entries) > 2 && count[Present]+count[Unreadable] == 1 {
			kind = Extra
		}
		add(kind, func(_ int, e Entry) (string, bool) { return presence(e), true })
	}
	if count[NoGFID] > 0 {
		f := Finding{Kind: NoGFIDKind, ids: ids.String()}
		for _, e := range entries {
			f.Values = append(f.Values, presence(e))
		}
		out = append(out, f)
	}
	if count[Unreadable] > 0 {
		f := Finding{Kind: UnreadableKd, ids: ids.String()}
		for _, e := range entries {
			f.Values = append(f.Values, presence(e))
		}
		out = append(out, f)
	}
	if count[Present] < 2 {
		return out
	}
	// present leaves what is not there out of a comparison.
	present := func(of func(e Entry) string) func(int, Entry) (string, bool) {
		return func(_ int, e Entry) (string, bool) {
			if e.State != Present {
				return presence(e), false
			}
			return of(e), true
		}
	}
	before := len(out)
	add(TypeKind, present(typeWords))
	if len(out) > before {
		return out // nothing else can be compared
	}
	add(GFID, present(func(e Entry) string { return fmt.Sprintf("…%016x", e.ID) }))
	add(Mode, present(func(e Entry) string { return fmt.Sprintf("%04o", e.Mode&^unix.S_IFMT) }))
	add(Owner, present(func(e Entry) string { return fmt.Sprintf("%d:%d", e.UID, e.GID) }))
	contents := func(of func(e Entry) string) func(int, Entry) (string, bool) {
		return func(i int, e Entry) (string, bool) {
			switch {
			case e.State != Present:
				return presence(e), false
			case bricks[i].Arbiter:
				return "arbiter", false
			default:
				return of(e), e.Type() == unix.S_IFREG
			}
		}
	}
	add(Size, contents(func(e Entry) string { return fmt.Sprint(e.Size) }))
	deep := func(of func(e Entry) string) func(int, Entry) (string, bool) {
		return func(_ int, e Entry) (string, bool) {
			if e.State != Present {
				return presence(e), false
			}
			return of(e), e.Deep
		}
	}
	add(Target, deep(func(e Entry) string { return fmt.Sprintf("%q", e.Target) }))
	add(XattrKind, deep(func(e Entry) string { return xattrWords(e.Xattrs) }))
	sums := contents(func(e Entry) string { return "sha256:" + e.Sum })
	add(Content, func(i int, e Entry) (string, bool) {
		text, counts := sums(i, e)
		return text, counts && e.Sum != ""
	})
	return out
}

func presence(e Entry) string {
	switch e.State {
	case Absent:
		return "missing"
	case NoGFID:
		return "without gfid"
	case Unreadable:
		return "error: " + e.Errno.Error()
	case Present:
		return "present"
	default:
		return "?"
	}
}

func typeWords(e Entry) string {
	switch e.Type() {
	case unix.S_IFREG:
		return "file"
	case unix.S_IFDIR:
		return "directory"
	case unix.S_IFLNK:
		return "symbolic link"
	case unix.S_IFIFO:
		return "fifo"
	case unix.S_IFSOCK:
		return "socket"
	case unix.S_IFBLK:
		return fmt.Sprintf("block device %d,%d", unix.Major(e.Rdev), unix.Minor(e.Rdev))
	case unix.S_IFCHR:
		return fmt.Sprintf("character device %d,%d", unix.Major(e.Rdev), unix.Minor(e.Rdev))
	default:
		return fmt.Sprintf("type %o", e.Type())
	}
}

// longestXattr is how much of a value is printed.
const longestXattr = 64

func xattrWords(xattrs []Xattr) string {
	if len(xattrs) == 0 {
		return "none"
	}
	var words []string
	for _, x := range xattrs {
		value := fmt.Sprintf("%x", x.Value)
		if len(x.Value) > longestXattr {
			value = fmt.Sprintf("sha256:%s (%d bytes)", sumOf(x.Value), len(x.Value))
		}
		words = append(words, x.Name+"="+value)
	}
	return strings.Join(words, ", ")
}

// ours reports whether an extended attribute belongs to the file: GlusterFS keeps its own
// beside them, which differ between bricks, and a security label may be the machine's.
func ours(name string) bool {
	if rest, ok := strings.CutPrefix(name, "trusted."); ok {
		first, _, _ := strings.Cut(rest, ".")
		return !slices.Contains([]string{"afr", "glusterfs", "gfid", "gfid2path", "pgfid", "bit-rot", "ec", "tier", "SGI_ACL_FILE", "SGI_ACL_DEFAULT"}, first)
	}
	return name != "security.selinux" && !strings.HasPrefix(name, "glusterfs.") && !strings.HasPrefix(name, "security.ima") && !strings.HasPrefix(name, "security.evm")
}
