package recovery

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sums is what happened in sequences.
type sums struct{ rebuilt, finished, compared, accepted, stuck, edited, gaveUp int }

// sequence is one random sequence of reboots, power cuts, partitions, writes and heals: no node ever gives up a complete
// copy that any brick holds, reachable or not; nobody calls a half-filled brick complete; and when the world calms down, an
// ephemeral set ends with every brick complete and serving.
func (n *sums) sequence(t *testing.T, seed uint64, edits bool) {
	t.Helper()
	w := &world{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 7))} //nolint:gosec // a repeatable test
	bricks := 2 + w.rng.IntN(2)
	tmpfs := w.rng.IntN(2) == 0
	w.ephemeral = tmpfs
	arbiter := bricks == 3 && w.rng.IntN(2) == 0
	async := !tmpfs && w.rng.IntN(3) > 0
	for i := range bricks {
		w.bricks = append(w.bricks, &modelBrick{arbiter: arbiter && i == 2, tmpfs: tmpfs, async: async, up: true, process: true, stamped: true, data: map[int]int{}})
	}
	if edits {
		w.files = newFiles(w)
	}
	for range 60 {
		if w.rng.IntN(2) == 0 {
			w.happen()
		} else {
			w.act(w.rng.IntN(bricks))
		}
	}
	w.calm()
	for _, l := range w.log {
		_, what, _ := strings.Cut(l, " ")
		switch action, _, _ := strings.Cut(what, ":"); Action(action) {
		case Rebuild:
			n.rebuilt++
		case Finish:
			n.finished++
		case Resync:
			n.compared++
		case Accept:
			n.accepted++
		case "edit":
			n.edited++
		case "given up":
			n.gaveUp++
		default:
		}
	}
	if slices.ContainsFunc(w.bricks, func(b *modelBrick) bool { return b.missed != [3]bool{} }) {
		n.stuck++ // a brick's newest contents are gone and an arbiter remembers: no business of ours
		return
	}
	for i := range w.bricks {
		if d := Decide(w.sees(i), i); d.Action != None {
			w.fail("after the calm n%d still wants to %s: %s", i, d.Action, d.Reason)
		}
	}
}

// calm lets every node boot and talk to all others, and everybody act until nothing is left to do.
func (w *world) calm() {
	for _, b := range w.bricks {
		if !b.up {
			b.up, b.process = true, b.stamped && !b.withheld
		}
		b.cut = false
	}
	w.files.calm(w)
	w.note("calm")
	for range 200 {
		settled := true
		for i, b := range w.bricks {
			settled = w.act(i) == None && !b.mark && b.missed == [3]bool{} && settled
		}
		if settled {
			return // and stays so: nobody acts, and there is nothing to heal
		}
		w.heal()
	}
}

func TestNoOrderOfRebootsLosesACopy(t *testing.T) {
	runs := uint64(1500)
	if testing.Short() {
		runs = 300
	}
	var n sums
	for seed := range runs {
		n.sequence(t, seed, false)
	}
	n.sequence(t, 105691, false) // GlusterFS's record of what a brick lacks outlives a comparison
	t.Logf("%d runs: %+v", runs, n)
	if n.rebuilt == 0 || n.finished == 0 || n.compared == 0 || n.accepted == 0 || n.stuck > int(runs)/5 {
		t.Error("it tests too little")
	}
}
