package recovery

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

// files are the cluster files of a world's nodes, the volume with what nodes said in its options, and which nodes have the
// former version, that knows a brick by its number.
type files struct {
	of     []file
	volume gluster.Volume
	former []bool
	moves  [][]string // what a node is about to move, by what it saw some time ago
}

// file is one node's: what it calls the nodes, itself among them, and the set of its volume.
type file struct {
	servers []desired.Server
	self    string
	set     []cluster.Brick
}

const spare = 3 // a node without a brick in the volume

func newFiles(w *world) *files {
	f := &files{volume: gluster.Volume{Name: "v", Replica: len(w.bricks), Options: map[string]string{}}}
	for i, b := range w.bricks {
		f.volume.Bricks = append(f.volume.Bricks, gluster.Brick{Host: fmt.Sprintf("n%d", i), PeerUUID: fmt.Sprintf("u%d", i), Path: "/b", Arbiter: b.arbiter})
		f.of = append(f.of, f.whole(w, i))
		f.former = append(f.former, w.rng.IntN(4) == 0)
	}
	f.moves = make([][]string, len(w.bricks))
	return f
}

// whole is the file as the volume is.
func (*files) whole(w *world, self int) file {
	out := file{self: fmt.Sprintf("n%d", self)}
	for i := range spare + 1 {
		out.servers = append(out.servers, desired.Server{Name: fmt.Sprintf("n%d", i), Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})})
		if i < len(w.bricks) {
			out.set = append(out.set, cluster.Brick{Node: fmt.Sprintf("n%d", i), Path: "/b", Arbiter: w.bricks[i].arbiter})
		}
	}
	return out
}

// edit is one of the ways in which somebody edits a file; k is a node.
func (f *files) edit(w *world, self, kind, k int) file {
	out := f.whole(w, self)
	switch kind {
	case 0: // as it was
	case 1: // another order
		slices.Reverse(out.set)
		slices.Reverse(out.servers)
	case 2: // another name
		out.servers[k].Name = "web"
		out.set[k].Node = "web"
		if self == k {
			out.self = "web"
		}
	case 3: // another node in its place
		out.set[k].Node = fmt.Sprintf("n%d", spare)
	case 4: // the others move up, and another node comes last
		out.set = append(slices.Delete(out.set, k, k+1), cluster.Brick{Node: fmt.Sprintf("n%d", spare), Path: "/b"})
	case 5: // two nodes have each other's address
		o := (k + 1) % len(w.bricks)
		out.servers[k].Address, out.servers[o].Address = out.servers[o].Address, out.servers[k].Address
	case 6: // a node less
		out.set = slices.Delete(out.set, k, k+1)
	}
	return out
}

const edits = 7

// happen is an edit, on some nodes or on all, or what a person or a program does with what was said.
func (f *files) happen(w *world, i int) {
	switch w.rng.IntN(6) {
	case 0, 1:
		kind, k := w.rng.IntN(edits), w.rng.IntN(len(w.bricks))
		for j := range f.of {
			if j == i || w.rng.IntN(2) == 0 {
				f.of[j] = f.edit(w, j, kind, k)
				w.note("n%d edit: number %d of node %d", j, kind, k)
			}
		}
	case 2: // a person gives up a node that is down, where another one has everything
		serves := slices.ContainsFunc(w.bricks, func(b *modelBrick) bool {
			return b.up && !b.cut && b.copy() && b.process && b.published == actual.Nothing && w.full(b) && b.missed == [3]bool{}
		})
		if at := slices.IndexFunc(w.bricks, func(b *modelBrick) bool { return b.up && !b.cut }); serves && !w.bricks[i].up && w.sees(max(at, 0)).Majority {
			w.note("n%d given up: by n%d", i, at)
			f.say(w, at, i, actual.GivenUp(true))
		}
	case 3:
		f.former[i] = !f.former[i]
		w.note("n%d changes its version: former %t", i, f.former[i])
	default: // it moves what it saw the last time, and looks
		if w.bricks[i].up && !f.former[i] && w.sees(i).Majority {
			f.move(w, i)
			f.moves[i] = actual.WordsOf(f.volume).Move(func(b gluster.Brick) bool { return b.PeerUUID == fmt.Sprintf("u%d", i) })
		}
	}
}

func (f *files) calm(w *world) {
	if f == nil {
		return
	}
	for i := range f.of {
		f.of[i] = f.whole(w, i)
	}
}

// show is the set as node i sees it through its own file.
func (f *files) show(w *world, i int, s actual.Set) actual.Set {
	if f == nil {
		return s
	}
	have, peers := f.of[i], []gluster.Peer{}
	for j := range w.bricks {
		peers = append(peers, gluster.Peer{UUID: fmt.Sprintf("u%d", j), Names: []string{fmt.Sprintf("n%d", j), fmt.Sprintf("10.0.0.%d", j+1)}, Local: i == j})
	}
	shown := actual.Sets([][]cluster.Brick{have.set}, have.self, f.volume, actual.Bricks(desired.Pool{Servers: have.servers}, have.self, f.volume, peers))
	if len(shown) != 1 {
		w.fail("n%d sees %d sets", i, len(shown))
	}
	s.Otherwise = shown[0].Otherwise
	for j := range s.Bricks {
		s.Bricks[j].Published, s.Bricks[j].GivenUp = f.heard(i, j)
	}
	return s
}

// heard is what node i reads about brick j.
func (f *files) heard(i, j int) (actual.Published, bool) {
	v := f.volume
	if f.former[i] { // it knows numbers alone
		v.Options = maps.Clone(v.Options)
		maps.DeleteFunc(v.Options, func(name, _ string) bool {
			return strings.HasPrefix(name, actual.OwnWords+"brick.") || strings.HasPrefix(name, actual.OwnWords+"given-up.")
		})
	}
	words := actual.WordsOf(v)
	return words.Published(j), words.GivenUp(j)
}

// say has node i say words about brick j.
func (f *files) say(w *world, i, j int, words ...actual.Word) {
	if f.former[i] {
		var pairs []string
		for _, s := range words {
			pairs = append(pairs, fmt.Sprintf("%s-%d", s.Option, j), s.Value)
		}
		f.set(w, pairs)
		return
	}
	f.set(w, actual.WordsOf(f.volume).Say(j, words...))
}

// move is the command that moves words, by what node i saw some time ago: it is no news to anybody.
func (f *files) move(w *world, i int) {
	var before []string
	for _, b := range w.bricks {
		before = append(before, fmt.Sprintf("%q, given up %t", b.published, b.givenUp))
	}
	f.set(w, f.moves[i])
	for j, b := range w.bricks {
		if after := fmt.Sprintf("%q, given up %t", b.published, b.givenUp); after != before[j] {
			w.fail("n%d moves words, and what is said of n%d becomes %s in place of %s", i, j, after, before[j])
		}
	}
}

// set is a command of glusterd, after which all nodes read the same.
func (f *files) set(w *world, pairs []string) {
	for k := 0; k < len(pairs); k += 2 {
		f.volume.Options[pairs[k]] = pairs[k+1]
	}
	for i := range w.bricks {
		for j, b := range w.bricks {
			if p, g := f.heard(i, j); len(pairs) > 0 && i > 0 && (p != b.published || g != b.givenUp) {
				w.fail("n%d reads %q, given up %t, about n%d, and n0 %q, %t", i, p, g, j, b.published, b.givenUp)
			} else if i == 0 {
				b.published, b.givenUp = p, g
			}
		}
	}
}

// tell publishes the state of brick i, and takes back that it was given up where it is empty.
func (w *world) tell(i int, p actual.Published) {
	b := w.bricks[i]
	gone := b.givenUp && p == actual.IsWiped
	b.published, b.givenUp = p, b.givenUp && !gone
	if w.files == nil {
		return
	}
	words := []actual.Word{actual.State(p)}
	if gone {
		words = append(words, actual.GivenUp(false))
	}
	w.files.say(w, i, i, words...)
	if b.published != p {
		w.fail("n%d says %q and reads %q", i, p, b.published)
	}
}

// Somebody edits the cluster file, on all nodes or on some, while nodes of two versions come and go, and persons give some
// up: nobody takes what was said of one brick for another's, and nothing is lost.
func TestNoEditOfTheClusterFileLosesACopy(t *testing.T) {
	runs := uint64(700)
	if testing.Short() {
		runs = 200
	}
	var n sums
	for seed := range runs {
		n.sequence(t, seed, true)
	}
	t.Logf("%d runs: %+v", runs, n)
	if n.rebuilt == 0 || n.finished == 0 || n.compared == 0 || n.edited == 0 || n.gaveUp == 0 || n.stuck > int(runs)/5 {
		t.Error("it tests too little")
	}
}
