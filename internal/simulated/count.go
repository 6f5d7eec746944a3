package simulated

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Count is how much was asked: calls, and bytes of both ways with RPC's headers.
type Count struct{ Questions, Asked, Answered int }

// Plus is the sum of two counts.
func (c Count) Plus(o Count) Count {
	return Count{c.Questions + o.Questions, c.Asked + o.Asked, c.Answered + o.Answered}
}

// Kind is a kind of question: whom, and for what.
type Kind struct{ Of, For string }

// String gives it in words.
func (k Kind) String() string { return k.Of + ": " + k.For }

// tally counts questions by their kind.
type tally struct {
	mu     sync.Mutex
	counts map[Kind]Count
}

// procedureName says what a call asks for.
func procedureName(program, procedure uint32) string {
	switch [2]uint32{program, procedure} {
	case [2]uint32{programGlusterd, uuidGet}:
		return "uuid"
	case [2]uint32{programGlusterd, listFriends}:
		return "peers"
	case [2]uint32{programGlusterd, listVolume}:
		return "names of volumes"
	case [2]uint32{programGlusterd, getVolume}:
		return "a volume"
	case [2]uint32{programHandshake, getSpec}:
		return "a file"
	case [2]uint32{programPortmap, portByBrick}:
		return "port of a brick"
	case [2]uint32{programBrick, xlatorOp}:
		return "heals of a volume"
	}
	return fmt.Sprintf("procedure %d of %d", procedure, program)
}

// of counts what daemons of a kind are asked.
func (t *tally) of(kind string) func(program, procedure uint32, asked, answered int) {
	return func(program, procedure uint32, asked, answered int) {
		k := Kind{kind, procedureName(program, procedure)}
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.counts == nil {
			t.counts = map[Kind]Count{}
		}
		t.counts[k] = t.counts[k].Plus(Count{1, asked, answered})
	}
}

// Counts returns what all daemons were asked since the last call, or since the start.
func (c *Cluster) Counts() map[Kind]Count {
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	counts := c.tally.counts
	c.tally.counts = nil
	return counts
}

// Total is the sum of counts.
func Total(counts map[Kind]Count) (sum Count) {
	for _, n := range slices.Collect(maps.Values(counts)) {
		sum = sum.Plus(n)
	}
	return sum
}
