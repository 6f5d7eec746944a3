package desired_test

import (
	"testing"

	"brickyard/setup/desired"
)

func TestQuorum(t *testing.T) {
	for _, tc := range []struct {
		name string
		q    desired.Quorum
		up   []bool
		want bool
	}{
		{"without quorum one brick is enough", desired.Quorum{}, []bool{false, true}, true},
		{"without quorum no brick is not", desired.Quorum{}, []bool{false, false}, false},
		{"two of three", desired.Quorum{Auto: true}, []bool{false, true, true}, true},
		{"one of three", desired.Quorum{Auto: true}, []bool{true, false, false}, false},
		{"half with the first", desired.Quorum{Auto: true}, []bool{true, false}, true},
		{"fewer than a fixed number", desired.Quorum{Fixed: 3}, []bool{true, true, false}, false},
		{"a fixed number", desired.Quorum{Fixed: 2}, []bool{true, true, false}, true},
		{"half without the first", desired.Quorum{Auto: true}, []bool{false, true}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.q.Met(tc.up); got != tc.want {
				t.Errorf("Met(%v) = %v, want %v", tc.up, got, tc.want)
			}
		})
	}
}
