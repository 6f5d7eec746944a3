package unitfile

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree is a machine's files as testdata/tree.sh makes them.
func tree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "sh", "testdata/tree.sh", root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return root
}

// taken is what systemd took for one unit.
type taken struct {
	state, fragment string
	dropIns         []string
}

// recorded reads what systemd said of the tree (testdata/record.sh).
func recorded(t *testing.T, file string) map[string]*taken {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*taken{}
	var unit *taken
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Unit Load State":
			unit.state = value
		case "Fragment Path":
			unit.fragment = value
		case "DropIn Path":
			unit.dropIns = append(unit.dropIns, value)
		default:
			unit = &taken{}
			out[key] = unit
		}
	}
	return out
}

func TestWhatSystemdTakesIsFound(t *testing.T) {
	t.Parallel()
	root := tree(t)
	for _, file := range []string{"testdata/systemd-247.txt", "testdata/systemd-252.txt", "testdata/systemd-257.txt"} {
		units := recorded(t, file)
		delete(units, "own.mount") // of the directory above a mount
		if len(units) != 11 {
			t.Fatalf("%s: %d units", file, len(units))
		}
		for unit, systemd := range units {
			problems, err := Problems(root, []string{unit}, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.DeleteFunc(systemd.dropIns, func(path string) bool { return strings.HasSuffix(path, "timeout.conf") }) // changes nothing that counts
			if systemd.state != "loaded" || systemd.fragment != "/run/systemd/generator/"+unit {
				want = append(want, unit)
			}
			for _, path := range want { // 247 follows links, and a unit that is not found has no path
				if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.HasSuffix(p.Path, path) }) {
					t.Errorf("%s: %+v, systemd took %s", unit, problems, path)
				}
			}
			if len(problems) != len(want) {
				t.Errorf("%s: %+v, systemd: %+v", unit, problems, *systemd)
			}
		}
	}
}

func write(t *testing.T, root, path, text string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, root, path, to string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

func TestWordsForEachPlace(t *testing.T) {
	t.Parallel()
	const (
		etc  = "/etc/systemd/system/"
		lib  = "/usr/lib/systemd/system/"
		wait = "gluster-setup-wait@server.service"
		some = "[Mount]\nWhat=x\n"
	)
	for name, tc := range map[string]struct {
		unit, remedy, problem string
		files, links          map[string]string
	}{
		"nothing":          {unit: "client.mount"},
		"a unit of root's": {"client.mount", `run "systemctl disable client.mount; rm -f ` + etc + `client.mount; systemctl daemon-reload"`, "systemd takes " + etc + "client.mount instead of the unit", map[string]string{etc + "client.mount": some}, nil},
		"a name that a shell would read otherwise": {`a\x2db.mount`, `run "systemctl disable 'a\x2db.mount'; rm -f '` + etc + `a\x2db.mount'; systemctl daemon-reload"`, "systemd takes", map[string]string{etc + `a\x2db.mount`: some}, nil},
		"masked":                                    {"client.mount", `run "systemctl unmask client.mount"`, etc + "client.mount masks the unit", nil, map[string]string{etc + "client.mount": "/dev/null"}},
		"masked until the next boot":                {"client.mount", `run "rm -f /run/systemd/system/client.mount; systemctl daemon-reload"`, "masks", nil, map[string]string{"/run/systemd/system/client.mount": "/dev/null"}},
		"masked by an empty file":                   {"client.mount", `run "rm -f ` + etc + `client.mount; systemctl daemon-reload"`, "is empty, which masks", map[string]string{etc + "client.mount": ""}, nil},
		"a link that leads nowhere":                 {"client.mount", `run "rm -f ` + etc + `client.mount; systemctl daemon-reload"`, "leads nowhere", nil, map[string]string{etc + "client.mount": "/opt/client.mount"}},
		"made by systemd-mount":                     {"client.mount", `run "systemctl stop client.mount", which removes that file and unmounts it, then "gluster-setup apply"`, "systemd takes /run/systemd/transient/client.mount instead", map[string]string{transient + "/client.mount": some}, nil},
		"a package's unit, which comes after fstab": {"client.mount", "", "", map[string]string{lib + "client.mount": some}, nil},
		"a package's drop-in":                       {"client.mount", "rm -f " + lib + "client.mount.d/x.conf", "sets What, Options of", map[string]string{lib + "client.mount.d/x.conf": "[Mount]\nWhat = x\nOptions=\nOptions=y\n"}, nil},
		"a drop-in that root has masked":            {"client.mount", "", "", map[string]string{lib + "client.mount.d/x.conf": "[Mount]\nWhat=x\n"}, map[string]string{etc + "client.mount.d/x.conf": "/dev/null"}},
		"a drop-in of all mounts":                   {"client.mount", "rm -f " + etc + "mount.d/all.conf", "sets Options of", map[string]string{etc + "mount.d/all.conf": "[Mount]\nOptions=ro\n"}, nil},
		"a drop-in of another section":              {"client.mount", "", "", map[string]string{etc + "client.mount.d/x.conf": "[Install]\nWhat=x\n[Mount]\n;Options=ro\nDirectoryMode=0700\n"}, nil},
		"what is no drop-in":                        {"client.mount", "", "", map[string]string{etc + "client.mount.d/x.conf.rpmsave": "[Mount]\nOptions=ro\n"}, nil},
		"the unit that waits is masked":             {wait, `run "systemctl unmask ` + wait + `"`, etc + wait + " masks the unit that gluster-setup installs and a mount of ours requires: the next boot does not mount it", nil, map[string]string{etc + wait: "/dev/null"}},
		"the unit that waits is another":            {wait, "systemctl disable " + wait + "; rm -f " + lib + wait, "systemd takes " + lib + wait + " instead", map[string]string{lib + wait: some}, nil},
		"the unit that waits is ours":               {wait, "", "", map[string]string{etc + "gluster-setup-wait@.service": some}, nil},
		"remote-fs.target is masked":                {wait, `run "systemctl unmask remote-fs.target"`, "masks remote-fs.target, by which volumes are mounted: the next boot does not mount it", nil, map[string]string{etc + "remote-fs.target": "/dev/null"}},
		"remote-fs.target is edited":                {wait, "", "", map[string]string{etc + "remote-fs.target": some}, nil},
		"nobody reads fstab":                        {"client.mount", "rm -f /etc/systemd/system-generators/systemd-fstab-generator; systemctl daemon-reload", "instead of its own program that reads /etc/fstab", nil, map[string]string{"/etc/systemd/system-generators/systemd-fstab-generator": "/dev/null"}},
		"an automount that is not enabled":          {"client.mount", "", "", map[string]string{etc + "client.automount": some}, nil},
		"an automount that is":                      {"client.mount", `run "systemctl disable --now client.automount; rm -f ` + lib + `client.automount; systemctl daemon-reload"`, lib + "client.automount is enabled", map[string]string{lib + "client.automount": some}, map[string]string{etc + "multi-user.target.wants/client.automount": lib + "client.automount"}},
		"an automount that is masked":               {"client.mount", "", "", nil, map[string]string{etc + "client.automount": "/dev/null", etc + "multi-user.target.wants/client.automount": lib + "client.automount"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for path, text := range tc.files {
				write(t, root, path, text)
			}
			for path, to := range tc.links {
				link(t, root, path, to)
			}
			mounts, required := []string{tc.unit}, []string(nil)
			if strings.HasSuffix(tc.unit, ".service") {
				mounts, required = required, mounts
			}
			got, err := Problems(root, mounts, required)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case tc.problem == "" && len(got) > 0, tc.problem != "" && len(got) != 1:
				t.Errorf("%+v", got)
			case tc.problem != "" && (!strings.Contains(got[0].Problem, tc.problem) || !strings.Contains(got[0].Remedy, tc.remedy)):
				t.Errorf("%+v, want %q, remedy %q", got[0], tc.problem, tc.remedy)
			}
		})
	}
}
