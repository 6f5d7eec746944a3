package stop

import (
	"context"
	"errors"
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/setup/actual"
)

// local is a replica set whose first brick is the asking node's.
func local(healed bool, bricks ...actual.Brick) []actual.Local {
	for i := range bricks {
		bricks[i].Path = "/b"
		bricks[i].Node = "n" + string(rune('1'+i))
	}
	return []actual.Local{{Set: actual.Set{Volume: "v", Started: true, Healed: healed, Bricks: bricks}}}
}

func TestDecide(t *testing.T) {
	up := actual.Brick{Online: true, Reachable: true}
	down := actual.Brick{Reachable: true}
	away := actual.Brick{}
	unknown := actual.Brick{Reachable: true, Unknown: "its port 1 on n does not answer: a firewall?"}
	wiped := actual.Brick{Reachable: true, Published: actual.IsWiped}
	filling := actual.Brick{Online: true, Reachable: true, Published: actual.Refilling}
	arbiter := actual.Brick{Online: true, Reachable: true, Arbiter: true}
	auto := gluster.Quorum{Auto: true}
	last := func(l []actual.Local) []actual.Local { l[0].Own = len(l[0].Set.Bricks) - 1; return l }
	for _, tc := range []struct {
		name   string
		sets   []actual.Local
		quorum gluster.Quorum
		want   string // part of the reason; empty: it may stop
	}{
		{"a node without bricks may stop", nil, gluster.Quorum{}, ""},
		{"with the other brick complete it may stop", local(true, up, up), gluster.Quorum{}, ""},
		{"with the other brick down it must stay", local(true, up, down), gluster.Quorum{}, "n2:/b is down"},
		{"with the other node away it must stay", local(true, up, away), gluster.Quorum{}, "n2 does not answer"},
		{"with the other brick empty it must stay", local(true, up, wiped), gluster.Quorum{}, "is empty"},
		{"while the other is filled from it, it must stay", local(false, up, filling), gluster.Quorum{}, "being refilled"},
		{"while entries wait to be healed it must stay", local(false, up, up), gluster.Quorum{}, "wait to be healed"},
		{"a node whose own brick is empty may stop", local(false, wiped, up), gluster.Quorum{}, ""},
		{"a node whose own brick is being filled may stop", local(false, filling, up), gluster.Quorum{}, ""},
		{"a node whose own brick is down may stop", local(false, down, up), gluster.Quorum{}, ""},
		{"with nobody knowing whether its own brick serves it must stay", local(true, unknown, up), gluster.Quorum{}, "unknown whether n1:/b serves: its port 1"},
		{"with nobody knowing whether the other brick serves it must stay", local(true, up, unknown), gluster.Quorum{}, "unknown whether n2:/b serves: its port 1"},
		{"one of three may stop", local(true, up, up, up), auto, ""},
		{"a second of three must stay", local(true, up, up, down), auto, "is down"},
		{"a half-filled brick of three that the quorum needs must stay", local(false, filling, up, down), auto, "quorum"},
		{"the second of two with quorum may stop", last(local(true, up, up)), auto, ""},
		{"the first of two with quorum must stay", local(true, up, up), auto, "quorum"},
		{"a data brick beside an arbiter may stop", local(true, up, up, arbiter), auto, ""},
		{"an arbiter may stop", last(local(true, up, up, arbiter)), auto, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := strings.Join(Decide(tc.sets, map[string]gluster.Quorum{"v": tc.quorum}), "; ")
			if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("Decide = %q, want %q in it", got, tc.want)
			}
		})
	}
}

func TestHold(t *testing.T) {
	up := actual.Brick{Online: true, Reachable: true}
	has := actual.Brick{Online: true, Reachable: true, Pending: 3}
	down := actual.Brick{Reachable: true, Published: actual.IsWiped}
	away := actual.Brick{}
	filling := actual.Brick{Online: true, Reachable: true, Published: actual.Refilling}
	arbiter := actual.Brick{Online: true, Reachable: true, Arbiter: true}
	givenUp := actual.Brick{GivenUp: true}
	tmpfs := func(l []actual.Local) []actual.Local { l[0].Tmpfs = true; return l }
	for _, tc := range []struct {
		name string
		sets []actual.Local
		want string
		gone bool
	}{
		{"nobody needs a node whose copy is not the only one", local(true, up, up), "", false},
		{"a brick that is filled from here is waited for", local(false, up, filling), "n2:/b", false},
		{"entries to heal from here are waited for", local(false, has, up), "wait to be healed", false},
		{"entries to heal from elsewhere are not waited for", local(false, up, has), "", false},
		{"an empty brick is waited for when this copy is in memory", tmpfs(local(false, up, down)), "n2:/b", false},
		{"an empty brick is not waited for when this copy is on a disk", local(false, up, down), "", false},
		{"a node that does not answer may be booting when this copy is in memory", tmpfs(local(false, up, away)), "n2:/b", true},
		{"a node that does not answer is not waited for when this copy is on a disk", local(false, up, away), "", false},
		{"a node that was given up is not waited for", tmpfs(local(false, up, givenUp)), "", false},
		{"an arbiter has no copy", tmpfs(local(false, up, down, arbiter)), "n2:/b", false},
		{"who is being filled has nothing to give", tmpfs(local(false, filling, down)), "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Hold(tc.sets)
			switch {
			case tc.want == "" && len(got) == 0:
			case len(got) != 1 || tc.want == "" || !strings.Contains(got[0].For, tc.want) || got[0].Gone != tc.gone:
				t.Errorf("Hold = %+v, want %q, gone %v", got, tc.want, tc.gone)
			}
		})
	}
}

var errTold = errors.New("told")

// The order of write and read is what keeps two nodes from going both: a
// claim that cannot be written is no claim.
func TestAClaimThatCannotBeWrittenIsAnError(t *testing.T) {
	g := &Gate{
		Node: "n1", Moment: ThisMoment,
		Local: gluster.NewClient("unix", t.TempDir()+"/none"),
		Look:  func(context.Context) (actual.Look, error) { return actual.Look{}, errTold },
	}
	if _, err := g.Ask(t.Context(), true); !errors.Is(err, errTold) {
		t.Errorf("Ask = %v, want the error of the look", err)
	}
}
