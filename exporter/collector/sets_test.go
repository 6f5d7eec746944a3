package collector

import (
	"fmt"
	"slices"
	"testing"

	"brickyard/gluster"
)

// worst tries all orders in which bricks may fail.
func worst(q gluster.Quorum, bricks []gluster.Brick, up []bool) int {
	if !writable(q, bricks, up) {
		return 0
	}
	least := len(bricks)
	for i := range up {
		if !up[i] {
			continue
		}
		left := slices.Clone(up)
		left[i] = false
		if !writable(q, bricks, left) {
			return 0
		}
		least = min(least, 1+worst(q, bricks, left))
	}
	return least
}

func TestToleratedFailuresAreThoseOfTheWorstOrder(t *testing.T) {
	t.Parallel()
	quorums := map[string]gluster.Quorum{"none": {}, "auto": {Auto: true}, "fixed 1": {Fixed: 1}, "fixed 2": {Fixed: 2}, "fixed 3": {Fixed: 3}}
	for n := 1; n <= 5; n++ {
		for arbiter := range n + 1 { // none where it is n
			bricks := make([]gluster.Brick, n)
			if arbiter < n {
				bricks[arbiter].Arbiter = true
			}
			for bits := range 1 << n {
				up := make([]bool, n)
				for i := range up {
					up[i] = bits>>i&1 == 1
				}
				for name, q := range quorums {
					before := fmt.Sprint(up)
					if got, want := tolerated(q, bricks, up), worst(q, bricks, up); got != want || fmt.Sprint(up) != before {
						t.Errorf("quorum %s, arbiter %d, up %s: %d tolerated, want %d", name, arbiter, before, got, want)
					}
				}
			}
		}
	}
}

// A set of many bricks took a second of every scrape when all orders were tried.
func TestASetOfManyBricksIsNoWork(t *testing.T) {
	t.Parallel()
	bricks, up := make([]gluster.Brick, 64), make([]bool, 64)
	for i := range up {
		up[i] = true
	}
	if got := tolerated(gluster.Quorum{}, bricks, up); got != 63 {
		t.Errorf("%d of 64", got)
	}
}
