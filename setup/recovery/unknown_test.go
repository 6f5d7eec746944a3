package recovery

import (
	"strings"
	"testing"
)

// Whatever else is known: nothing is done about a brick that may serve.
func TestNothingIsDoneAboutABrickOfWhichNobodyKnowsWhetherItServes(t *testing.T) {
	for _, words := range [][]string{{"offline"}, {"half", "offline"}, {"given up", "offline"}, {"wiped"}, {"told wiped"}, {"released", "offline"}, {"begun", "offline"}, {"withheld"}} {
		for _, other := range [][]string{{}, {"away"}, {"told wiped"}} {
			own := brick("n1", words...)
			own.Unknown = "its port does not answer"
			d := Decide(set(own, brick("n2", other...)), 0)
			if d.Action != Wait || !strings.Contains(d.Reason, own.Unknown) {
				t.Errorf("%v beside %v: %+v", words, other, d)
			}
		}
	}
	own := brick("n1", "unmounted")
	own.Unknown = "its port does not answer"
	if d := Decide(set(own, brick("n2")), 0); d.Action != Stop {
		t.Errorf("its file system is not mounted: %+v", d)
	}
}
