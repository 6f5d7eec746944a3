package change_test

import (
	"testing"

	"brickyard/setup/change"
)

func TestAPlanIsSettledWhenNothingIsLeftToDoOrToWaitFor(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		plan change.Plan
		want bool
	}{
		{"an empty plan", change.Plan{}, true},
		{"a warning", change.Plan{Warnings: []string{"w"}}, true},
		{"a change", change.Plan{Changes: []change.Change{{}}}, false},
		{"a conflict", change.Plan{Conflicts: []change.Conflict{{}}}, false},
		{"a wait", change.Plan{Waits: []string{"w"}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tc.plan.Settled(); got != tc.want {
				t.Errorf("settled %v", got)
			}
		})
	}
}

func TestAddPutsOnePlanBehindAnother(t *testing.T) {
	t.Parallel()
	var p change.Plan
	for _, s := range []string{"a", "b"} {
		p.Add(change.Plan{
			Changes:   []change.Change{{Object: s, By: "x" + s, Action: "mount", Needs: []string{"need", "need " + s}}},
			Conflicts: []change.Conflict{{Object: s}}, Warnings: []string{s}, Waits: []string{"wait"},
		})
	}
	same(t, "conflicts", []change.Conflict{{Object: "a"}, {Object: "b"}}, p.Conflicts)
	same(t, "warnings", []string{"a", "b"}, p.Warnings)
	same(t, "pending without repeats", []string{"wait", "need", "need a", "xa to mount a", "need b", "xb to mount b"}, p.Pending())
}

func TestAChangeIsReadyWhenItIsOursAndNeedsNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		change change.Change
		want   bool
	}{{change.Change{}, true}, {change.Change{By: "web1"}, false}, {change.Change{Needs: []string{"x"}}, false}} {
		if got := tc.change.Ready(); got != tc.want {
			t.Errorf("%+v: ready %v", tc.change, got)
		}
	}
}
