package host

import (
	"slices"
	"strings"
	"testing"

	"brickyard/setup/change"
	"brickyard/setup/desired"
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

// Another address of the exporter is one of its socket's, which is renewed with it.
func TestTheExporterIsRestartedWhenItsSocketChanges(t *testing.T) {
	b := server(t, false)
	b.host.State.Exporter = &desired.Exporter{Binary: "/usr/local/sbin/gluster_exporter"}
	b.systemd.active, b.systemd.enabled = "active", "enabled"
	socket := desired.UnitPath(desired.ExporterSocket)
	for _, files := range []change.Plan{{}, {Changes: []change.Change{{Object: socket}}}} {
		p, err := b.host.units(t.Context(), files)
		if err != nil {
			t.Fatal(err)
		}
		var whys []string
		for _, c := range p.Changes {
			if c.Object == desired.ExporterUnit {
				whys = append(whys, c.Action+": "+c.Why)
			}
		}
		want := []string{}
		if len(files.Changes) > 0 {
			want = append(want, "restart: "+socket+" changes")
		}
		if !slices.Equal(whys, want) {
			t.Errorf("with %d changes of files: %q, want %q", len(files.Changes), whys, want)
		}
	}
}
