package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"

	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/textfile"
)

// units is a service manager that knows the state of each unit.
type units struct {
	active, enabled map[string]bool
	calls           []string
}

func (u *units) Running() bool { return true }
func (u *units) Reload(context.Context) error {
	u.calls = append(u.calls, "reload")
	return nil
}

func (u *units) State(_ context.Context, unit string) (active, enabled string, err error) {
	active, enabled = "inactive", "disabled"
	if u.active[unit] {
		active = "active"
	}
	if u.enabled[unit] {
		enabled = "enabled"
	}
	return active, enabled, nil
}

func (u *units) set(of map[string]bool, verb, unit string, value bool) error {
	u.calls = append(u.calls, verb+" "+unit)
	of[unit] = value
	return nil
}

func (u *units) Enable(_ context.Context, unit string) error {
	return u.set(u.enabled, "enable", unit, true)
}

func (u *units) Disable(_ context.Context, unit string) error {
	return u.set(u.enabled, "disable", unit, false)
}

func (u *units) Start(_ context.Context, unit string) error {
	return u.set(u.active, "start", unit, true)
}

func (u *units) Stop(_ context.Context, unit string) error {
	return u.set(u.active, "stop", unit, false)
}
func (u *units) Restart(context.Context, string) error { return nil }
func (u *units) Since(context.Context, string) (time.Time, error) {
	return time.Now(), nil
}

const (
	ourUnit   = "# Written by gluster-setup apply from /etc/brickyard/cluster.yaml; edits are lost.\n[Unit]\n"
	theirUnit = "# Ansible managed\n[Unit]\n"
)

// leftBench is a machine whose cluster file has lost all that needs units, with the units of each still there.
func leftBench(t *testing.T) (*bench, *units) {
	t.Helper()
	b := newBench(t)
	u := &units{active: map[string]bool{}, enabled: map[string]bool{}}
	b.host.Systemd = u
	for _, name := range desired.OwnUnits() {
		b.write("root"+desired.UnitPath(name), ourUnit)
		u.active[name], u.enabled[name] = true, !strings.Contains(name, "check.service")
	}
	b.write("root"+desired.WaitTemplate(), ourUnit)
	b.write("root"+desired.DropIn(), ourUnit)
	b.write("root/etc/systemd/system/nginx.service", theirUnit)
	b.write("root/etc/fstab", "proc /proc proc defaults\n"+textfile.Begin+"\nn1:/server /nowhere/at/all glusterfs defaults,_netdev 0 0\n"+textfile.End+"\n")
	return b, u
}

func (b *bench) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.path(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func files(t *testing.T, b *bench) []string {
	t.Helper()
	var out []string
	dir := b.path("root/etc/systemd/system")
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if rel, rerr := filepath.Rel(dir, path); rerr == nil && rel != "." {
			out = append(out, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatLeftTheFileIsTakenBackWhereverARunDies(t *testing.T) {
	for dies := 0; ; dies++ { // after so many changes
		b, u := leftBench(t)
		p, err := b.host.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if dies == 0 {
			for _, c := range p.Changes {
				if c.Code == "" && c.Object != "systemd" {
					t.Errorf("%s has no code", c)
				}
			}
		}
		for _, c := range p.Changes[:min(dies, len(p.Changes))] {
			if err := c.Do(t.Context()); err != nil {
				t.Fatalf("%s: %v", c, err)
			}
		}
		b.must()
		if got := files(t, b); !slices.Equal(got, []string{"nginx.service"}) {
			t.Errorf("after a death after %d changes these are left: %q", dies, got)
		}
		for _, name := range desired.OwnUnits() {
			if u.active[name] || u.enabled[name] {
				t.Errorf("after a death after %d changes %s runs (%t) or is enabled (%t)", dies, name, u.active[name], u.enabled[name])
			}
		}
		if text := b.read("root/etc/fstab"); text != "proc /proc proc defaults\n" {
			t.Errorf("after a death after %d changes fstab is %q", dies, text)
		}
		if last := u.calls[len(u.calls)-1]; last != "reload" {
			t.Errorf("after a death after %d changes systemd did not read it again: %q", dies, u.calls)
		}
		if dies >= len(p.Changes) {
			break
		}
	}
}

// glusterd requires the guard: stopped first, it would stop glusterd with it.
func TestGlusterdForgetsAUnitBeforeItIsStopped(t *testing.T) {
	b, u := leftBench(t)
	p, err := b.host.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, c := range p.Changes {
		order = append(order, c.String())
	}
	at := func(what string) int { return slices.Index(order, what) }
	dropIn, reload, stop := at("remove "+desired.DropIn()), at("reload systemd"), at("stop gluster-setup-guard.service")
	if dropIn < 0 || dropIn > reload || reload > stop {
		t.Errorf("order: %q", order)
	}
	if at("stop gluster-setup-recover.timer") > at("stop gluster-setup-recover.service") {
		t.Errorf("the timer would start it again: %q", order)
	}
	if len(u.calls) > 0 {
		t.Errorf("a plan did %q", u.calls)
	}
}

func TestUnitsOfOthersAreLeftAlone(t *testing.T) {
	b := newBench(t)
	b.write("root"+desired.UnitPath(desired.ExporterUnit), theirUnit)
	if err := os.Symlink("/dev/null", b.path("root"+desired.UnitPath("gluster-setup-check.timer"))); err != nil {
		t.Fatal(err)
	}
	b.must()
	if got := files(t, b); len(got) != 2 {
		t.Errorf("left: %q", got)
	}
}

// A tmpfs of ours that is not a brick any more: its files would be gone.
func TestABrickThatLeftTheFile(t *testing.T) {
	b := newBench(t)
	mount := desired.BrickMount{Spec: "tmpfs", Fstype: "tmpfs", Path: b.path("cache"), Options: []string{"defaults", "size=16777216"}, Size: 16 << 20}
	b.want(mount)
	b.must()
	brick := filepath.Join(mount.Path, "brick")
	if err := os.MkdirAll(filepath.Join(brick, ".glusterfs", "indices"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.write("cache/brick/file", "kept")
	b.want()
	before := b.read("root/etc/fstab")
	b.refused("left-files", "brick/file")
	if now := b.read("root/etc/fstab"); now != before {
		t.Errorf("fstab was edited: %s", now)
	}
	if err := os.Remove(filepath.Join(brick, "file")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".profile", ".gluster-setup-aside"} {
		b.write("cache/"+name, "kept")
		b.refused("left-files", name)
		if err := os.Remove(filepath.Join(mount.Path, name)); err != nil {
			t.Fatal(err)
		}
	}
	b.write("cache/.gluster-setup-refill", "a word of ours")
	b.host.Users = func(*mountinfo.Info) ([]machine.User, error) {
		return slices.Repeat([]machine.User{{PID: 7, Command: "vi", How: "has a file open there"}}, 20), nil
	}
	b.refused("left-in-use", "process 7 (vi) has a file open there; 12 more")
	b.host.Users = func(m *mountinfo.Info) ([]machine.User, error) { return machine.Users("/proc", m) }
	b.must()
	if m, err := machine.MountAt(mount.Path); m != nil || err != nil {
		t.Errorf("it is still mounted: %v, %v", m, err)
	}
	if text := b.read("root/etc/fstab"); strings.Contains(text, mount.Path) {
		t.Errorf("its line is left: %s", text)
	}
}

// Between the plan and the unmount somebody has gone there.
func TestAMountThatIsInUseByThenStays(t *testing.T) {
	b := newBench(t)
	mount := desired.BrickMount{Spec: "tmpfs", Fstype: "tmpfs", Path: b.path("cache"), Options: []string{"defaults", "size=16777216"}, Size: 16 << 20}
	b.want(mount)
	b.must()
	b.want()
	p, err := b.host.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(mount.Path, "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // a test
	for _, c := range p.Changes {
		if c.Action == "unmount" {
			if err := c.Do(t.Context()); !errors.Is(err, errBusy) {
				t.Errorf("unmount: %v", err)
			}
		}
	}
	if m, err := machine.MountAt(mount.Path); m == nil || err != nil {
		t.Errorf("it was unmounted: %v", err)
	}
}
