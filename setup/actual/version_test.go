package actual

import (
	"testing"
	"time"

	"brickyard/gluster"
)

func TestAChangeThatChangesNothingIsAStart(t *testing.T) {
	plain, set, word := gluster.Volume{Name: "v"}, gluster.Volume{Name: "v", Options: map[string]string{"a": "b"}}, gluster.Volume{Name: "v", Options: map[string]string{OwnWords + "x": "b"}}
	now := time.Now()
	before := version{number: 4, volume: plain}
	for what, tc := range map[string]struct {
		v       version
		starts  int
		changed bool
	}{
		"nothing":    {version{number: 4, volume: plain}, 0, false},
		"a start":    {version{number: 5, volume: plain}, 1, false},
		"a word":     {version{number: 5, volume: word}, 0, false},
		"to and fro": {version{number: 6, volume: plain}, 0, false},
		"an option":  {version{number: 5, volume: set}, 0, true},
	} {
		got := tc.v.after(before, now)
		if got.starts != tc.starts || got.changed.IsZero() == tc.changed {
			t.Errorf("%s: %+v", what, got)
		}
	}
}
