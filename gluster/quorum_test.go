package gluster_test

import (
	"testing"

	"brickyard/gluster"
)

func TestQuorum(t *testing.T) {
	for _, tc := range []struct {
		name string
		q    gluster.Quorum
		up   []bool
		want bool
	}{
		{"without quorum one brick is enough", gluster.Quorum{}, []bool{false, true}, true},
		{"without quorum no brick is not", gluster.Quorum{}, []bool{false, false}, false},
		{"two of three", gluster.Quorum{Auto: true}, []bool{false, true, true}, true},
		{"one of three", gluster.Quorum{Auto: true}, []bool{true, false, false}, false},
		{"half with the first", gluster.Quorum{Auto: true}, []bool{true, false}, true},
		{"fewer than a fixed number", gluster.Quorum{Fixed: 3}, []bool{true, true, false}, false},
		{"a fixed number", gluster.Quorum{Fixed: 2}, []bool{true, true, false}, true},
		{"half without the first", gluster.Quorum{Auto: true}, []bool{false, true}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.q.Met(tc.up); got != tc.want {
				t.Errorf("Met(%v) = %v, want %v", tc.up, got, tc.want)
			}
		})
	}
}

func TestQuorumOf(t *testing.T) {
	for _, tc := range []struct {
		name    string
		options map[string]string
		replica int
		want    gluster.Quorum
	}{
		{"two copies have none", nil, 2, gluster.Quorum{}},
		{"three copies have auto", nil, 3, gluster.Quorum{Auto: true}},
		{"three copies by choice none", map[string]string{"cluster.quorum-type": "none"}, 3, gluster.Quorum{}},
		{"two copies by choice auto", map[string]string{"cluster.quorum-type": "Auto"}, 2, gluster.Quorum{Auto: true}},
		{"a number", map[string]string{"cluster.quorum-type": "fixed", "cluster.quorum-count": "2"}, 3, gluster.Quorum{Fixed: 2}},
		{"a number without effect", map[string]string{"cluster.quorum-count": "2"}, 2, gluster.Quorum{}},
	} {
		if got := gluster.QuorumOf(tc.options, tc.replica); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}
