package host

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"brickyard/setup/change"
)

// packaged is the file as GlusterFS 10 installs it, shortened.
const packaged = `volume management
    type mgmt/glusterd
    option working-directory /var/lib/glusterd
#   option transport.address-family inet6
    option max-port  60999
end-volume
`

func TestEditVolfile(t *testing.T) {
	edited := strings.Replace(packaged, "end-volume", ourComment+"\n"+ourOption+"\nend-volume", 1)
	foreign := strings.Replace(packaged, "end-volume", "    option transport.address-family \"inet6\"\nend-volume", 1)
	four := strings.Replace(packaged, "end-volume", "  option\ttransport.address-family inet\nend-volume", 1)
	torn := strings.Replace(edited, ourOption+"\n", "", 1)
	for _, test := range []struct {
		name, text  string
		ipv6        bool
		want, other string
	}{
		{"IPv6 adds the option and keeps everything else", packaged, true, edited, ""},
		{"IPv6 again", edited, true, edited, ""},
		{"IPv6 that somebody else set", foreign, true, foreign, ""},
		{"IPv6 where somebody else says IPv4", four, true, four, "inet"},
		{"IPv6 where somebody removed the option below our comment", torn, true, edited, ""},
		{"IPv4 leaves the file alone", packaged, false, packaged, ""},
		{"IPv4 takes back what we wrote", edited, false, packaged, ""},
		{"IPv6 where somebody else says nothing", strings.Replace(four, "family inet\n", "family \"\"\n", 1), true, strings.Replace(four, "family inet\n", "family \"\"\n", 1), `""`},
		{"IPv4 that somebody else set", four, false, four, ""},
		{"IPv4 where somebody else says IPv6", foreign, false, foreign, "inet6"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, other, err := editVolfile(test.text, test.ipv6)
			if err != nil || got != test.want || other != test.other {
				t.Errorf("%q, other %q, %v; want %q, other %q", got, other, err, test.want, test.other)
			}
		})
	}
	if _, _, err := editVolfile("", true); !errors.Is(err, errNoVolume) {
		t.Errorf("an empty file: %v", err)
	}
}

// server is a bench of a node with bricks, with GlusterFS's file.
func server(t *testing.T, ipv6 bool) *bench {
	t.Helper()
	b := newBench(t)
	b.host.State.IPv6 = ipv6
	b.write("root/etc/glusterfs/glusterd.vol", packaged)
	return b
}

func (b *bench) glusterd() change.Plan {
	b.t.Helper()
	p, err := b.host.glusterd(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// do makes the changes of a plan and returns their names.
func (b *bench) do(p change.Plan) string {
	b.t.Helper()
	var done []string
	for _, c := range p.Changes {
		if err := c.Do(b.t.Context()); err != nil {
			b.t.Fatalf("%s: %v", c, err)
		}
		done = append(done, c.String())
	}
	return strings.Join(done, ", ")
}

func TestGlusterdIsEnabledAndStarted(t *testing.T) {
	for _, test := range []struct{ active, enabled, want, conflict string }{
		{"active", "enabled", "", ""},
		{"inactive", "disabled", "enable glusterd.service, start glusterd.service", ""},
		{"", "", "enable glusterd.service, start glusterd.service", ""}, // not installed yet
		{"failed", "enabled", "start glusterd.service", ""},
		{"active", "enabled-runtime", "enable glusterd.service", ""},
		{"active", "static", "", ""},
		{"active", "linked", "", ""},
		{"inactive", "masked", "", "unit-masked"},
		{"inactive", "masked-runtime", "", "unit-masked"},
	} {
		b := server(t, false)
		b.systemd.active, b.systemd.enabled = test.active, test.enabled
		p := b.glusterd()
		switch {
		case test.conflict == "":
			if got := b.do(p); got != test.want || len(p.Conflicts) > 0 {
				t.Errorf("%s, %s: %q, %v", test.active, test.enabled, got, p.Conflicts)
			}
		case len(p.Conflicts) != 1 || p.Conflicts[0].Code != test.conflict || !strings.Contains(p.Conflicts[0].Remedy, "unmask") || len(p.Changes) > 0:
			t.Errorf("%s, %s: %+v", test.active, test.enabled, p)
		}
	}
}

func TestWithoutSystemdGlusterdIsLeftToThePerson(t *testing.T) {
	b := server(t, true)
	b.systemd.absent = true
	p := b.glusterd()
	if len(p.Conflicts) != 1 || p.Conflicts[0].Code != "no-systemd" || len(p.Warnings) == 0 {
		t.Errorf("%+v", p)
	}
	if len(b.systemd.calls) > 0 {
		t.Errorf("systemd was called: %v", b.systemd.calls)
	}
}

func TestTheAddressFamilyIsSetBeforeGlusterdStarts(t *testing.T) {
	b := server(t, true)
	b.systemd.active = "inactive"
	p := b.glusterd()
	if len(p.Changes) == 0 || !strings.Contains(p.Changes[0].Diff, "+"+ourOption) {
		t.Fatalf("%+v", p)
	}
	if got := b.do(p); got != "edit /etc/glusterfs/glusterd.vol, start glusterd.service" {
		t.Errorf("done: %s", got)
	}
	b.systemd.since = time.Now()
	if p := b.glusterd(); !p.Settled() {
		t.Errorf("again: %+v", p)
	}
}

func TestTheAddressFamilyBeforeThePackageIsInstalled(t *testing.T) {
	b := server(t, true)
	path := b.path("root/etc/glusterfs/glusterd.vol")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	b.systemd.active, b.systemd.enabled = "", ""
	p := b.glusterd()
	if len(p.Changes) != 3 || len(p.Changes[0].Commands) == 0 {
		t.Fatalf("%+v", p)
	}
	if err := p.Changes[0].Do(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the package: %v", err)
	}
	b.write("root/etc/glusterfs/glusterd.vol", packaged) // as the package does
	b.do(p)
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), ourOption) {
		t.Errorf("%s, %v", text, err)
	}
}

// A run that dies between the edit and the restart leaves word.
func TestARunningGlusterdIsRestartedWhenNoBrickRuns(t *testing.T) {
	b := server(t, true)
	b.systemd.since = time.Now().Add(-time.Hour)
	p := b.glusterd()
	if err := p.Changes[0].Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	p = b.glusterd()
	if got := b.do(p); got != "restart glusterd.service" {
		t.Fatalf("after a run that died: %q", got)
	}
	if p := b.glusterd(); !p.Settled() {
		t.Errorf("again: %+v", p)
	}
}

func TestRunningBricksAreNotStopped(t *testing.T) {
	b := server(t, true)
	b.host.Bricks = func() (int, error) { return 2, nil }
	p := b.glusterd()
	if len(p.Conflicts) != 1 || p.Conflicts[0].Code != "glusterd-restart" || !strings.Contains(p.Conflicts[0].Problem, "2 bricks") {
		t.Errorf("%+v", p)
	}
	if len(b.systemd.calls) > 0 {
		t.Errorf("systemd was called: %v", b.systemd.calls)
	}
}

func TestAnotherAddressFamilyIsAConflict(t *testing.T) {
	b := server(t, false)
	b.write("root/etc/glusterfs/glusterd.vol", strings.Replace(packaged, "#   option transport", "    option transport", 1))
	if p := b.glusterd(); len(p.Conflicts) != 1 || p.Conflicts[0].Code != "address-family" {
		t.Errorf("%+v", p)
	}
}

func TestSystemdReloadsWhatACrashLeft(t *testing.T) {
	b := newBench(t)
	b.host.Rendered.FstabBlock = []string{"tmpfs /nowhere tmpfs defaults,noauto 0 0"}
	p, err := b.host.Plan(t.Context())
	if err != nil || len(p.Changes) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := p.Changes[0].Do(t.Context()); err != nil { // fstab is written, then the run dies
		t.Fatal(err)
	}
	p, err = b.host.Plan(t.Context())
	if err != nil || b.do(p) != "reload systemd" {
		t.Fatalf("after the crash: %+v, %v", p, err)
	}
	if p, err := b.host.Plan(t.Context()); err != nil || !p.Settled() {
		t.Errorf("again: %+v, %v", p, err)
	}
}

// What Puppet or a person writes to fstab while apply runs must not be lost.
func TestAFileThatSomebodyElseEditsMeanwhileIsNotOverwritten(t *testing.T) {
	b := newBench(t)
	b.host.Rendered.FstabBlock = []string{"tmpfs /nowhere tmpfs defaults,noauto 0 0"}
	p, err := b.host.Plan(t.Context())
	if err != nil || len(p.Changes) == 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	b.write("root/etc/fstab", "UUID=1 /home ext4 defaults 0 2\n")
	err = p.Changes[0].Do(t.Context())
	if _, ok := errors.AsType[*change.RetryError](err); !ok {
		t.Errorf("error: %v", err)
	}
	b.must()
	if text, err := os.ReadFile(b.path("root/etc/fstab")); err != nil || !strings.HasPrefix(string(text), "UUID=1 /home") || !strings.Contains(string(text), "/nowhere") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestAFileWithNULsIsNotEdited(t *testing.T) {
	b := newBench(t)
	b.write("root/etc/fstab", "tmpfs /a tmpfs\n\x00\x00\x00")
	if _, err := b.host.Plan(t.Context()); err == nil || !strings.Contains(err.Error(), "NUL") {
		t.Errorf("error: %v", err)
	}
}
