package recovery

import (
	"slices"
	"strings"
	"testing"

	"brickyard/setup/actual"
)

// brick makes a remote or own brick in the state that the words describe.
func brick(node string, words ...string) actual.Brick {
	b := actual.Brick{Node: node, Path: "/b/brick", Reachable: true, Online: true, Disk: actual.Stamped}
	for _, w := range words {
		switch w {
		case "wiped":
			b.Disk, b.Online = actual.Wiped, false
		case "told wiped":
			b.Disk, b.Online, b.Published = actual.Wiped, false, actual.IsWiped
		case "half":
			b.Mark, b.Published = true, actual.Refilling
		case "offline":
			b.Online = false
		case "away":
			b.Online, b.Reachable = false, false
		case "arbiter":
			b.Arbiter = true
		case "given up":
			b.GivenUp = true
		case "foreign":
			b.Disk, b.Online = actual.Foreign, false
		case "unstamped":
			b.Disk, b.Online = actual.Unstamped, false
		case "unmounted":
			b.Disk, b.Online = actual.Unmounted, false
		case "withheld":
			b.Disk, b.Online = actual.Withheld, false
		case "suspect": // and the others know
			b.Disk, b.Online, b.Published = actual.Withheld, false, actual.IsSuspect
		case "released":
			b.Disk, b.Published = actual.Stamped, actual.Behind
		case "behind": // and lost power again
			b.Disk, b.Online, b.Published = actual.Withheld, false, actual.Behind
		case "compared":
			b.Compared = true
		case "unproven":
			b.Published = actual.Unproven
		case "link":
			b.Disk, b.Online = actual.Link, false
		case "begun":
			b.Mark, b.Published, b.Begun = true, actual.Refilling, true
		case "deaf":
			b.Deaf = true
		case "rebuilt":
			b.Published = actual.IsWiped
		case "filled":
			b.Published = actual.Refilling
		default:
			panic("unknown word " + w)
		}
	}
	return b
}

func set(bricks ...actual.Brick) actual.Set {
	for i := range bricks {
		bricks[i].Number = i
	}
	return actual.Set{Volume: "v", Ephemeral: true, Started: true, Majority: true, Bricks: bricks}
}

func TestASetThatTheClusterFileHasOtherwiseIsTouchedByNobody(t *testing.T) {
	s := set(brick("n2", "given up"), brick("n3"))
	s.Otherwise = "brick 1 is n2:/b in the cluster file and n1:/b in the volume"
	if d := Decide(s, 0); d.Action != Stop || !strings.Contains(d.Reason, s.Otherwise) || !strings.Contains(d.Reason, "touches nothing") {
		t.Errorf("Decide: %+v", d)
	}
}

func TestDecide(t *testing.T) {
	durable := func(s actual.Set) actual.Set { s.Ephemeral = false; return s }
	alone := func(s actual.Set) actual.Set { s.Majority = false; return s }
	healed := func(s actual.Set) actual.Set { s.Healed = true; return s }
	stopped := func(s actual.Set) actual.Set { s.Started = false; return s }
	allowed := func(s actual.Set) actual.Set { s.Ephemeral, s.Allowed = true, true; return s }
	for _, tc := range []struct {
		name   string
		set    actual.Set
		want   Action
		reason string
	}{
		{"a complete brick that serves needs nothing", set(brick("n1"), brick("n2")), None, ""},
		{"the leave to begin anew ends when every brick is complete all the same", allowed(set(brick("n1"), brick("n2"))), Finish, "is over"},
		{"but not while one of them is away", allowed(set(brick("n1"), brick("n2", "away"))), None, ""},
		{"nor while one is being filled", allowed(set(brick("n1"), brick("n2", "half"))), None, ""},
		{"nor by a minority", alone(allowed(set(brick("n1"), brick("n2")))), None, ""},
		{"a brick of a stopped volume is left alone", stopped(set(brick("n1", "wiped"), brick("n2"))), None, "not started"},
		{"a brick whose process is gone is started", set(brick("n1", "offline"), brick("n2")), Start, ""},
		{"a brick whose process is gone is started although the other is away", set(brick("n1", "offline"), brick("n2", "away")), Start, ""},

		{"a wiped brick is announced first when it cannot be refilled at once", set(brick("n1", "wiped"), brick("n2", "away")), TellWiped, ""},
		{"a wiped brick is refilled at once when the other is there", set(brick("n1", "wiped"), brick("n2")), Refill, "n2"},
		{"a wiped brick that was half filled before is refilled at once", set(brick("n1", "wiped", "filled"), brick("n2")), Refill, "n2"},
		{"a wiped brick waits for the other's glusterd to be connected", set(brick("n1", "wiped"), brick("n2", "deaf")), Wait, "n2 to be connected"},
		{"a refill that GlusterFS never confirmed begins again", set(brick("n1", "begun", "offline"), brick("n2")), Redo, ""},
		{"a refill that GlusterFS never confirmed is taken offline first", set(brick("n1", "begun"), brick("n2")), TakeOffline, ""},
		{"a refill that GlusterFS never confirmed waits for its source", set(brick("n1", "begun", "offline"), brick("n2", "away")), Wait, "n2"},
		{"a refill that was never confirmed and whose source is empty is emptied", set(brick("n1", "begun", "offline"), brick("n2", "told wiped")), Empty, ""},
		{"a wiped brick is not announced by a minority", alone(set(brick("n1", "wiped"), brick("n2", "away"))), Wait, "majority"},
		{"a wiped brick is refilled from a complete one", set(brick("n1", "told wiped"), brick("n2")), Refill, "n2"},
		{"a wiped brick waits while the other is away", set(brick("n1", "told wiped"), brick("n2", "away")), Wait, "n2"},
		{"a wiped brick waits while the other's process is down, which may hold everything", set(brick("n1", "told wiped"), brick("n2", "offline")), Wait, "n2"},
		{"a wiped brick does not trust a half-filled one", set(brick("n1", "told wiped"), brick("n2", "half")), Wait, "half-filled"},
		{"a wiped brick does not trust one that was half filled when it was last heard of", set(brick("n1", "told wiped"), brick("n2", "half", "away")), Wait, "half-filled"},
		{"of two wiped bricks the first begins anew", set(brick("n1", "told wiped"), brick("n2", "told wiped")), Rebuild, ""},
		{"a wiped brick that is not the first waits", set(brick("n0", "told wiped"), brick("n1", "told wiped")), Wait, "n0"},
		{"nothing begins anew while the other has not said that it is empty", set(brick("n1", "told wiped"), brick("n2", "wiped")), Wait, "n2"},
		{"nothing begins anew in a minority", alone(set(brick("n1", "told wiped"), brick("n2", "told wiped", "away"))), Wait, "majority"},
		{"a volume that is not ephemeral never begins anew by itself", durable(set(brick("n1", "told wiped"), brick("n2", "told wiped"))), Stop, "--rebuild-empty v"},
		{"a set begins anew without a node that a person gave up", set(brick("n1", "told wiped"), brick("n2", "away", "given up")), Rebuild, ""},
		{"a rebuilt brick that has not said so yet is waited for", set(brick("n0", "rebuilt"), brick("n1", "told wiped")), Wait, "n0"},
		{"a rebuilt brick says so", set(brick("n1", "rebuilt"), brick("n2", "told wiped")), Finish, ""},

		{"in replica 3 a wiped brick is refilled when both others serve", set(brick("n1", "told wiped"), brick("n2"), brick("n3")), Refill, ""},
		{"in replica 3 a wiped brick waits while one that may know better is away", set(brick("n1", "told wiped"), brick("n2"), brick("n3", "away")), Wait, "n3"},
		{"in replica 3 two wiped bricks are refilled from the third", set(brick("n1", "told wiped"), brick("n2", "told wiped"), brick("n3")), Refill, "n3"},
		{"in replica 3 a wiped brick goes on while another is refilled", set(brick("n1", "told wiped"), brick("n2", "half"), brick("n3")), Refill, "n3"},
		{"in replica 3 a given up node is not waited for", set(brick("n1", "told wiped"), brick("n2"), brick("n3", "away", "given up")), Refill, "n2"},
		{"in replica 3 a wiped brick does not wait for one that was compared after a power cut, and serves", set(brick("n1", "told wiped"), brick("n2"), brick("n3", "released", "compared")), Refill, "n2"},
		{"but for one that was compared, while nobody that is complete serves", set(brick("n1", "told wiped"), brick("n2", "away"), brick("n3", "released", "compared")), Wait, "n2"},
		{"and for one that may have lost something and was not compared", set(brick("n1", "told wiped"), brick("n2"), brick("n3", "suspect")), Wait, "n3"},
		{"an arbiter is no source", set(brick("n1", "told wiped"), brick("n2", "away"), brick("n3", "arbiter")), Wait, "n2"},
		{"an arbiter does not keep an empty set from beginning anew", set(brick("n1", "told wiped"), brick("n2", "told wiped"), brick("n3", "arbiter", "told wiped")), Rebuild, ""},
		{"a wiped arbiter is refilled from the data bricks", set(brick("n3", "arbiter", "told wiped"), brick("n1"), brick("n2")), Refill, ""},
		{"a wiped arbiter never begins anew", set(brick("n3", "arbiter", "told wiped"), brick("n1", "told wiped"), brick("n2", "told wiped")), Wait, "n1"},

		{"a brick that is being filled waits for the heal", set(brick("n1", "half"), brick("n2")), Healing, "n2"},
		{"a brick that is filled says so", healed(set(brick("n1", "half"), brick("n2"))), Finish, ""},
		{"a filled brick says so only to a majority", alone(healed(set(brick("n1", "half"), brick("n2")))), Wait, "majority"},
		{"a half-filled brick without a source is not shown", set(brick("n1", "half"), brick("n2", "away")), TakeOffline, ""},
		{"a half-filled brick without a source waits for it", set(brick("n1", "half", "offline"), brick("n2", "away")), Wait, "n2"},
		{"a half-filled brick whose source returns goes on", set(brick("n1", "half", "offline"), brick("n2")), Start, "n2"},
		{"a half-filled brick whose source was wiped is taken offline first", set(brick("n1", "half"), brick("n2", "told wiped")), TakeOffline, ""},
		{"a half-filled brick whose source was wiped is emptied", set(brick("n1", "half", "offline"), brick("n2", "told wiped")), Empty, "must not lie"},
		{"a half-filled brick of a volume that is not ephemeral is kept for a person", durable(set(brick("n1", "half", "offline"), brick("n2", "told wiped"))), Stop, "--rebuild-empty v"},
		{"a half-filled brick does not take an arbiter for its source", set(brick("n1", "half"), brick("n2", "away"), brick("n3", "arbiter")), TakeOffline, ""},
		{"a filled brick whose word was lost half way says it again", set(brick("n1", "filled"), brick("n2")), Finish, ""},

		{"a brick that was given up does not serve what is out of date", set(brick("n1", "given up"), brick("n2")), TakeOffline, "out of date"},
		{"a brick that was given up is emptied", set(brick("n1", "given up", "offline"), brick("n2")), Empty, "out of date"},
		{"a brick that was given up and is wiped is announced again", set(brick("n1", "given up", "told wiped"), brick("n2")), TellWiped, ""},

		{"a brick that lost power is announced first", durable(set(brick("n1", "withheld"), brick("n2"))), TellSuspect, "other nodes must know"},
		{"a brick that lost power is not announced by a minority", alone(set(brick("n1", "withheld"), brick("n2", "away"))), Wait, "majority"},
		{"a brick that lost power is compared with one that is complete", durable(set(brick("n1", "suspect"), brick("n2"))), Resync, "n2"},
		{"a brick that lost power is compared with one that is accepted", set(brick("n1", "suspect"), brick("n2", "unproven")), Resync, "n2"},
		{"of three that lost power all are compared with the one that serves", set(brick("n0", "released"), brick("n1", "suspect"), brick("n2", "unproven")), Resync, "n2"},
		{"a brick that lost power waits for one that may know better", set(brick("n1", "suspect"), brick("n2", "away")), Wait, "--give-up"},
		{"a brick that lost power is not compared with an arbiter", set(brick("n1", "suspect"), brick("n2", "away"), brick("n3", "arbiter")), Wait, "n2"},
		{"a brick that lost power is not compared with one being filled", set(brick("n1", "suspect"), brick("n2", "half")), Accept, "nobody can prove"},
		{"of two that lost power the first serves", set(brick("n1", "suspect"), brick("n2", "suspect")), Accept, "nobody can prove"},
		{"of two that lost power the second waits", set(brick("n0", "suspect"), brick("n1", "suspect")), Wait, "n0 to begin"},
		{"of two that lost power the second begins when the first does not return", set(brick("n0", "suspect", "away", "given up"), brick("n1", "suspect")), Accept, ""},
		{"nothing is accepted in a minority", alone(set(brick("n1", "suspect"), brick("n2", "suspect", "away"))), Wait, "majority"},
		{"one that lost power serves when the other is empty", set(brick("n1", "suspect"), brick("n2", "told wiped")), Accept, ""},
		{"an empty brick waits for one that lost power", set(brick("n1", "told wiped"), brick("n2", "suspect")), Wait, "n2"},
		{"an empty brick waits for one that lost power and is being healed", set(brick("n1", "told wiped"), brick("n2", "released")), Wait, "n2"},
		{"an empty brick is refilled from one that was accepted", set(brick("n1", "told wiped"), brick("n2", "unproven")), Refill, "n2"},
		{"in replica 3 a brick that lost power is compared though a third is away", set(brick("n1", "suspect"), brick("n2"), brick("n3", "away")), Resync, "n2"},
		{"an arbiter that lost power is compared", set(brick("n3", "arbiter", "suspect"), brick("n1"), brick("n2")), Resync, "n1"},
		{"an arbiter that lost power never begins", set(brick("n3", "arbiter", "suspect"), brick("n1", "told wiped"), brick("n2", "told wiped")), Wait, "contents"},
		{"a compared brick is started", set(brick("n1", "released", "offline"), brick("n2", "compared")), Start, "compared with n2"},
		{"a compared brick is healed", set(brick("n1", "released"), brick("n2", "compared")), Healing, "n2"},
		{"a compared brick that is healed says so", healed(set(brick("n1", "released"), brick("n2", "compared"))), Finish, ""},
		{"a compared brick says so only to a majority", alone(healed(set(brick("n1", "released"), brick("n2", "compared")))), Wait, "majority"},
		{"a compared brick serves and waits for one that it was not compared with", set(brick("n1", "released"), brick("n2", "compared"), brick("n3", "away")), Wait, "n3"},
		{"a compared brick is compared anew when all are back", set(brick("n1", "released"), brick("n2", "compared"), brick("n3")), Withhold, "n3"},
		{"a compared brick waits for nobody who was given up", healed(set(brick("n1", "released"), brick("n2", "compared"), brick("n3", "away", "given up"))), Finish, ""},
		{"a compared brick waits for nobody who is compared himself", healed(set(brick("n1", "released"), brick("n2", "compared"), brick("n3", "released"))), Finish, ""},
		{"a compared brick is not compared with an arbiter", healed(set(brick("n1", "released"), brick("n2", "compared"), brick("n3", "arbiter"))), Finish, ""},
		{"a compared brick whose source is gone shows nothing old", set(brick("n1", "released"), brick("n2", "away")), TakeOffline, "old contents"},
		{"a compared brick whose source is gone waits for it", set(brick("n1", "released", "offline"), brick("n2", "away")), Wait, "n2"},
		{"a compared brick whose source lost power lets that one begin", set(brick("n1", "released"), brick("n2", "suspect")), TakeOffline, "old contents"},
		{"a compared brick waits for its source that lost power", set(brick("n1", "released", "offline"), brick("n2", "suspect", "away")), Wait, "n2"},
		{"the source of a compared brick begins when it loses power", set(brick("n0", "released", "offline"), brick("n1", "suspect")), Accept, ""},
		{"a compared brick that lost power again waits for its source", set(brick("n1", "behind"), brick("n2", "suspect")), Wait, "n2"},
		{"a compared brick that lost power again is compared again", set(brick("n1", "behind"), brick("n2")), Resync, "n2"},
		{"of two compared bricks the first begins", set(brick("n1", "behind"), brick("n2", "behind")), Accept, ""},
		{"a compared brick whose source was given up serves as it is", set(brick("n1", "released", "offline"), brick("n2", "away", "given up")), Accept, ""},
		{"an accepted brick waits for nobody while others are compared with it", set(brick("n1", "unproven"), brick("n2", "suspect")), None, "without a proof"},
		{"an accepted brick whose process is gone is started", set(brick("n1", "unproven", "offline"), brick("n2", "suspect")), Start, ""},
		{"an accepted brick is complete when all others were compared", set(brick("n1", "unproven"), brick("n2")), Finish, ""},
		{"a brick that lost power and was given up is emptied", set(brick("n1", "suspect", "given up"), brick("n2")), Empty, "out of date"},

		{"a brick without its file system waits for apply", set(brick("n1", "unmounted"), brick("n2")), Stop, "gluster-setup apply"},
		{"a foreign brick waits for a person", set(brick("n1", "foreign"), brick("n2")), Stop, "another volume"},
		{"files without a volume-id wait for a person", set(brick("n1", "unstamped"), brick("n2")), Stop, "no volume-id"},
		{"a symbolic link waits for a person", set(brick("n1", "link"), brick("n2")), Stop, "symbolic link"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			own := 0
			if tc.set.Bricks[0].Node == "n0" {
				own = 1
			}
			got := Decide(tc.set, own)
			if got.Action != tc.want || !strings.Contains(got.Reason, tc.reason) {
				t.Errorf("Decide = %s (%s), want %s with %q in the reason", got.Action, got.Reason, tc.want, tc.reason)
			}
			if got.Reason == "" {
				t.Error("no reason given")
			}
		})
	}
}

// Every combination of two or three bricks in any state: whatever is decided,
// nothing that may be the only copy is thrown away or written over.
func TestDecideNeverGivesUpACopyInAnyCombination(t *testing.T) {
	states := [][]string{
		{},
		{"offline"},
		{"away"},
		{"wiped"},
		{"told wiped"},
		{"told wiped", "away"},
		{"half"},
		{"half", "offline"},
		{"half", "away"},
		{"begun"},
		{"begun", "offline"},
		{"deaf"},
		{"rebuilt"},
		{"filled"},
		{"away", "given up"},
		{"given up", "offline"},
		{"arbiter"},
		{"arbiter", "away"},
		{"arbiter", "told wiped"},
		{"arbiter", "half"},
	}
	combinations := 0
	var try func(bricks []actual.Brick)
	try = func(bricks []actual.Brick) {
		if len(bricks) >= 2 {
			for _, healed := range []bool{false, true} {
				for _, ephemeral := range []bool{false, true} {
					s := set(bricks...)
					s.Healed, s.Ephemeral = healed, ephemeral
					check(t, s)
					combinations++
				}
			}
		}
		if len(bricks) == 3 {
			return
		}
		for _, words := range states {
			try(append(slices.Clip(bricks), brick("n"+string(rune('1'+len(bricks))), words...)))
		}
	}
	try(nil)
	if combinations < 10000 {
		t.Fatalf("only %d combinations tried", combinations)
	}
}

func check(t *testing.T, s actual.Set) {
	t.Helper()
	d := Decide(s, 0)
	mayHold := func(b actual.Brick) bool { return b.Published == actual.Nothing && !b.GivenUp && !b.Arbiter }
	holders, online := 0, 0
	for _, b := range s.Bricks[1:] {
		if mayHold(b) {
			holders++
			if b.Online {
				online++
			}
		}
	}
	switch d.Action {
	case Rebuild:
		if holders > 0 || !s.Ephemeral || s.Bricks[0].Disk != actual.Wiped || s.Bricks[0].Arbiter {
			t.Errorf("begins anew with %+v", s)
		}
	case Empty:
		if !s.Bricks[0].GivenUp && (holders > 0 || !s.Ephemeral || s.Bricks[0].Online) {
			t.Errorf("empties with %+v", s)
		}
	case Redo:
		if online == 0 || !s.Bricks[0].Begun || s.Bricks[0].Online {
			t.Errorf("empties its brick for another refill with %+v", s)
		}
	case Refill:
		if online == 0 || online < holders {
			t.Errorf("refills with %+v", s)
		}
	case Finish:
		if s.Bricks[0].Mark && (online == 0 || !s.Healed) {
			t.Errorf("calls a half-filled brick complete with %+v", s)
		}
	default:
	}
	if s.Bricks[0].Mark && s.Bricks[0].Online && online == 0 && d.Action != TakeOffline {
		t.Errorf("shows a half-filled brick (%s) with %+v", d.Action, s)
	}
}
