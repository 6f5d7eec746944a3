package actual

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"brickyard/gluster"
)

// OwnWords begins the names of the options by which nodes tell each other something. They change at any moment.
const OwnWords = "user.brickyard-"

// Values of the options below, beside those of Published.
const (
	isComplete = "complete"
	yes, no    = "yes", "no"
	isGone     = "gone" // the brick is no longer in the volume, and another one has its number
)

// What nodes tell each other lives in options of the volume, so that glusterd carries it to every node and keeps it over
// reboots. A word stands under who it is about:
//
//	user.brickyard-brick.ID = WORD,NUMBER,HOST:PATH
//
// Former versions know a brick by its place in the volume alone. For them, and for nobody else, the word stands a second
// time in the same command:
//
//	user.brickyard-brick-NUMBER = WORD
//
// GlusterFS cannot reset an option of this kind. Words that no longer hold are overwritten; those of a brick that left the
// volume stand under an ID that no brick has. docs/architecture.md, "What nodes tell each other", has the rules.
const (
	stateOption   = OwnWords + "brick"    // of a brick: wiped, refilling and so on
	givenUpOption = OwnWords + "given-up" // of a brick: yes or no
	rebuildOption = OwnWords + "rebuild"  // of a replica set: yes where a person allowed to begin anew
)

// ID is who a brick is: the node by its UUID in the pool, and the path there. That of a replica set is made of its bricks'.
type ID string

func id(text string) ID {
	sum := sha256.Sum256([]byte(text))
	return ID(hex.EncodeToString(sum[:8]))
}

// IDOf says who a brick of a volume is.
func IDOf(b gluster.Brick) ID { return id(cmp.Or(strings.ToLower(b.PeerUUID), b.Host) + ":" + b.Path) }

// idOf says who a replica set is: who its bricks are, in whatever order.
func idOf(set []gluster.Brick) ID {
	var all []string
	for _, b := range set {
		all = append(all, string(IDOf(b)))
	}
	slices.Sort(all)
	return id(strings.Join(all, " "))
}

func (i ID) option(name string) string { return name + "." + string(i) }

func numbered(name string, number int) string { return fmt.Sprintf("%s-%d", name, number) }

// said is a word in the option of whom it is about.
type said struct {
	word   string
	number int    // under which former versions find it, 0-based in the order of the volume; -1 for none
	about  string // for persons
}

func (s said) String() string { return fmt.Sprintf("%s,%d,%s", s.word, s.number, s.about) }

func parseSaid(value string) said {
	parts := append(strings.SplitN(value, ",", 3), "", "")
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		number = -1
	}
	return said{parts[0], number, parts[2]}
}

// Words are what nodes said of the bricks of a volume as it is.
type Words struct {
	volume gluster.Volume
	claims map[int]map[ID]said // by number: whose words say that what stands under it is about them
}

// WordsOf reads them.
func WordsOf(v gluster.Volume) Words {
	w := Words{volume: v, claims: map[int]map[ID]said{}}
	for name, value := range v.Options {
		who, ok := strings.CutPrefix(name, stateOption+".")
		if !ok {
			continue
		}
		s := parseSaid(value)
		if w.claims[s.number] == nil {
			w.claims[s.number] = map[ID]said{}
		}
		w.claims[s.number][ID(who)] = s
	}
	return w
}

// own is the word under who a brick is.
func (w Words) own(option string, who ID) (said, bool) {
	value, ok := w.volume.Options[who.option(option)]
	s := parseSaid(value)
	return s, ok && s.word != isGone
}

// counts says whether what stands under the number of a brick is about this brick: its own word says so, or there is none yet
// and nobody else's does, as where former versions alone have spoken.
func (w Words) counts(i int) bool {
	if s, ok := w.own(stateOption, IDOf(w.volume.Bricks[i])); ok {
		return s.number == i
	}
	return len(w.claims[i]) == 0
}

// said is what was last said of brick number i. Under its number it is that of whoever spoke last, a former version perhaps.
func (w Words) said(option string, i int) string {
	if i >= len(w.volume.Bricks) {
		return ""
	}
	own, _ := w.own(option, IDOf(w.volume.Bricks[i]))
	if !w.counts(i) {
		return own.word
	}
	return cmp.Or(w.volume.Options[numbered(option, i)], own.word)
}

// Published reads what its own node tells about brick number i.
func (w Words) Published(i int) Published {
	switch p := Published(w.said(stateOption, i)); p {
	case IsWiped, Refilling, IsSuspect, Behind, Unproven:
		return p
	default:
		return Nothing
	}
}

// GivenUp says whether a person gave brick number i up.
func (w Words) GivenUp(i int) bool { return w.said(givenUpOption, i) == yes }

// rebuildAllowed says whether a person allowed a replica set to begin anew.
func (w Words) rebuildAllowed(index int) bool {
	sets := w.volume.ReplicaSets()
	if index >= len(sets) {
		return false
	}
	who, first := idOf(sets[index]), index*len(sets[0])
	own, _ := w.own(rebuildOption, who)
	for i := range sets[index] {
		if !w.counts(first + i) {
			return own.word == yes // the number may be that of bricks that were here before
		}
	}
	return cmp.Or(w.volume.Options[numbered(rebuildOption, index)], own.word) == yes
}

// options are pairs of a command, in the order in which they were first set.
type options struct {
	names  []string
	values map[string]string
}

func (o *options) set(name, value string) {
	if _, ok := o.values[name]; !ok {
		o.names = append(o.names, name)
	}
	if o.values == nil {
		o.values = map[string]string{}
	}
	o.values[name] = value
}

func (o *options) pairs() (out []string) {
	for _, name := range o.names {
		out = append(out, name, o.values[name])
	}
	return out
}

// Word is one word about a brick: the name of its option, without who it is about, and its value.
type Word struct{ Option, Value string }

// State is the word that publishes a brick's state; Nothing says that it is complete.
func State(p Published) Word { return Word{stateOption, cmp.Or(string(p), isComplete)} }

// GivenUp is a person's word that the node of a brick will not return with data, or that this is over.
func GivenUp(is bool) Word { return Word{givenUpOption, yesNo(is)} }

func yesNo(is bool) string {
	if is {
		return yes
	}
	return no
}

// Say are the pairs that say words about brick number i. Where its number was another brick's, they take it over: what
// stood there was not about this one.
func (w Words) Say(i int, words ...Word) []string {
	var out options
	if i >= len(w.volume.Bricks) {
		for _, s := range words {
			out.set(numbered(s.Option, i), s.Value)
		}
		return out.pairs()
	}
	b := w.volume.Bricks[i]
	tell := func(option, value string) {
		out.set(IDOf(b).option(option), said{value, i, b.String()}.String())
	}
	tell(stateOption, cmp.Or(w.said(stateOption, i), isComplete))
	if !w.counts(i) {
		words = append([]Word{{stateOption, cmp.Or(w.said(stateOption, i), isComplete)}, {givenUpOption, cmp.Or(w.said(givenUpOption, i), no)}}, words...)
		for _, who := range slices.Sorted(maps.Keys(w.claims[i])) {
			if s := w.claims[i][who]; !w.has(who) && s.word != isGone {
				out.set(who.option(stateOption), said{isGone, i, s.about}.String())
				out.set(who.option(givenUpOption), said{no, i, s.about}.String())
			}
		}
	}
	for _, s := range words {
		tell(s.Option, s.Value)
		out.set(numbered(s.Option, i), s.Value)
	}
	return out.pairs()
}

// has says whether a brick is in the volume.
func (w Words) has(who ID) bool {
	return slices.ContainsFunc(w.volume.Bricks, func(b gluster.Brick) bool { return IDOf(b) == who })
}

// SayRebuild are the pairs that say whether a replica set may begin anew.
func (w Words) SayRebuild(index int, allowed bool) []string {
	value := yesNo(allowed)
	var out options
	if sets := w.volume.ReplicaSets(); index < len(sets) {
		var about []string
		for _, b := range sets[index] {
			about = append(about, b.String())
		}
		out.set(idOf(sets[index]).option(rebuildOption), said{value, index, strings.Join(about, " ")}.String())
	}
	out.set(numbered(rebuildOption, index), value)
	return out.pairs()
}

// Move are the pairs that move words to whom they are about: those that former versions left under numbers, and those of
// this node's bricks that have another number now. Only a brick's own node writes under a number; what anybody may write
// is no news to anybody, so that it does not matter who comes first.
func (w Words) Move(own func(gluster.Brick) bool) []string {
	var out []string
	for i, b := range w.volume.Bricks {
		s, known := w.own(stateOption, IDOf(b))
		state, givenUp := w.volume.Options[numbered(stateOption, i)], w.volume.Options[numbered(givenUpOption, i)]
		gone, told := w.own(givenUpOption, IDOf(b))
		switch {
		case !w.counts(i) && own(b):
			out = append(out, w.Say(i)...)
		case !w.counts(i), !known && state == "" && givenUp == "":
		case !known || state != "" && s.word != state:
			out = append(out, IDOf(b).option(stateOption), said{cmp.Or(state, isComplete), i, b.String()}.String())
		}
		if w.counts(i) && givenUp != "" && (!told || gone.word != givenUp) {
			out = append(out, IDOf(b).option(givenUpOption), said{givenUp, i, b.String()}.String())
		}
	}
	for index, set := range w.volume.ReplicaSets() {
		own, _ := w.own(rebuildOption, idOf(set))
		if allowed := w.rebuildAllowed(index); allowed != (own.word == yes) {
			out = append(out, w.SayRebuild(index, allowed)[:2]...)
		}
	}
	return append(out, w.leftOver()...)
}

// leftOver are the pairs that keep words under numbers that no brick has from counting for a brick that gets one.
func (w Words) leftOver() []string {
	var out options
	for _, name := range slices.Sorted(maps.Keys(w.volume.Options)) {
		for _, option := range []string{stateOption, givenUpOption} {
			text, ok := strings.CutPrefix(name, option+"-")
			number, err := strconv.Atoi(text)
			if ok && err == nil && number >= len(w.volume.Bricks) && len(w.claims[number]) == 0 {
				out.set(ID("number-"+text).option(stateOption), said{isGone, number, "a brick that left the volume"}.String())
			}
		}
	}
	return out.pairs()
}
