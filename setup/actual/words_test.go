package actual

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/setup/powerloss"
)

// pool of words: a volume on nodes, whose brick is /b on each.
func volumeOn(nodes string, options map[string]string) gluster.Volume {
	v := gluster.Volume{Name: "v", Status: gluster.Started, Replica: 2, Options: maps.Clone(options)}
	if v.Options == nil {
		v.Options = map[string]string{}
	}
	for n := range strings.FieldsSeq(nodes) {
		v.Bricks = append(v.Bricks, gluster.Brick{Host: n, Path: "/b", PeerUUID: "uuid-of-" + n})
	}
	return v
}

// with is a volume after a command.
func with(v gluster.Volume, pairs []string) gluster.Volume {
	v.Options = maps.Clone(v.Options)
	for i := 0; i < len(pairs); i += 2 {
		v.Options[pairs[i]] = pairs[i+1]
	}
	return v
}

func on(v gluster.Volume, nodes string) gluster.Volume {
	v.Bricks = volumeOn(nodes, nil).Bricks
	return v
}

// heard is what is said of all bricks: "refilling - wiped/given-up".
func heard(v gluster.Volume) string {
	var out []string
	for i := range v.Bricks {
		w := WordsOf(v)
		word := string(w.Published(i))
		if word == "" {
			word = "-"
		}
		if w.GivenUp(i) {
			word += "/given-up"
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

// former is how a former version reads a volume: by numbers alone.
func former(v gluster.Volume) string {
	var out []string
	for i := range v.Bricks {
		word := v.Options[fmt.Sprintf("user.brickyard-brick-%d", i)]
		if word == "" || word == isComplete {
			word = "-"
		}
		if v.Options[fmt.Sprintf("user.brickyard-given-up-%d", i)] == yes {
			word += "/given-up"
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

func moveOn(v gluster.Volume, node string) gluster.Volume {
	return with(v, WordsOf(v).Move(func(b gluster.Brick) bool { return b.Host == node }))
}

func TestWordsStandUnderWhomTheyAreAbout(t *testing.T) {
	v := volumeOn("n1 n2", nil)
	v = with(v, WordsOf(v).Say(1, State(Refilling)))
	v = with(v, WordsOf(v).Say(0, GivenUp(true)))
	if got := heard(v); got != "-/given-up refilling" {
		t.Error(got)
	}
	if got := former(v); got != "-/given-up refilling" {
		t.Errorf("a former version reads %s", got)
	}
	for name, value := range v.Options {
		if who, ok := strings.CutPrefix(name, "user.brickyard-brick."); ok && (len(who) != 16 || !strings.HasSuffix(value, ":/b")) {
			t.Errorf("%s=%s", name, value)
		}
	}
	for _, tc := range []struct{ bricks, want string }{
		{"n1 n2", "-/given-up refilling"},
		{"n2 n1", "refilling -/given-up"},
		{"n3 n2", "- refilling"},
		{"n2 n3", "refilling -"},
		{"n3 n4", "- -"},
		{"n3 n4 n1 n2", "- - -/given-up refilling"},
	} {
		if got := heard(on(v, tc.bricks)); got != tc.want {
			t.Errorf("bricks %s: %s, want %s", tc.bricks, got, tc.want)
		}
	}
}

// A node of a former version writes under numbers only, before all others are new or after it was set back.
func TestTheWordsOfAFormerVersionCount(t *testing.T) {
	v := volumeOn("n1 n2", map[string]string{"user.brickyard-given-up-0": "yes", "user.brickyard-brick-1": "wiped"})
	if got := heard(v); got != "-/given-up wiped" {
		t.Error(got)
	}
	v = moveOn(v, "n2")
	if got := heard(on(v, "n2 n3")); got != "wiped -" {
		t.Errorf("after they were moved: %s", got)
	}
	if again := WordsOf(v).Move(func(b gluster.Brick) bool { return b.Host == "n1" }); len(again) > 0 {
		t.Errorf("they are moved again: %q", again)
	}
	v = with(v, []string{"user.brickyard-brick-1", "refilling", "user.brickyard-given-up-0", "no"})
	if got := heard(v); got != "- refilling" {
		t.Errorf("a later word of a former version: %s", got)
	}
	if got := heard(on(moveOn(v, "n1"), "n2 n3")); got != "refilling -" {
		t.Errorf("a later word of a former version, moved: %s", got)
	}
}

// n1 is given up and replaced by n3: by hand, whatever version the nodes have that speak.
func TestTheBrickInThePlaceOfAnotherInheritsNothing(t *testing.T) {
	for name, v := range map[string]gluster.Volume{
		"said by this version":            with(volumeOn("n1 n2", nil), WordsOf(volumeOn("n1 n2", nil)).Say(0, GivenUp(true))),
		"said by a former one, and moved": moveOn(volumeOn("n1 n2", map[string]string{"user.brickyard-given-up-0": "yes"}), "n2"),
	} {
		v = on(v, "n3 n2")
		if got := heard(v); got != "- -" {
			t.Errorf("%s: %s", name, got)
		}
		v = moveOn(v, "n2")
		if got := former(v); got != "-/given-up -" {
			t.Errorf("%s: another node wrote under n3's number: %s", name, got)
		}
		v = moveOn(v, "n3")
		if got := former(v); got != "- -" {
			t.Errorf("%s: a former version reads %s", name, got)
		}
		v = with(v, WordsOf(v).Say(0, State(IsWiped)))
		if got := heard(v) + ", " + former(v); got != "wiped -, wiped -" {
			t.Errorf("%s: %s", name, got)
		}
		if got := heard(on(v, "n1 n2")); got != "- -" {
			t.Errorf("%s: the first brick is back: %s", name, got)
		}
	}
}

func TestABrickThatSpeaksTakesItsNumberOver(t *testing.T) {
	v := on(with(volumeOn("n1 n2", nil), WordsOf(volumeOn("n1 n2", nil)).Say(0, GivenUp(true))), "n3 n2")
	v = with(v, WordsOf(v).Say(0, State(Refilling)))
	if got := heard(v) + ", " + former(v); got != "refilling -, refilling -" {
		t.Errorf("before its words were moved: %s", got)
	}
}

func TestAVolumeThatShrankAndGrewHasNoOldWords(t *testing.T) {
	v := volumeOn("n1 n2", map[string]string{"user.brickyard-given-up-2": "yes", "user.brickyard-brick-3": "wiped"})
	v = moveOn(v, "n2")
	if got := heard(on(v, "n1 n2 n3 n4")); got != "- - - -" {
		t.Error(got)
	}
	again := moveOn(v, "n1")
	if !maps.Equal(again.Options, v.Options) {
		t.Errorf("it is done again: %q", again.Options)
	}
	// The second set goes; the third becomes the second.
	v = volumeOn("n1 n2 n3 n4 n5 n6", nil)
	v = with(v, WordsOf(v).Say(2, GivenUp(true)))
	v = with(v, WordsOf(v).Say(4, State(Refilling)))
	v = on(v, "n1 n2 n5 n6")
	if got := heard(v); got != "- - refilling -" {
		t.Error(got)
	}
	for _, n := range []string{"n1", "n6", "n5"} {
		v = moveOn(v, n)
	}
	if got := heard(v) + ", " + former(v); got != "- - refilling -, - - refilling -" {
		t.Errorf("moved: %s", got)
	}
}

// The leave to begin anew is given to bricks, not to a number.
func TestTheLeaveToBeginAnewIsThatOfItsBricks(t *testing.T) {
	for name, v := range map[string]gluster.Volume{
		"said by this version": with(volumeOn("n1 n2 n3 n4", nil), WordsOf(volumeOn("n1 n2 n3 n4", nil)).SayRebuild(1, true)),
		"said by a former one": moveOn(volumeOn("n1 n2 n3 n4", map[string]string{"user.brickyard-rebuild-1": "yes", "user.brickyard-brick-2": "wiped", "user.brickyard-brick-3": "wiped"}), "n1"),
	} {
		v = with(v, WordsOf(v).Say(2, State(IsWiped)))
		v = with(v, WordsOf(v).Say(3, State(IsWiped)))
		for bricks, want := range map[string]string{"n1 n2 n3 n4": "false true", "n3 n4 n1 n2": "true false", "n1 n2 n5 n6": "false false", "n1 n2 n3 n6": "false false"} {
			w := WordsOf(on(v, bricks))
			if got := fmt.Sprint(w.rebuildAllowed(0), " ", w.rebuildAllowed(1)); got != want {
				t.Errorf("%s, bricks %s: %s, want %s", name, bricks, got, want)
			}
		}
		v = with(v, WordsOf(v).SayRebuild(1, false))
		if WordsOf(v).rebuildAllowed(1) {
			t.Errorf("%s: it cannot be taken back", name)
		}
	}
}

func TestWhoABrickIs(t *testing.T) {
	b := gluster.Brick{Host: "n1", Path: "/b", PeerUUID: "6F9C"}
	other := []gluster.Brick{{Host: "10.0.0.1", Path: "/b", PeerUUID: "6f9c", Arbiter: true}}
	for _, o := range other {
		if IDOf(o) != IDOf(b) {
			t.Errorf("%+v is another brick than %+v", o, b)
		}
	}
	seen := []ID{IDOf(b)}
	for _, o := range []gluster.Brick{{Host: "n1", Path: "/c", PeerUUID: "6f9c"}, {Host: "n1", Path: "/b", PeerUUID: "7f9c"}} {
		if slices.Contains(seen, IDOf(o)) {
			t.Errorf("%+v is another one", o)
		}
		seen = append(seen, IDOf(o))
	}
}

// n1 was compared with n2, which then lost power, as all did, and serves without a proof: what it lost then only n1 has.
func TestAComparisonIsWithWhatABrickHadThen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "brick")
	s := Set{Bricks: []Brick{{Path: path, Who: "1"}, {Who: "2"}}}
	for _, tc := range []struct {
		name      string
		then, now Published
		want      bool
	}{
		{"nothing happened", Nothing, Nothing, true},
		{"it lost power since", Nothing, Unproven, false},
		{"it had lost power before", Unproven, Unproven, true},
	} {
		s.Bricks[1].Published = tc.then
		if err := powerloss.SetCompared(path, []string{s.Bricks[1].Comparison()}); err != nil {
			t.Fatal(err)
		}
		s.Bricks[1].Published = tc.now
		if compared(&s, 0); s.Bricks[1].Compared != tc.want {
			t.Errorf("%s: compared is %t", tc.name, s.Bricks[1].Compared)
		}
	}
	if err := powerloss.SetCompared(path, []string{"n2"}); err != nil { // of a former version
		t.Fatal(err)
	}
	if compared(&s, 0); s.Bricks[1].Compared {
		t.Error("the name of a node counts for a brick")
	}
}
