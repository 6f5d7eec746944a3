package check

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
)

func bricks(n int, arbiter bool) []gluster.Brick {
	var out []gluster.Brick
	for i := range n {
		out = append(out, gluster.Brick{Host: fmt.Sprintf("n%d", i+1), Path: "/b", Arbiter: arbiter && i == n-1})
	}
	return out
}

func file(change ...func(*Entry)) Entry {
	e := Entry{State: Present, Mode: unix.S_IFREG | 0o644, UID: 1, GID: 2, Size: 3, ID: 7, Deep: true, Xattrs: []Xattr{{"user.a", "1"}}, Sum: "aa"}
	for _, c := range change {
		c(&e)
	}
	return e
}

func link(target string) Entry {
	return Entry{State: Present, Mode: unix.S_IFLNK | 0o777, Size: int64(len(target)), ID: 9, Deep: true, Target: target}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	directory := file(func(e *Entry) { e.Mode, e.Size, e.Sum = unix.S_IFDIR|0o755, 100, "" })
	larger := directory
	larger.Size = 4096
	for name, c := range map[string]struct {
		bricks  []gluster.Brick
		entries []Entry
		want    []Kind
	}{
		"the same file":                             {bricks(2, false), []Entry{file(), file()}, nil},
		"nowhere any more":                          {bricks(2, false), []Entry{{}, {}}, nil},
		"one of two lacks it":                       {bricks(2, false), []Entry{file(), {}}, []Kind{Missing}},
		"one of three lacks it":                     {bricks(3, false), []Entry{file(), {}, file()}, []Kind{Missing}},
		"one of three alone has it":                 {bricks(3, false), []Entry{{}, {}, file()}, []Kind{Extra}},
		"one lacks it, the others differ":           {bricks(3, false), []Entry{{}, file(), file(func(e *Entry) { e.Size = 4 })}, []Kind{Missing, Size}},
		"a file and a directory":                    {bricks(2, false), []Entry{file(), directory}, []Kind{TypeKind}},
		"two files of one name":                     {bricks(2, false), []Entry{file(), file(func(e *Entry) { e.ID = 8 })}, []Kind{GFID}},
		"another mode":                              {bricks(2, false), []Entry{file(), file(func(e *Entry) { e.Mode |= 0o111 })}, []Kind{Mode}},
		"set-user-id":                               {bricks(2, false), []Entry{file(), file(func(e *Entry) { e.Mode |= unix.S_ISUID })}, []Kind{Mode}},
		"another owner":                             {bricks(2, false), []Entry{file(), file(func(e *Entry) { e.UID = 3 })}, []Kind{Owner}},
		"another group":                             {bricks(2, false), []Entry{file(), file(func(e *Entry) { e.GID = 3 })}, []Kind{Owner}},
		"another size":                              {bricks(2, false), []Entry{file(), file(func(e *Entry) { e.Size = 0 })}, []Kind{Size}},
		"other contents":                            {bricks(2, false), []Entry{file(), file(func(e *Entry) { e.Sum = "bb" })}, []Kind{Content}},
		"an attribute less":                         {bricks(2, false), []Entry{file(), file(func(e *Entry) { e.Xattrs = nil })}, []Kind{XattrKind}},
		"another value of an attribute":             {bricks(2, false), []Entry{file(), file(func(e *Entry) { e.Xattrs = []Xattr{{"user.a", "2"}} })}, []Kind{XattrKind}},
		"everything at once":                        {bricks(2, false), []Entry{file(), {State: Present, Mode: unix.S_IFREG, Deep: true, Sum: "c"}}, []Kind{GFID, Mode, Owner, Size, XattrKind, Content}},
		"a link to elsewhere":                       {bricks(2, false), []Entry{link("a"), link("b")}, []Kind{Target}},
		"the same link":                             {bricks(2, false), []Entry{link("a"), link("a")}, nil},
		"directories have no size":                  {bricks(2, false), []Entry{directory, larger}, nil},
		"an arbiter has no contents":                {bricks(3, true), []Entry{file(), file(), file(func(e *Entry) { e.Size, e.Sum = 0, "" })}, nil},
		"an arbiter has a mode":                     {bricks(3, true), []Entry{file(), file(), file(func(e *Entry) { e.Size, e.Mode = 0, unix.S_IFREG })}, []Kind{Mode}},
		"what was not asked for is not compared":    {bricks(2, false), []Entry{file(), file(func(e *Entry) { e.Deep, e.Xattrs, e.Sum = false, nil, "" })}, nil},
		"a name that is not finished":               {bricks(2, false), []Entry{{}, {State: NoGFID}}, []Kind{NoGFIDKind}},
		"a file here, not finished there":           {bricks(2, false), []Entry{file(), {State: NoGFID}}, []Kind{NoGFIDKind}},
		"a brick refuses":                           {bricks(2, false), []Entry{file(), {State: Unreadable, Errno: unix.EIO}}, []Kind{UnreadableKd}},
		"both refuse":                               {bricks(2, false), []Entry{{State: Unreadable, Errno: unix.EIO}, {State: Unreadable, Errno: unix.EIO}}, []Kind{UnreadableKd}},
		"devices of another number":                 {bricks(2, false), []Entry{{State: Present, Mode: unix.S_IFCHR, Rdev: unix.Mkdev(1, 3)}, {State: Present, Mode: unix.S_IFCHR, Rdev: unix.Mkdev(1, 5)}}, []Kind{TypeKind}},
		"an empty file, and no file on the arbiter": {bricks(3, true), []Entry{file(), file(), {}}, []Kind{Missing}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []Kind
			for _, f := range Compare(c.bricks, c.entries) {
				got = append(got, f.Kind)
				if len(f.Values) != len(c.bricks) {
					t.Errorf("%s has values %q of %d bricks", f.Kind, f.Values, len(c.bricks))
				}
				if Remedy(f.Kind) == "" {
					t.Errorf("nothing is said about what to do about %s", f.Kind)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

// FuzzCompare makes two entries out of numbers: equal ones differ in nothing, and
// what differs is found whichever brick has it.
func FuzzCompare(f *testing.F) {
	f.Add(uint8(1), uint32(0o100644), uint32(0), uint32(0), int64(5), uint64(7), "t", "v", uint8(3))
	f.Add(uint8(0), uint32(0o40755), uint32(1), uint32(2), int64(0), uint64(0), "", "", uint8(9))
	f.Fuzz(func(t *testing.T, state uint8, mode, uid, gid uint32, size int64, id uint64, target, value string, change uint8) {
		e := Entry{State: State(state % 4), Mode: mode, UID: uid, GID: gid, Size: size, ID: id, Deep: true, Target: target, Xattrs: []Xattr{{"user.a", value}}, Sum: "s" + value}
		set := bricks(2, false)
		bad := e.State == NoGFID || e.State == Unreadable
		if found := Compare(set, []Entry{e, e}); len(found) > 0 != bad {
			t.Fatalf("equal entries %+v: %v", e, found)
		}
		if e.State != Present {
			return
		}
		other, regular := e, e.Type() == unix.S_IFREG
		visible := true
		switch change % 7 {
		case 0:
			other.Mode ^= 0o4000
		case 1:
			other.UID++
		case 2:
			other.GID++
		case 3:
			other.Size++
			visible = regular
		case 4:
			other.ID++
		case 5:
			other.Xattrs = []Xattr{{"user.a", value + "x"}}
		case 6:
			other.Sum += "x"
			visible = regular
		}
		one, two := Compare(set, []Entry{e, other}), Compare(set, []Entry{other, e})
		if len(one) > 0 != visible || len(one) != len(two) {
			t.Fatalf("%+v and %+v: %v, %v", e, other, one, two)
		}
		for i := range one {
			if one[i].Kind != two[i].Kind || one[i].Values[0] != two[i].Values[1] {
				t.Fatalf("%v is not %v", one[i], two[i])
			}
		}
	})
}

func TestASuspectIsReportedOnlyIfItStaysAsItIs(t *testing.T) {
	t.Parallel()
	type look struct {
		found          []Finding
		pending, dirty bool
	}
	size := func(a, b string) []Finding { return []Finding{{Kind: Size, Values: []string{a, b}, ids: "7 7"}} }
	mode := Finding{Kind: Mode, Values: []string{"0644", "0600"}, ids: "7 7"}
	for name, c := range map[string]struct {
		looks []look
		want  Verdict // of the last look; all before are Again
		kept  []Kind
	}{
		"equal at once":                {[]look{{}}, Equal, nil},
		"equal at the second look":     {[]look{{found: size("1", "2")}, {}}, Equal, nil},
		"the same three times":         {[]look{{found: size("1", "2")}, {found: size("1", "2")}, {found: size("1", "2")}}, Different, []Kind{Size}},
		"another size, the same mode":  {[]look{{found: append(size("1", "2"), mode)}, {found: append(size("2", "3"), mode)}, {found: append(size("3", "4"), mode)}}, Different, []Kind{Mode}},
		"another size at every look":   {[]look{{found: size("1", "2")}, {found: size("2", "3")}, {found: size("3", "4")}, {found: size("4", "5")}, {found: size("5", "6")}, {found: size("6", "7")}}, Busy, nil},
		"it changes, then stays":       {[]look{{found: size("1", "2")}, {found: size("2", "3")}, {found: size("3", "4")}, {found: size("3", "4")}, {found: size("3", "4")}}, Different, []Kind{Size}},
		"another file at every look":   {[]look{{found: size("1", "2")}, {found: size("1", "2")}, {found: []Finding{{Kind: Size, Values: []string{"1", "2"}, ids: "8 8"}}}, {}}, Equal, nil},
		"it waits to be healed":        {[]look{{size("1", "2"), true, false}, {size("1", "2"), true, false}, {size("1", "2"), true, false}, {size("1", "2"), true, false}, {size("1", "2"), true, false}, {size("1", "2"), true, false}}, Waiting, nil},
		"it was healed":                {[]look{{size("1", "2"), true, false}, {size("1", "2"), true, false}, {}}, Equal, nil},
		"healed, and still different":  {[]look{{size("1", "2"), true, false}, {size("1", "2"), true, false}, {size("1", "2"), true, false}, {size("1", "2"), false, false}}, Different, []Kind{Size}},
		"always dirty":                 {[]look{{size("1", "2"), false, true}, {size("1", "2"), false, true}, {size("1", "2"), false, true}, {size("1", "2"), false, true}, {size("1", "2"), false, true}, {size("1", "2"), false, true}}, Waiting, nil},
		"in a directory that is dirty": {[]look{{size("1", "2"), false, true}, {size("1", "2"), false, false}, {size("1", "2"), false, true}}, Different, []Kind{Size}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s Suspect
			for i, l := range c.looks {
				got, kept := s.Look(l.found, l.pending, l.dirty)
				if i < len(c.looks)-1 {
					if got != Again {
						t.Fatalf("look %d: verdict %d, want to look again", i+1, got)
					}
					continue
				}
				var kinds []Kind
				for _, f := range kept {
					kinds = append(kinds, f.Kind)
				}
				if got != c.want || !slices.Equal(kinds, c.kept) {
					t.Errorf("verdict %d of %v, want %d of %v", got, kinds, c.want, c.kept)
				}
			}
		})
	}
}
