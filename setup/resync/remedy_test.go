package resync

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/setup/check"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	file := check.Entry{State: check.Present, Mode: unix.S_IFREG | 0o644}
	dir := check.Entry{State: check.Present, Mode: unix.S_IFDIR | 0o755}
	gone, half, broken := check.Entry{}, check.Entry{State: check.NoGFID}, check.Entry{State: check.Unreadable, Errno: unix.EIO}
	const accused, newer, unproven = 1, 2, 4
	for _, tc := range []struct {
		name        string
		own, source check.Entry
		kind        check.Kind
		flags       int
		want        Remedy
	}{
		{"a lost name", gone, file, check.Missing, 0, markDirectory},
		{"a lost directory", gone, dir, check.Missing, 0, markDirectory},
		{"a directory that could not be listed", gone, gone, "", 0, markDirectory},
		{"a name that was removed", file, gone, check.Missing, 0, takeOut},
		{"a half made name", half, gone, check.NoGFIDKind, 0, takeOut},
		{"a half made name that the source finished", half, file, check.NoGFIDKind, 0, takeOut},
		{"old text", file, file, check.Size, 0, markEntry},
		{"an old mode", dir, dir, check.Mode, 0, markEntry},
		{"another file of the same name", file, file, check.GFID, 0, takeOut},
		{"a file where the source has a directory", file, dir, check.TypeKind, 0, takeOut},
		{"a name that the source had missed before", file, gone, check.Missing, accused, leave},
		{"a name whose removal the source may have missed", gone, file, check.Missing, accused, markDirectory},
		{"text that the source had missed before", file, file, check.Size, newer, leave},
		{"another file, and the source had missed names", file, file, check.GFID, accused, leave},
		{"what the source cannot read", file, broken, check.UnreadableKd, 0, leave},
		{"what the source did not finish", file, half, check.NoGFIDKind, 0, leave},
		{"what the brick cannot read", broken, file, check.UnreadableKd, 0, markEntry},

		{"both lost power: a name that only this one has", file, gone, check.Missing, unproven, keepBoth},
		{"both lost power: a name that only the other has", gone, file, check.Missing, unproven, markDirectory},
		{"both lost power: other text", file, file, check.Content, unproven, copyAndMark},
		{"both lost power: another mode", file, file, check.Mode, unproven, markEntry},
		{"both lost power: two files of one name", file, file, check.GFID, unproven, takeOut},
	} {
		var found []check.Finding
		if tc.kind != "" {
			found = []check.Finding{{Kind: tc.kind}}
		}
		if got := Decide(tc.own, tc.source, found, tc.flags&accused > 0, tc.flags&newer > 0, tc.flags&unproven > 0); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestDoubt(t *testing.T) {
	t.Parallel()
	flushed := time.Unix(1_000_000, 0)
	at := func(changed int64, touched time.Duration) check.Entry {
		return check.Entry{Changed: changed, Touched: flushed.Add(touched).UnixNano()}
	}
	for _, tc := range []struct {
		name          string
		own, source   check.Entry
		flushed       time.Time
		differs, read bool
	}{
		{"flushed since it was changed", at(7, -time.Hour), at(7, 0), flushed, false, false},
		{"its attributes are on the disk, its data perhaps not", at(7, time.Second), at(7, 0), flushed, false, true},
		{"changed right before the flush, by a clock that may have been set", at(7, -time.Second), at(7, 0), flushed, false, true},
		{"a change of which nothing is on the disk", at(7, -time.Hour), at(8, 0), flushed, true, false},
		{"a change that only this brick has: nobody was told that it was made", at(9, time.Second), at(8, 0), flushed, true, false},
		{"never flushed", at(7, -time.Hour), at(7, 0), time.Time{}, false, true},
		{"GlusterFS keeps no times", at(0, -time.Hour), at(7, 0), flushed, false, true},
	} {
		if differs, read := Doubt(tc.own, tc.source, tc.flushed); differs != tc.differs || read != tc.read {
			t.Errorf("%s: differs %t, read %t", tc.name, differs, read)
		}
	}
}
