package machine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/internal/mountns"
)

func fstypeAt(t *testing.T, path string) string {
	t.Helper()
	m, err := MountAt(path)
	if err != nil {
		t.Fatal(err)
	}
	if m == nil {
		return ""
	}
	return m.FSType + " " + m.Source
}

func TestMountAtFindsWhatAPathShows(t *testing.T) {
	d := dir(t)
	a, b := filepath.Join(d, "a"), filepath.Join(d, "a/b")
	if got := fstypeAt(t, a); got != "" {
		t.Errorf("before: %q", got)
	}
	mountns.Mount(t, "first", a, "tmpfs", 0, "")
	mountns.Mount(t, "inner", b, "tmpfs", 0, "")
	if got := fstypeAt(t, b); got != "tmpfs inner" {
		t.Errorf("the inner mount: %q", got)
	}
	mountns.Mount(t, "second", a, "tmpfs", 0, "")
	if got := fstypeAt(t, a); got != "tmpfs second" {
		t.Errorf("the topmost of two: %q", got)
	}
	if got := fstypeAt(t, b); got != "" {
		t.Errorf("a mount that another hides: %q", got)
	}
	bind := filepath.Join(d, "bind")
	mountns.Mount(t, d, bind, "", unix.MS_BIND, "")
	if got := fstypeAt(t, bind); got != "tmpfs tmpfs" {
		t.Errorf("a bind mount: %q", got)
	}
	odd := filepath.Join(d, "with space\tand\\more")
	mountns.Mount(t, "odd", odd, "tmpfs", 0, "")
	if got := fstypeAt(t, odd); got != "tmpfs odd" {
		t.Errorf("a path with characters that the table escapes: %q", got)
	}
	if got := fstypeAt(t, "/"); got == "" {
		t.Error("nothing is mounted on /")
	}
}

// A FUSE file system whose process never answers hangs everybody who touches it.
func TestAHungMountHangsNobody(t *testing.T) {
	d := filepath.Join(dir(t), "hung")
	fuse, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer fuse.Close() //nolint:errcheck // of a test
	fd := strconv.Itoa(int(fuse.Fd()))
	mountns.Mount(t, "hung", d, "fuse", 0, "fd="+fd+",rootmode=40000,user_id=0,group_id=0")
	done := make(chan string, 1)
	go func() {
		m, err := MountAt(d)
		if err != nil || m == nil {
			done <- "not found"
			return
		}
		done <- m.FSType
	}()
	select {
	case got := <-done:
		if got != "fuse" {
			t.Errorf("MountAt: %s", got)
		}
	case <-time.After(5 * time.Minute): // only what hangs takes so long
		t.Fatal("MountAt hangs on a hung mount")
	}
}

func TestHasOptionLooksAtMountAndFileSystem(t *testing.T) {
	d := filepath.Join(dir(t), "m")
	mountns.Mount(t, "tmpfs", d, "tmpfs", unix.MS_SYNCHRONOUS|unix.MS_NOATIME, "")
	m, err := MountAt(d)
	if err != nil || m == nil {
		t.Fatal(m, err)
	}
	for option, want := range map[string]bool{"sync": true, "noatime": true, "rw": true, "ro": false, "syn": false} {
		if HasOption(m, option) != want {
			t.Errorf("option %s: %t, want %t", option, !want, want)
		}
	}
}

func TestMountPointsThatAreRefused(t *testing.T) {
	d := dir(t)
	for _, p := range []string{"empty", "full/sub", "real/inner"} {
		if err := os.MkdirAll(filepath.Join(d, p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(d, "file"), "x", 0o644)
	for link, to := range map[string]string{"link": "empty", "over": "real", "broken": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(d, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ path, code, says string }{
		{"empty", "", ""},
		{"missing/below/missing", "", ""},
		{"full", "mount-point", "holds files (sub)"},
		{"file", "mount-point", "no directory"},
		{"link", "symbolic-link", filepath.Join(d, "link") + " is a symbolic link"},
		{"broken", "symbolic-link", "is a symbolic link"},
		{"over/inner", "symbolic-link", filepath.Join(d, "over") + " is a symbolic link"},
	} {
		c, err := HiddenFiles(filepath.Join(d, test.path))
		switch {
		case err != nil:
			t.Errorf("%s: %v", test.path, err)
		case c == nil && test.code != "":
			t.Errorf("%s is accepted", test.path)
		case c != nil && (c.Code != test.code || !strings.Contains(c.Problem, test.says) || c.Remedy == ""):
			t.Errorf("%s: %+v", test.path, c)
		}
	}
	if c, _ := HiddenFiles(filepath.Join(d, "over/inner")); c != nil && !strings.Contains(c.Remedy, filepath.Join(d, "real/inner")) {
		t.Errorf("the remedy does not name the real path: %s", c.Remedy)
	}
}

func TestDeviceOfWhatDoesNotExistIsThatOfItsParent(t *testing.T) {
	d := dir(t)
	want, exists, err := DeviceOf(d)
	if err != nil || !exists {
		t.Fatal(exists, err)
	}
	got, exists, err := DeviceOf(filepath.Join(d, "no/such/dir"))
	if err != nil || exists || got != want {
		t.Errorf("device %d, exists %t, %v; want %d", got, exists, err, want)
	}
	write(t, filepath.Join(d, "file"), "", 0o644)
	if _, _, err := DeviceOf(filepath.Join(d, "file/below")); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("below a file: %v", err)
	}
}

func TestLoopsOfComparesFilesNotNames(t *testing.T) {
	d := t.TempDir()
	image, other := filepath.Join(d, "image"), filepath.Join(d, "other")
	for _, f := range []string{image, other} {
		write(t, f, strings.Repeat("\x00", 1<<20), 0o600)
	}
	loop := mountns.Loop(t, image)
	hard := filepath.Join(d, "hard-link")
	if err := os.Link(image, hard); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{image: loop, hard: loop, other: ""} {
		got, err := LoopsOf(file)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v (%v), want %q", file, got, err, want)
		}
	}
}

func TestRunFindsProgramsWithoutAPath(t *testing.T) {
	t.Setenv("PATH", "/nowhere")
	out, err := Run(t.Context(), nil, "sh", "-c", "echo $PATH $LC_ALL $X; command -v losetup")
	if err != nil || !strings.Contains(string(out), "/usr/sbin") || !strings.Contains(string(out), "/losetup") {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := Run(t.Context(), nil, "no-such-program"); !errors.Is(err, ErrNoProgram) {
		t.Errorf("error: %v", err)
	}
}

func TestRunSaysWhatTheProgramSaid(t *testing.T) {
	out, err := Run(t.Context(), []string{"X=env"}, "sh", "-c", "echo out $X; echo 1 >&2; echo why >&2; exit 7")
	if err == nil || ExitCode(err) != 7 || !strings.HasSuffix(err.Error(), "1 / why / out env") || string(out) != "out env\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// Packages start daemons that keep the output of the package manager open.
func TestRunDoesNotWaitForWhatIsLeftBehind(t *testing.T) {
	t.Parallel()
	out, err := Run(t.Context(), nil, "sh", "-c", "sleep 3600 & echo $!")
	left, nerr := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || nerr != nil {
		t.Fatalf("%q, %v", out, err)
	}
	if err := unix.Kill(left, unix.SIGKILL); err != nil {
		t.Errorf("what was left behind had ended before Run did: %v", err)
	}
}

func TestRunLetsAProgramTidyUp(t *testing.T) {
	cause := errors.New("enough")
	ready := filepath.Join(t.TempDir(), "ready")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(ready); err == nil {
				cancel(cause)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := Run(ctx, nil, "sh", "-c", "trap 'echo tidied >&2; exit 3' TERM; >"+ready+"; while :; do sleep 0.05; done")
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "tidied") {
		t.Errorf("error: %v", err)
	}
}
