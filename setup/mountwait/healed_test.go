package mountwait

import (
	"context"
	"strings"
	"testing"
	"time"

	"brickyard/setup/actual"
)

func brick(node string) actual.Brick {
	return actual.Brick{Node: node, Path: "/b/brick", Reachable: true, Online: true, Disk: actual.Stamped}
}

func set(bricks ...actual.Brick) actual.Set {
	for i := range bricks {
		bricks[i].Number = i
	}
	return actual.Set{Volume: "v", Ephemeral: true, Started: true, Majority: true, Bricks: bricks}
}

// healing is this node's brick n1 beside n2, with nothing left to heal.
func healing(changes ...func(own, other *actual.Brick, l *actual.Local)) actual.Local {
	l := actual.Local{Set: set(brick("n1"), brick("n2"))}
	l.Set.Heals = true
	for i := range l.Set.Bricks {
		l.Set.Bricks[i].Counted = true
	}
	for _, c := range changes {
		c(&l.Set.Bricks[0], &l.Set.Bricks[1], &l)
	}
	return l
}

// lacks has the other brick know of so many entries that n1 lacks.
func lacks(n int) actual.Local {
	return healing(func(_, other *actual.Brick, _ *actual.Local) { other.Pending = n })
}

func TestConditionOfABrickBeforeItsMount(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(own, other *actual.Brick, l *actual.Local)
		early  bool
		want   condition
	}{
		"the file has other bricks": {func(own, _ *actual.Brick, l *actual.Local) {
			own.Disk, l.Set.Otherwise = actual.Unmounted, "brick 1 is n9:/b"
		}, true, unseen},
		"healed":                         {func(*actual.Brick, *actual.Brick, *actual.Local) {}, false, whole},
		"the other has more":             {func(_, other *actual.Brick, _ *actual.Local) { other.Pending = 3 }, false, lacking},
		"the other lacks something":      {func(own, _ *actual.Brick, _ *actual.Local) { own.Pending = 3 }, false, whole},
		"nobody counted yet":             {func(_, other *actual.Brick, _ *actual.Local) { other.Counted = false }, false, unknown},
		"nobody heals":                   {func(_, other *actual.Brick, l *actual.Local) { l.Set.Heals, other.Counted = false, false }, false, irrelevant},
		"withheld":                       {func(own, _ *actual.Brick, _ *actual.Local) { own.Disk, own.Online = actual.Withheld, false }, false, unknown},
		"released, not healed":           {func(own, _ *actual.Brick, _ *actual.Local) { own.Published = actual.Behind }, false, unknown},
		"not started yet":                {func(own, _ *actual.Brick, _ *actual.Local) { own.Online = false }, true, unknown},
		"its process is gone":            {func(own, _ *actual.Brick, _ *actual.Local) { own.Online = false }, false, unseen},
		"its disk is not there yet":      {func(own, _ *actual.Brick, _ *actual.Local) { own.Disk, own.Online = actual.Unmounted, false }, true, unknown},
		"its disk does not come":         {func(own, _ *actual.Brick, _ *actual.Local) { own.Disk, own.Online = actual.Unmounted, false }, false, irrelevant},
		"wiped":                          {func(own, _ *actual.Brick, _ *actual.Local) { own.Disk, own.Online = actual.Wiped, false }, true, irrelevant},
		"somebody else's":                {func(own, _ *actual.Brick, _ *actual.Local) { own.Disk, own.Online = actual.Foreign, false }, true, irrelevant},
		"given up":                       {func(own, _ *actual.Brick, _ *actual.Local) { own.GivenUp, own.Disk = true, actual.Withheld }, true, irrelevant},
		"alone":                          {func(_, other *actual.Brick, _ *actual.Local) { other.Online, other.Pending = false, 3 }, false, unseen},
		"in memory, filled from nothing": {func(_, other *actual.Brick, l *actual.Local) { l.Tmpfs, other.Pending = true, 3 }, false, irrelevant},
		"a new disk, filled from nothing": {
			func(own, other *actual.Brick, _ *actual.Local) {
				own.Mark, own.Published, other.Pending = true, actual.Refilling, 3
			}, false, irrelevant,
		},
		"the volume is not started": {func(_, other *actual.Brick, l *actual.Local) { l.Set.Started = false; other.Pending = 3 }, false, irrelevant},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := stateOf(healing(tc.change), tc.early)
			if got.condition != tc.want || (got.words == "") != (tc.want == irrelevant) {
				t.Errorf("condition %d, want %d; waits for %q", got.condition, tc.want, got.words)
			}
		})
	}
}

func TestTheWaitForHealsBelievesNoSingleLook(t *testing.T) {
	t.Parallel()
	away := healing(func(_, other *actual.Brick, _ *actual.Local) { other.Online = false })
	off := healing(func(own, _ *actual.Brick, _ *actual.Local) { own.Online = false })
	const never = time.Duration(-1)
	type look struct {
		at time.Duration
		l  actual.Local
	}
	// Looks come every second; each stays as it was until the next that is named.
	for name, tc := range map[string]struct {
		looks   []look
		ends    time.Duration // never within five minutes
		warning string
	}{
		"whole":                           {[]look{{0, healing()}}, 5 * time.Second, ""},
		"healed after a while":            {[]look{{0, lacks(500)}, {20 * time.Second, lacks(3)}, {40 * time.Second, healing()}}, 45 * time.Second, ""},
		"a question to the other is lost": {[]look{{0, lacks(500)}, {10 * time.Second, away}, {13 * time.Second, lacks(400)}, {60 * time.Second, healing()}}, 65 * time.Second, ""},
		"clients that connect later write meantime": {[]look{{0, healing()}, {3 * time.Second, lacks(2)}, {10 * time.Second, healing()}}, 15 * time.Second, ""},
		"its process is replaced":                   {[]look{{0, lacks(9)}, {40 * time.Second, off}, {44 * time.Second, lacks(8)}, {50 * time.Second, healing()}}, 55 * time.Second, ""},
		"nobody else is there":                      {[]look{{0, away}}, 15 * time.Second, ""},
		"nobody heals any more":                     {[]look{{0, lacks(500)}, {30 * time.Second, lacks(7)}}, 90 * time.Second, "7 entries have waited for 1m0s"},
		"a file in split-brain":                     {[]look{{0, lacks(1)}}, 60 * time.Second, "1 entries"},
		"slowly":                                    {[]look{{0, lacks(5)}, {50 * time.Second, lacks(4)}, {100 * time.Second, lacks(3)}, {150 * time.Second, healing()}}, 155 * time.Second, ""},
		"compared for long":                         {[]look{{0, healing(func(own, _ *actual.Brick, _ *actual.Local) { own.Disk, own.Online = actual.Withheld, false })}}, never, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w healWait
			start, ended, warning := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC), never, ""
			for at := time.Duration(0); at < 5*time.Minute && ended == never; at += time.Second {
				l := tc.looks[0].l
				for _, k := range tc.looks {
					if k.at <= at {
						l = k.l
					}
				}
				var words string
				if words, warning = w.next([]actual.Local{l}, true, start.Add(at)); words == "" {
					ended = at
				}
			}
			if ended != tc.ends || (warning == "") != (tc.warning == "") || !strings.Contains(warning, tc.warning) {
				t.Errorf("ends after %v with %q, want %v and %q", ended, warning, tc.ends, tc.warning)
			}
		})
	}
}

func TestANodeThatCannotBeLookedAtIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	var w healWait
	start := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	if words, _ := w.next(nil, false, start); words == "" {
		t.Error("one answer is missing, and nobody waits")
	}
	if words, _ := w.next(nil, false, start.Add(awayTime)); words != "" {
		t.Errorf("still waits for %s", words)
	}
	// No brick of the volume here.
	if words, _ := (&healWait{}).next(nil, true, start); words != "" {
		t.Errorf("waits for %s", words)
	}
}

func TestALookThatHangsIsNotRepeated(t *testing.T) {
	t.Parallel()
	asked, answer := 0, make(chan struct{})
	o := lookOnce{limit: 10 * time.Millisecond, observe: func(context.Context) ([]actual.Local, error) {
		asked++
		<-answer
		return []actual.Local{healing()}, nil
	}}
	for range 3 {
		if _, ok := o.look(t.Context()); ok {
			t.Fatal("a look that hangs has an answer")
		}
	}
	close(answer)
	o.limit = 10 * time.Minute
	if l, ok := o.look(t.Context()); !ok || len(l) != 1 || asked != 1 {
		t.Errorf("%d bricks, %v, asked %d times", len(l), ok, asked)
	}
	if _, ok := o.look(t.Context()); !ok || asked != 2 {
		t.Errorf("the next look: %v, asked %d times", ok, asked)
	}
}
