package recovery

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"brickyard/setup/actual"
)

// world is a replica set with the parts of GlusterFS that matter here: files
// with versions, bricks that lose everything at a reboot (tmpfs) or nothing
// (disk), and refills that make names first and contents later.
type world struct {
	t         *testing.T
	seed      uint64
	rng       *rand.Rand
	ephemeral bool
	bricks    []*modelBrick
	version   int // of the last write that was acknowledged
	log       []string
	files     *files // where cluster files are edited, and persons give nodes up
}

type modelBrick struct {
	arbiter, tmpfs bool
	up, cut        bool // the machine runs; the machine is cut off from the others
	process        bool
	stamped, mark  bool
	begun          bool // stamped by a refill that failed: nothing will fill it
	published      actual.Published
	givenUp        bool
	data           map[int]int // file -> version; 0 is a name without contents
	missed         [3]bool     // which bricks know that this one was down while they took writes

	async    bool        // a power cut costs what was not flushed
	flushed  map[int]int // data as the disk has it
	withheld bool        // kept from GlusterFS by the guard
	compared [3]string   // with which others it was compared since, as is noted
	lost     bool        // it lost something in a power cut that was not healed since
}

const names = 6 // of files in the volume

func (w *world) note(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	for _, l := range w.log[max(0, len(w.log)-40):] {
		w.t.Log(l)
	}
	w.t.Fatalf("seed %d: %s", w.seed, fmt.Sprintf(format, args...))
}

// sees is the set as node i sees it.
func (w *world) sees(i int) actual.Set {
	s := actual.Set{Volume: "v", Ephemeral: w.ephemeral, Started: true, Healed: true}
	reach := 0
	for j, b := range w.bricks {
		reachable := b.up && (i == j || (!b.cut && !w.bricks[i].cut))
		if reachable {
			reach++
		}
		o := actual.Brick{Node: fmt.Sprintf("n%d", j), Path: "/b", Arbiter: b.arbiter, Reachable: reachable, Online: reachable && b.process, Published: b.published, GivenUp: b.givenUp, Who: actual.ID(fmt.Sprint(j))}
		o.Compared = w.bricks[i].compared[j] == o.Comparison()
		if j == i {
			o.Disk, o.Mark, o.Begun = actual.Wiped, b.mark, b.begun
			switch {
			case b.withheld:
				o.Disk = actual.Withheld
			case b.stamped:
				o.Disk = actual.Stamped
			}
		}
		s.Bricks = append(s.Bricks, o)
		if !reachable || !b.process || b.missed != [3]bool{} || (b.mark && !b.begun && !w.full(b)) {
			s.Healed = false
		}
	}
	s.Majority = 2*reach > len(w.bricks)
	return s
}

// copy reports whether a brick holds what it should, as far as anybody knows, and nobody gave it up.
func (b *modelBrick) copy() bool { return b.stamped && !b.mark && !b.arbiter && !b.givenUp }

// full reports whether a brick has every acknowledged version.
func (w *world) full(b *modelBrick) bool {
	for f := range names {
		if w.newest(f) > 0 && b.data[f] < w.newest(f) && !b.arbiter {
			return false
		}
	}
	return true
}

// has reports whether a brick has what another one has: GlusterFS keeps its record of what a brick lacks until all of it is
// copied, also where the brick that has it was not proved complete itself yet.
func (b *modelBrick) has(src *modelBrick) bool {
	for f, v := range src.data {
		if b.data[f] < v && !b.arbiter {
			return false
		}
	}
	return true
}

// newest is the newest version of a file on any brick that is taken for complete.
func (w *world) newest(f int) int {
	n := 0
	for _, b := range w.bricks {
		if b.copy() && !b.withheld && !b.published.Doubted() {
			n = max(n, b.data[f])
		}
	}
	return n
}

// act does what node i decides, as Actor does, and returns it.
func (w *world) act(i int) Action {
	b := w.bricks[i]
	if !b.up {
		return None
	}
	s := w.sees(i)
	if s = w.files.show(w, i, s); s.Otherwise != "" {
		if d := Decide(s, i); d.Action != Stop {
			w.fail("n%d does something although %s: %s", i, s.Otherwise, d.Action)
		}
		return Stop
	}
	d := Decide(s, i)
	if b.givenUp != s.Bricks[i].GivenUp {
		w.fail("n%d takes what was said of another brick for its own", i)
	}
	if d.Action != None && d.Action != Wait && d.Action != Healing {
		w.note("n%d %s: %s", i, d.Action, d.Reason)
	}
	switch d.Action {
	case Start:
		b.process = true
	case TellWiped:
		w.tell(i, actual.IsWiped)
	case Refill:
		w.tell(i, actual.Refilling)
		b.mark, b.stamped, b.process, b.data = true, true, true, map[int]int{}
		// GlusterFS fails half way, and the brick runs although nobody knows what it lacks.
		if b.begun = w.rng.IntN(4) == 0; b.begun {
			b.process = w.rng.IntN(2) == 0
		}
	case Rebuild:
		for j, o := range w.bricks {
			if j != i && o.copy() {
				w.fail("n%d begins anew while n%d holds a complete copy", i, j)
			}
		}
		b.stamped, b.mark, b.process, b.data = true, false, true, map[int]int{}
		w.tell(i, actual.Nothing)
	case TakeOffline:
		b.process = false
	case Empty:
		for j, o := range w.bricks {
			if j != i && o.copy() && !b.givenUp {
				w.fail("n%d throws its half away while n%d, its source, holds a complete copy", i, j)
			}
		}
		w.forget(i)
	case Redo:
		w.forget(i)
	case TellSuspect:
		w.tell(i, actual.IsSuspect)
	case Resync:
		for _, source := range s.Others(i, actual.Brick.Serves) {
			w.compare(i, source)
			b.compared[source] = s.Bricks[source].Comparison()
		}
		b.withheld, b.process = false, true
		w.tell(i, actual.Behind)
	case Withhold:
		b.withheld, b.process, b.compared = true, false, [3]string{}
	case Accept:
		w.tell(i, actual.Unproven)
		b.withheld, b.process, b.lost = false, true, false // what it holds counts from now on
	case Finish:
		if (b.mark || b.published.Doubted()) && !w.full(b) {
			w.fail("n%d calls itself complete and is not", i)
		}
		w.tell(i, actual.Nothing)
		b.mark, b.compared = false, [3]string{}
	case Stop:
		if w.ephemeral {
			w.fail("n%d waits for a person: %s", i, d.Reason)
		}
	default:
	}
	if shown := w.sees(i); b.lost && b.process && b.published != actual.Unproven && len(shown.Others(i, actual.Brick.Complete)) == 0 {
		w.fail("n%d shows what is older than what it acknowledged", i)
	}
	return d.Action
}

// compare is what package resync does: the source is told what brick i lacks.
func (w *world) compare(i, source int) {
	b, src := w.bricks[i], w.bricks[source]
	if b.arbiter || src.arbiter {
		return
	}
	for f := range names {
		switch own := b.data[f]; {
		case own < src.data[f]:
			b.missed[source] = true
		case own > src.data[f] && src.published == actual.Unproven && src.data[f] == 0:
			for _, o := range w.bricks { // a name that one of them has is kept on all
				if o.stamped && !o.arbiter && !o.withheld && o.data[f] == 0 {
					o.data[f] = own
				}
			}
		case own > src.data[f] && src.published == actual.Unproven:
			b.missed[source] = true
		}
	}
	b.lost = b.lost && b.missed != [3]bool{}
}

// cutPower is a power cut: a tmpfs brick is gone, a disk has what was flushed.
func (w *world) cutPower(b *modelBrick) {
	if b.tmpfs || !b.stamped {
		return
	}
	b.withheld, b.compared = b.async, [3]string{}
	for f, v := range b.data {
		if b.async && v > b.flushed[f] && w.rng.IntN(2) == 0 {
			b.lost = true
			if b.data[f] = b.flushed[f]; b.data[f] == 0 {
				delete(b.data, f)
			}
		}
	}
}

// forget is what happens to a brick that loses everything: what it knew of the
// others is gone as well.
func (w *world) forget(i int) {
	b := w.bricks[i]
	b.stamped, b.mark, b.begun, b.process, b.missed, b.data = false, false, false, false, [3]bool{}, map[int]int{}
	b.withheld, b.lost, b.flushed = false, false, nil
	for _, o := range w.bricks {
		o.missed[i] = false
	}
}

// happen is one random event.
func (w *world) happen() {
	i := w.rng.IntN(len(w.bricks))
	b := w.bricks[i]
	if w.files != nil && w.rng.IntN(4) == 0 {
		w.files.happen(w, i)
		return
	}
	switch w.rng.IntN(9) {
	case 7:
		if b.up {
			b.flushed = maps.Clone(b.data)
		}
	case 8:
		if !b.up {
			break
		}
		w.note("n%d loses power", i)
		w.cutPower(b)
		fallthrough
	case 0: // reboot, or power off
		w.note("n%d goes down", i)
		b.up, b.process, b.cut = false, false, false
		if b.tmpfs {
			w.forget(i)
		}
	case 1, 2:
		if !b.up {
			w.note("n%d boots", i)
			b.up, b.process = true, b.stamped && !b.withheld
		}
	case 3:
		w.note("n%d is cut off: %v", i, !b.cut)
		b.cut = !b.cut
	case 4: // a client beside node i writes to every brick that it reaches
		w.write(i)
	case 5:
		w.heal()
	case 6:
		if b.up && b.process {
			w.note("n%d's brick is killed", i)
			b.process = false
		}
	}
}

// write needs a complete brick to go to: one that is half filled takes writes
// beside its source only.
func (w *world) write(i int) {
	at := w.sees(i)
	source, ups := false, 0
	for j, o := range at.Bricks {
		if o.Online {
			ups++
			source = source || (w.bricks[j].stamped && !w.bricks[j].mark && !o.Arbiter && w.bricks[j].missed == [3]bool{})
		}
	}
	if !source || (len(w.bricks) == 3 && ups < 2) {
		return
	}
	w.version++
	f := w.rng.IntN(names)
	for j, o := range at.Bricks {
		b := w.bricks[j]
		switch {
		case o.Online && !o.Arbiter:
			b.data[f] = w.version
		case o.Online:
		case b.stamped:
			for k, witness := range at.Bricks {
				b.missed[k] = b.missed[k] || witness.Online
			}
		}
	}
	w.note("file %d is written: version %d", f, w.version)
}

// heal is a step of the self-heal daemon: names first, contents later, from
// a complete brick to all that it reaches.
func (w *world) heal() {
	for j, src := range w.bricks {
		if !src.up || !src.process || !src.stamped || src.mark || src.arbiter || src.missed != [3]bool{} {
			continue
		}
		for i, o := range w.sees(j).Bricks {
			b := w.bricks[i]
			if i == j || !o.Online || b.begun || (!b.mark && b.missed == [3]bool{}) {
				continue
			}
			for f := range names {
				if v := src.data[f]; v > 0 && w.rng.IntN(2) == 0 {
					if _, named := b.data[f]; named || b.arbiter {
						b.data[f] = v
					} else {
						b.data[f] = 0
					}
				}
			}
			if w.full(b) && b.has(src) {
				b.missed, b.lost = [3]bool{}, false
			}
		}
		return
	}
}
