package host

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/textfile"
)

// fakeSystemd is a service manager that remembers what it was told.
type fakeSystemd struct {
	absent          bool
	active, enabled string
	since           time.Time
	failing         error
	calls           []string
}

func (s *fakeSystemd) call(words ...string) error {
	s.calls = append(s.calls, strings.Join(words, " "))
	return s.failing
}
func (s *fakeSystemd) Running() bool                { return !s.absent }
func (s *fakeSystemd) Reload(context.Context) error { return s.call("reload") }
func (s *fakeSystemd) State(context.Context, string) (active, enabled string, err error) {
	return s.active, s.enabled, nil
}

func (s *fakeSystemd) Enable(_ context.Context, unit string) error {
	s.enabled = "enabled"
	return s.call("enable", unit)
}

func (s *fakeSystemd) Start(_ context.Context, unit string) error {
	s.active = "active"
	return s.call("start", unit)
}

func (s *fakeSystemd) Restart(_ context.Context, unit string) error {
	s.since = time.Now()
	return s.call("restart", unit)
}

func (s *fakeSystemd) Stop(_ context.Context, unit string) error {
	s.active = "inactive"
	return s.call("stop", unit)
}

func (s *fakeSystemd) Disable(_ context.Context, unit string) error {
	s.enabled = "disabled"
	return s.call("disable", unit)
}
func (s *fakeSystemd) Since(context.Context, string) (time.Time, error) { return s.since, nil }

// bench is a machine with real devices and mounts, and a root of its own for files.
type bench struct {
	t       *testing.T
	host    *Host
	dir     string
	systemd *fakeSystemd
	before  func(argv []string) error // called before each program; an error replaces it
}

func newBench(t *testing.T, mounts ...desired.BrickMount) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), systemd: &fakeSystemd{active: "active", enabled: "enabled"}}
	for _, d := range []string{"root/etc", "root/usr"} {
		if err := os.MkdirAll(filepath.Join(b.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root := filepath.Join(b.dir, "root")
	if err := os.Symlink("/usr/sbin", filepath.Join(root, "usr/sbin")); err != nil {
		t.Fatal(err)
	}
	b.host = &Host{
		State: &desired.State{Packages: true}, Rendered: &desired.Rendered{}, Systemd: b.systemd, Root: root,
		StateDir: filepath.Join(b.dir, "state"), RunDir: filepath.Join(b.dir, "run"), Bricks: func() (int, error) { return 0, nil },
		UserAttributes: func() (bool, error) { return true, nil },
		Users:          func(m *mountinfo.Info) ([]machine.User, error) { return machine.Users("/proc", m) },
	}
	b.host.Exec = func(ctx context.Context, env []string, argv ...string) ([]byte, error) {
		if b.before != nil {
			if err := b.before(argv); err != nil {
				return nil, err
			}
		}
		if argv[0] == "mount" {
			argv = append([]string{"mount", "-T", filepath.Join(root, "etc/fstab")}, argv[1:]...)
		}
		return machine.Run(ctx, env, argv...)
	}
	b.want(mounts...)
	return b
}

// want declares the node's brick file systems.
func (b *bench) want(mounts ...desired.BrickMount) {
	b.host.State.BrickMounts, b.host.Rendered.FstabBlock = mounts, nil
	for i := range mounts {
		m := &mounts[i]
		if m.Volume == "" {
			m.Volume = "v"
		}
		m.BrickPath = filepath.Join(m.Path, "brick")
		m.Image = strings.HasPrefix(m.Spec, b.dir)
		if m.Options == nil {
			m.Options = []string{"defaults", "nofail"}
			if m.Sync {
				m.Options = append(m.Options, "sync")
			}
			if m.Image {
				m.Options = append(m.Options, "loop")
			}
		}
		b.host.Rendered.FstabBlock = append(b.host.Rendered.FstabBlock, textfile.Fstab{Spec: m.Spec, File: m.Path, Type: m.Fstype, Options: m.Options}.String())
		b.t.Cleanup(func() { _ = unix.Unmount(m.Path, unix.MNT_DETACH) })
	}
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// watcher ignores everything.
type watcher struct{}

func (watcher) Started(change.Change)                        {}
func (watcher) Finished(change.Result)                       {}
func (watcher) Waiting(change.Part, []string, time.Duration) {}

// long bounds what only fails when it takes so long, on a busy machine too.
const long = 10 * time.Minute

// apply brings the host part where it should be.
func (b *bench) apply() ([]change.Result, error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), long)
	defer cancel()
	r := &change.Runner{Executor: change.Executor{Log: slog.New(slog.DiscardHandler)}, Watcher: watcher{}, Pause: 10 * time.Millisecond}
	_, err := r.Converge(ctx, b.host)
	return r.Results, err
}

// must applies and fails the test when that fails, or when a second plan is not empty.
func (b *bench) must() []change.Result {
	b.t.Helper()
	results, err := b.apply()
	if err != nil {
		b.t.Fatalf("apply: %v", err)
	}
	p, err := b.host.Plan(b.t.Context())
	if err != nil || !p.Settled() {
		b.t.Fatalf("a plan after apply: %+v, %v", p, err)
	}
	return results
}

// refused applies and expects a conflict with a code, whose text names something,
// and that nothing was changed.
func (b *bench) refused(code, says string) {
	b.t.Helper()
	results, err := b.apply()
	cs, ok := errors.AsType[change.Conflicts](err)
	if !ok {
		b.t.Fatalf("apply: %v, want the conflict %s", err, code)
	}
	if len(results) > 0 {
		b.t.Errorf("it changed something first: %v", results)
	}
	for _, c := range cs {
		if c.Code == code && strings.Contains(c.Problem, says) && c.Remedy != "" {
			return
		}
	}
	b.t.Errorf("conflicts %+v, want %s that says %q", cs, code, says)
}

func (b *bench) marks() int {
	b.t.Helper()
	ms, err := b.host.marks()
	if err != nil {
		b.t.Fatal(err)
	}
	return len(ms)
}

func (b *bench) write(name, text string) string {
	b.t.Helper()
	path := b.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *bench) unmount(path string) {
	b.t.Helper()
	if err := unix.Unmount(path, 0); err != nil {
		b.t.Fatal(err)
	}
	// The kernel detaches a loop device that the mount made a moment later; one that the test made stays, because this process has it open.
	passing := func(dev string) bool {
		open, err := filepath.Glob("/proc/self/fd/*")
		return err == nil && !slices.ContainsFunc(open, func(fd string) bool {
			path, err := os.Readlink(fd)
			return err == nil && path == dev
		})
	}
	for end := time.Now().Add(long); ; time.Sleep(10 * time.Millisecond) {
		loops, err := machine.LoopsOf(b.path("image"))
		if err != nil || !slices.ContainsFunc(loops, passing) {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("%s was unmounted, and its loop device stays", path)
		}
	}
}

// size of test devices: the least that mkfs.xfs accepts, and a little.
const testSize = 320 << 20

func (b *bench) image(name string) string {
	b.t.Helper()
	path := b.path(name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // of a test
	if err := f.Truncate(testSize); err != nil {
		b.t.Fatal(err)
	}
	return path
}
