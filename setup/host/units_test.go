package host

import (
	"slices"
	"strings"
	"testing"

	"brickyard/setup/change"
)

// systemd reads all of its units for each reload: one reload is enough for several units that are enabled.
func TestSystemdIsReloadedOnceForAllUnitsThatAreEnabled(t *testing.T) {
	b := server(t, false)
	b.host.State.Server = true
	b.systemd.active, b.systemd.enabled = "active", "disabled"
	p, err := b.host.units(t.Context(), change.Plan{})
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, c := range p.Changes {
		commands = append(commands, c.Commands...)
	}
	last := len(commands) - 1
	if last < 1 {
		t.Fatalf("commands %q", commands)
	}
	for i, c := range commands {
		if strings.Contains(c, " --no-reload ") == (i == last) {
			t.Errorf("command %d of %d is %q", i+1, len(commands), c)
		}
	}
	b.do(p)
	calls := b.systemd.calls
	if len(calls) != len(commands)+1 || slices.Index(calls, "reload") != len(calls)-1 {
		t.Errorf("calls %q", calls)
	}
}
