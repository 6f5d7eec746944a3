package recovery

import (
	"strings"
	"testing"
)

func TestBehindWaitsForWhatIsOnlineAndOld(t *testing.T) {
	t.Parallel()
	type change func(l *Local)
	own := func(f func(*Brick)) change { return func(l *Local) { f(&l.Set.Bricks[0]) } }
	other := func(f func(*Brick)) change { return func(l *Local) { f(&l.Set.Bricks[1]) } }
	for name, tc := range map[string]struct {
		change
		early bool
		want  string // "" for nothing
	}{
		"healed":                        {own(func(*Brick) {}), false, ""},
		"the other has more":            {other(func(b *Brick) { b.Pending = 3 }), false, "to be healed"},
		"the other lacks something":     {own(func(b *Brick) { b.Pending = 3 }), false, ""},
		"nobody counted yet":            {other(func(b *Brick) { b.Counted = false }), false, "the self-heal daemon to say"},
		"nobody heals":                  {func(l *Local) { l.Set.Heals, l.Set.Bricks[1].Counted = false, false }, false, ""},
		"withheld":                      {own(func(b *Brick) { b.Disk, b.Online = Withheld, false }), false, "to be compared after a power cut"},
		"released, not healed":          {own(func(b *Brick) { b.Published = Behind }), false, "to be healed after a power cut"},
		"not started yet":               {own(func(b *Brick) { b.Online = false }), true, "to start"},
		"does not start":                {own(func(b *Brick) { b.Online = false }), false, ""},
		"wiped":                         {own(func(b *Brick) { b.Disk, b.Online = Wiped, false }), true, ""},
		"somebody else's":               {own(func(b *Brick) { b.Disk, b.Online = Foreign, false }), true, ""},
		"given up":                      {own(func(b *Brick) { b.GivenUp, b.Disk = true, Withheld }), true, ""},
		"alone":                         {other(func(b *Brick) { b.Online, b.Pending = false, 3 }), false, ""},
		"in memory, refilled from zero": {func(l *Local) { l.Tmpfs, l.Set.Bricks[1].Pending = true, 3 }, false, ""},
		"not started volume":            {func(l *Local) { l.Set.Started = false; l.Set.Bricks[1].Pending = 3 }, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := Local{Set: set(brick("n1"), brick("n2"))}
			l.Set.Heals = true
			for i := range l.Set.Bricks {
				l.Set.Bricks[i].Counted = true
			}
			tc.change(&l)
			if got := l.behind(tc.early); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("waits for %q, want %q", got, tc.want)
			}
		})
	}
}
