package volfilter

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"brickyard/setup/machine"
)

const (
	dir   = "/usr/lib/x/glusterfs/10.3/filter"
	ours  = dir + "/" + name
	brick = "/cache_server/brick"
)

// volfile is the part of a brick's volfile that matters, of GlusterFS 10.3.
func volfile(directory string, more ...string) string {
	return "volume server-posix\n    type storage/posix\n    option directory " + directory + "\n" + strings.Join(more, "") + "end-volume\n"
}

func TestDecide(t *testing.T) {
	bricks := []string{brick}
	text := Filter(bricks)
	refused := map[string]string{"server.vol": volfile(brick)}
	for _, c := range []struct {
		name   string
		node   Node
		bricks []string
		want   []string
	}{
		{name: "tmpfs keeps them", node: Node{Keeps: true, Dirs: []string{dir}, Volfiles: refused}, bricks: bricks},
		{name: "no brick is on tmpfs", node: Node{Dirs: []string{dir}, Volfiles: refused}},
		{name: "GlusterFS is not installed", node: Node{}, bricks: bricks},
		{name: "a new machine", node: Node{Dirs: []string{dir}}, bricks: bricks, want: []string{"write " + ours}},
		{name: "as it should be", node: Node{Dirs: []string{dir}, Filters: map[string]string{ours: text}, Volfiles: map[string]string{"server.vol": volfile(brick, "    option mandate-attribute off\n")}}, bricks: bricks},
		{name: "somebody else decided", node: Node{Dirs: []string{dir}, Filters: map[string]string{ours: text}, Volfiles: map[string]string{"server.vol": "volume v\n option mandate-attribute on\n option directory " + brick + "\n"}}, bricks: bricks},
		{name: "another list of bricks", node: Node{Dirs: []string{dir}, Filters: map[string]string{ours: Filter([]string{"/other"})}}, bricks: bricks, want: []string{"write " + ours}},
		{
			name: "the volume was there first", node: Node{Dirs: []string{dir}, Volfiles: map[string]string{
				"b.vol": volfile(brick), "a.vol": volfile(brick), "c.vol": volfile("/srv/disk"), "d.vol": "volume client\n    option remote-subvolume " + brick + "\n", "e.vol": volfile(brick + "2"),
			}},
			bricks: bricks, want: []string{"write " + ours, "edit a.vol", "edit b.vol"},
		},
		{
			name: "a new version of GlusterFS", node: Node{Dirs: []string{"/usr/lib/x/glusterfs/11.1/filter"}, Filters: map[string]string{ours: text}, Volfiles: refused}, bricks: bricks,
			want: []string{"write /usr/lib/x/glusterfs/11.1/filter/" + name, "remove " + ours, "edit server.vol"},
		},
		{name: "another kernel", node: Node{Keeps: true, Dirs: []string{dir}, Filters: map[string]string{ours: text}}, bricks: bricks, want: []string{"remove " + ours}},
		{name: "the last brick on tmpfs left", node: Node{Dirs: []string{dir}, Filters: map[string]string{ours: text}}, want: []string{"remove " + ours}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, a := range Decide(c.node, c.bricks) {
				got = append(got, a.Action+" "+a.Path)
				if a.Action == Edit && !strings.HasPrefix(a.By, "/usr/lib/x/glusterfs/") {
					t.Errorf("it is edited by %q", a.By)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The timer runs with whatever the cluster file says at that moment.
func TestABrickThatGlusterdHasStaysInTheFilter(t *testing.T) {
	left, gone := "/cache.old/brick", "/gone/brick"
	n := Node{
		Dirs: []string{dir}, Filters: map[string]string{ours: Filter([]string{brick, left, gone})},
		Volfiles: map[string]string{"a.vol": volfile(brick, "    option mandate-attribute off\n"), "b.vol": volfile(left, "    option mandate-attribute off\n")},
	}
	bricks := Still(n, []string{brick})
	if diff := cmp.Diff([]string{brick, left}, bricks); diff != "" {
		t.Errorf("bricks (-want +got):\n%s", diff)
	}
	for _, a := range Decide(n, bricks) {
		if a.Action != Write || !strings.Contains(a.Text, `/cache\.old/brick`) {
			t.Errorf("%+v", a)
		}
	}
}

// TestOnAMachine begins with files in the places of Debian, and makes what is decided.
func TestOnAMachine(t *testing.T) {
	root := t.TempDir()
	libraries := filepath.Join(root, "usr/lib/x86_64-linux-gnu/glusterfs")
	vols := filepath.Join(root, "var/lib/glusterd/vols/server")
	golden, err := os.ReadFile("testdata/brick-10.3.vol")
	if err != nil {
		t.Fatal(err)
	}
	file := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file(libraries+"/10.3/xlator/storage/posix.so", "")
	file(libraries+"/glfsheal", "a program, where one expects versions")
	file(libraries+"/9.2/filter/"+name, "the filter of a former version")
	file(libraries+"/9.2/filter/another", "somebody else's")
	volfile := vols + "/server.n1.cache_server-brick.vol"
	file(volfile, string(golden))
	file(vols+"/server.n1.bricks-b1.0-brick.vol", "    option directory /bricks/b1.0/brick\n")
	file(vols+"/server.n1.bricks-b1x0-brick.vol", "    option directory /bricks/b1x0/brick\n")

	bricks := []string{brick, "/bricks/b1.0/brick"}
	keeps := false
	look := func() []Act {
		t.Helper()
		n, err := Look(root, bricks, func() (bool, error) { return keeps, nil })
		if err != nil {
			t.Fatal(err)
		}
		return Decide(n, bricks)
	}
	change := func(want int) {
		t.Helper()
		acts := look()
		if len(acts) != want {
			t.Errorf("%d things to do, want %d: %+v", len(acts), want, acts)
		}
		if err := Do(t.Context(), machine.Run, acts); err != nil {
			t.Fatal(err)
		}
		if rest := look(); len(rest) > 0 {
			t.Errorf("afterwards there is still to do: %+v", rest)
		}
	}
	change(4)
	const line = "    option directory /cache_server/brick\n"
	want := strings.Replace(string(golden), line, line+"    option mandate-attribute off\n", 1)
	if diff := cmp.Diff(want, text(t, volfile)); diff != "" || want == string(golden) {
		t.Errorf("the volfile (-want +got):\n%s", diff)
	}
	if st, err := os.Stat(volfile); err != nil || st.Mode() != 0o600 {
		t.Errorf("the volfile: %v, %v", st.Mode(), err)
	}
	if got := text(t, vols+"/server.n1.bricks-b1x0-brick.vol"); strings.Contains(got, "mandate") {
		t.Errorf("another brick's volfile:\n%s", got)
	}
	// As glusterd does, on a file that is complete already.
	if out, err := exec.Command(libraries+"/10.3/filter/"+name, volfile).CombinedOutput(); err != nil || len(out) > 0 { //nolint:gosec // made above
		t.Errorf("the filter: %v: %s", err, out)
	}
	if diff := cmp.Diff(want, text(t, volfile)); diff != "" {
		t.Errorf("filtered twice (-want +got):\n%s", diff)
	}
	if left, err := os.ReadDir(libraries + "/9.2/filter"); err != nil || len(left) != 1 {
		t.Errorf("in the directory of the former version: %v, %v", left, err)
	}

	keeps = true
	change(1)
	if _, err := os.Stat(libraries + "/10.3/filter"); !os.IsNotExist(err) {
		t.Errorf("the directory that was made for it: %v", err)
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestKeeps compares with a tmpfs that is mounted.
func TestKeeps(t *testing.T) {
	const mounted = "/dev/shm"
	var st unix.Statfs_t
	if err := unix.Statfs(mounted, &st); err != nil || st.Type != unix.TMPFS_MAGIC {
		t.Fatalf("%s is no tmpfs: %v", mounted, err)
	}
	_, err := unix.Getxattr(mounted, "user.x", nil)
	want := err != unix.EOPNOTSUPP //nolint:errorlint // a bare number
	for name, ask := range map[string]func() (bool, error){"Keeps": Keeps, "one of its own": ownTmpfs, "the mounted one": func() (bool, error) { return answers(mounted) }} {
		if got, err := ask(); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
	if got, err := answers("/proc"); err != nil || got {
		t.Errorf("/proc keeps user attributes: %v, %v", got, err)
	}
	if _, err := answers("/no/such/directory"); err == nil {
		t.Error("a directory that is not there answers")
	}
}
