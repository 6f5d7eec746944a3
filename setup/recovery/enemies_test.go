package recovery

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/beneath"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/resync"
)

const nobody = 65534

// observed makes a brick with a file and looks at it after forge did something beside it.
func observed(t *testing.T, forge func(dir, mark string) error) (path string, l actual.Local) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "brick")
	id := []byte("0123456789abcdef")
	err := errors.Join(os.MkdirAll(filepath.Join(path, "docroot"), 0o755), os.WriteFile(filepath.Join(path, "docroot/index.html"), []byte("data"), 0o600),
		unix.Lsetxattr(path, gluster.XattrVolumeID, id, 0), forge(dir, actual.MarkPath(path)))
	if err != nil {
		t.Fatal(err)
	}
	uuid, err := gluster.BrickVolumeID(path)
	if err != nil {
		t.Fatal(err)
	}
	o := &actual.Observer{
		State: &desired.State{Node: "n1", Pool: desired.Pool{Servers: []desired.Server{{Name: "n1"}, {Name: "n2"}}}}, Cluster: &cluster.Cluster{Volumes: map[string]cluster.Volume{"v": {}}}, Now: time.Now, Timeout: time.Second,
		Mounted: func(desired.BrickMount) (string, error) { return "", nil },
		Dial:    func(desired.Server) *gluster.Client { return gluster.NewClient("tcp", "127.0.0.1:1") },
	}
	want := desired.Volume{Spec: gluster.VolumeSpec{Name: "v"}, Sets: [][]cluster.Brick{{{Node: "n1", Path: path}, {Node: "n2", Path: path}}}}
	bricks := []gluster.Brick{{Host: "n1", Path: path}, {Host: "n2", Path: path}}
	o.State.Pool.Volumes = []desired.Volume{want}
	locals := o.Bricks(t.Context(), actual.Node{Volumes: []gluster.Volume{{Name: "v", ID: uuid, Status: gluster.Started, Replica: 2, Bricks: bricks}}})
	if len(locals) != 1 {
		t.Fatalf("%+v", locals)
	}
	l = locals[0]
	l.Set.Majority, l.Set.Healed = true, true
	for i := range l.Set.Bricks {
		l.Set.Bricks[i].Online, l.Set.Bricks[i].Reachable, l.Set.Bricks[i].Unknown = true, true, ""
	}
	return path, l
}

// With this mark of root's a brick is thrown away: only root may have made it.
func TestAMarkOfAnybodyElsesCountsForNothing(t *testing.T) {
	const text = actual.Begun + "x\n"
	for name, tc := range map[string]struct {
		forge   func(dir, mark string) error
		begun   bool
		ignored string
	}{
		"root's": {func(_, mark string) error { return os.WriteFile(mark, []byte(text), 0o600) }, true, ""},
		"nobody's": {func(_, mark string) error {
			return errors.Join(os.WriteFile(mark, []byte(text), 0o644), os.Chown(mark, nobody, nobody))
		}, false, "belongs to user nobody"},
		"a link": {func(dir, mark string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "x"), []byte(text), 0o600), os.Symlink("x", mark))
		}, false, "it is no regular file"},
		"a file of the volume": {func(dir, mark string) error {
			return os.Link(filepath.Join(dir, "brick/docroot/index.html"), mark)
		}, false, "another name"},
		"a directory": {func(_, mark string) error { return os.MkdirAll(filepath.Join(mark, "x"), 0o755) }, false, "it is no regular file"},
	} {
		_, l := observed(t, tc.forge)
		b := l.Set.Bricks[l.Own]
		d := Decide(l.Set, l.Own)
		want := None
		if tc.begun {
			want = TakeOffline
		}
		if b.Mark != tc.begun || b.Begun != tc.begun || !strings.Contains(b.Ignored, tc.ignored) || (b.Ignored == "") != (tc.ignored == "") || d.Action != want {
			t.Errorf("%s: mark %t, begun %t, ignored %q: %s", name, b.Mark, b.Begun, b.Ignored, d.Action)
		}
	}
}

// Where others may replace what lies beside a brick it also proves nothing that there is no mark.
func TestNothingIsThrownAwayOrCalledCompleteWhereOthersMayReplaceTheNotes(t *testing.T) {
	_, l := observed(t, func(dir, mark string) error {
		return errors.Join(os.WriteFile(mark, []byte(actual.Begun+"x\n"), 0o600), os.Chmod(dir, 0o777))
	})
	own := &l.Set.Bricks[l.Own]
	if !strings.Contains(own.Exposed, "may be written by others (its mode is 0777)") || own.Mark {
		t.Fatalf("%+v", own)
	}
	for name, tc := range map[string]struct {
		change func()
		want   Action
	}{
		"complete and online":    {func() {}, None},
		"its process is gone":    {func() { own.Online = false }, Start},
		"it was being refilled":  {func() { own.Online, own.Published = true, actual.Refilling }, Stop},
		"given up":               {func() { own.Online, own.GivenUp = false, true }, Stop},
		"nothing is left of it":  {func() { own.GivenUp, own.Disk, own.Published = false, actual.Wiped, actual.Nothing }, Stop},
		"its node had no power":  {func() { own.Disk = actual.Withheld }, TellSuspect},
		"others know about that": {func() { own.Published = actual.IsSuspect }, Resync},
	} {
		*own = actual.Brick{Node: own.Node, Path: own.Path, Exposed: own.Exposed, Disk: actual.Stamped, Online: true, Reachable: true}
		if name == "others know about that" {
			own.Disk, own.Online = actual.Withheld, false
		}
		tc.change()
		if d := Decide(l.Set, l.Own); d.Action != tc.want || tc.want == Stop && !strings.Contains(d.Reason, "chown root") {
			t.Errorf("%s: %s (%s), want %s", name, d.Action, d.Reason, tc.want)
		}
	}
}

// What a user made in the place of an empty brick would be the root of the volume.
func TestABrickBeginsInADirectoryOfRoots(t *testing.T) {
	for _, mask := range []int{0o022, 0o077} {
		for name, forge := range map[string]func(path string) error{
			"nothing":  func(string) error { return nil },
			"nobody's": func(path string) error { return errors.Join(os.Mkdir(path, 0o777), os.Chown(path, nobody, nobody)) },
			"a link":   func(path string) error { return os.Symlink("/etc", path) },
			"nobody's with files": func(path string) error {
				return errors.Join(os.Mkdir(path, 0o777), os.WriteFile(filepath.Join(path, "x"), nil, 0o600), os.Chown(path, nobody, nobody))
			},
		} {
			b := brick("n1", "wiped")
			b.Path = filepath.Join(t.TempDir(), "brick")
			if err := forge(b.Path); err != nil {
				t.Fatal(err)
			}
			var commands []string
			a := actor(&commands)
			a.Now, a.Emptied = time.Now, func(Emptied) {}
			old := unix.Umask(mask)
			err := a.Act(t.Context(), actual.Local{Set: set(b), MarkPath: actual.MarkPath(b.Path)}, Decision{Rebuild, ""})
			unix.Umask(old)
			var st unix.Stat_t
			if err := errors.Join(err, unix.Lstat(b.Path, &st)); err != nil || st.Mode != unix.S_IFDIR|0o755 || st.Uid != 0 {
				t.Errorf("umask %04o, %s: mode %o of user %d, %v", mask, name, st.Mode, st.Uid, err)
			}
			if names, err := os.ReadDir(b.Path); err != nil || len(names) != 1 || names[0].Name() != internalDir {
				t.Errorf("umask %04o, %s: %v, %v", mask, name, names, err)
			}
		}
	}
}

func TestTheMarkOfARefillIsWrittenThroughNoLink(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "shadow")
	b := brick("n1", "wiped")
	b.Path = filepath.Join(dir, "brick")
	if err := errors.Join(os.WriteFile(victim, []byte("secret"), 0o600), os.Symlink(victim, actual.MarkPath(b.Path))); err != nil {
		t.Fatal(err)
	}
	var commands []string
	a := actor(&commands)
	a.Now = time.Now
	if err := a.Act(t.Context(), actual.Local{Set: set(b, brick("n2")), MarkPath: actual.MarkPath(b.Path), Tmpfs: true}, Decision{Refill, ""}); err != nil {
		t.Fatal(err)
	}
	mark, err := beneath.ReadState(actual.MarkPath(b.Path))
	if err != nil || !strings.HasPrefix(string(mark), "confirmed ") {
		t.Errorf("mark %q, %v", mark, err)
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "secret" {
		t.Errorf("the victim holds %q, %v", text, err)
	}
}

// A recovery ends when its brick is whole, and not when nobody can be told.
func TestAFullOrReadOnlyVarEndsNoRecovery(t *testing.T) {
	dir := t.TempDir()
	b := brick("n1")
	b.Path = filepath.Join(dir, "brick")
	b.Disk, b.Published, b.Online = actual.Withheld, actual.IsSuspect, false
	if err := os.Mkdir(filepath.Join(dir, ".gluster-setup-withheld"), 0o755); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		r := &Runner{
			Run: func(_ context.Context, c gluster.Command) error {
				switch words := strings.Join(c, " "); {
				case strings.Contains(words, "behind"):
					b.Published = actual.Behind
				case strings.Contains(words, "force"):
					b.Disk, b.Online = actual.Stamped, true
				case strings.Contains(words, "complete"):
					b.Published = actual.Nothing
				}
				return nil
			},
			Waiting: func(context.Context, string) ([]string, error) { return nil, nil },
			Compare: func(ctx context.Context, _ actual.Local, _ []int, _ func(int64)) (resync.Result, error) {
				select {
				case <-ctx.Done():
				case <-time.After(time.Minute):
				}
				return resync.Result{}, ctx.Err()
			},
			Log: slog.New(slog.NewTextHandler(&said, nil)), Status: func(string) {}, Journal: "/proc/1/nowhere/recovery.json", Pause: time.Second, Now: time.Now,
		}
		r.Observe = func(context.Context) ([]actual.Local, error) {
			s := healed(set(b, brick("n2")))
			s.Majority, s.Bricks[1].Compared = true, true
			return []actual.Local{{Set: s, MarkPath: actual.MarkPath(b.Path)}}, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := r.Recover(ctx); err != nil || b.Published != actual.Nothing || !b.Online {
			t.Errorf("%v: %+v", err, b)
		}
		if n := strings.Count(said.String(), "word of the recovery cannot be left"); n != 1 {
			t.Errorf("said %d times that nobody can be told:\n%s", n, said.String())
		}
	})
}

// The timer starts recover every 15 seconds.
func TestWhatIsIgnoredIsSaidOnce(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "journal")
	var said strings.Builder
	for _, words := range []string{"a file", "a file", "", "a file", "another"} {
		synctest.Test(t, func(t *testing.T) {
			r := &Runner{
				Observe: func(context.Context) ([]actual.Local, error) {
					b := brick("n1")
					b.Ignored = words
					return local(healed(set(b, brick("n2")))), nil
				},
				Log: slog.New(slog.NewTextHandler(&said, nil)), Status: func(string) {}, Journal: journal, Pause: time.Second, Now: time.Now,
			}
			if err := r.Recover(t.Context()); err != nil {
				t.Error(err)
			}
		})
		if j, err := ReadJournal(journal); err != nil || len(j.Bricks) != 1 || j.Bricks[0].Ignored != words {
			t.Errorf("%q: the journal has %+v, %v", words, j.Bricks, err)
		}
	}
	if n := strings.Count(said.String(), "is not root's: it is ignored"); n != 3 {
		t.Errorf("said %d times:\n%s", n, said.String())
	}
}
