package powerloss

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The clock of a machine without a battery begins in 1970, or is a month ahead, until a time server was asked.
func TestPruneRemovesWhatHasBeenAsideForAMonthByAClockThatIsRight(t *testing.T) {
	b := newBrick(t, "")
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	whole := filepath.Join(filepath.Dir(b.Path), asideName, "20200101T000000.000Z")
	put := func(dir string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, "below"), 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	put(whole)
	old, wrong := put(NewAside(b.Path, "resync", now.Add(-31*day)).Dir), put(NewAside(b.Path, "unfinished", time.Unix(86400, 0)).Dir)
	late := NewAside(b.Path, "resync", now.Add(29*day)).Dir
	for _, tc := range []struct {
		what         string
		at           time.Time
		synchronized bool
		want         []string
	}{
		{"a month ahead, before a time server was asked", now.Add(40 * day), false, nil},
		{"the first look by a clock that is right", now, true, nil},
		{"29 days later", now.Add(29 * day), true, nil},
		{"a year later, by a clock that nobody set", now.Add(365 * day), false, nil},
		{"30 days later", now.Add(30 * day), true, []string{old, wrong}},
		{"later still", now.Add(58 * day), true, nil},
	} {
		if tc.at.Equal(now.Add(29 * day)) {
			put(late)
		}
		removed, err := Prune(b.Path, tc.at, tc.synchronized)
		slices.Sort(removed)
		slices.Sort(tc.want)
		if err != nil || !slices.Equal(removed, tc.want) {
			t.Errorf("%s: removed %q, %v, want %q", tc.what, removed, err, tc.want)
		}
	}
	if exists(old) || exists(wrong) || !exists(late) || !exists(whole) {
		t.Errorf("there: %t, %t, %t, %t", exists(old), exists(wrong), exists(late), exists(whole))
	}
}
