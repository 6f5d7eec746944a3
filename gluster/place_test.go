package gluster

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindElsewhere(t *testing.T) {
	t.Parallel()
	const head, end = "volume management\n    type mgmt/glusterd\n", "end-volume\n"
	usual := head + "    option working-directory /var/lib/glusterd\n" + end
	moved := Elsewhere{What: "working-directory", Path: "/srv/glusterd", Usual: DefaultWorkdir, By: Volfile + ":3"}
	for _, tc := range []struct {
		name, volfile string
		link          bool // /var/lib/glusterd leads to /srv/glusterd
		want          Elsewhere
	}{
		{"the package's file", usual, false, Elsewhere{}},
		{"no file", "", false, Elsewhere{}},
		{"none of the options", head + end, false, Elsewhere{}},
		{"the usual one, in other words", head + "option working-directory \"/var/lib/glusterd/\"\n" + end, false, Elsewhere{}},
		{"another working directory", head + "    option working-directory /srv/glusterd\n" + end, false, moved},
		{"in quotes, with tabs", head + "\toption\tworking-directory\t\"/srv/glusterd\"\n" + end, false, moved},
		{"a comment", head + "# option working-directory /srv/glusterd\n" + end, false, Elsewhere{}},
		{"the same directory by a link", head + "    option working-directory /srv/glusterd\n" + end, true, Elsewhere{}},
		{"the last one counts", head + "option working-directory /srv/glusterd\noption working-directory /var/lib/glusterd\n" + end, false, Elsewhere{}},
		{"another socket", usual + "option glusterd-sockfile /run/other.socket\n", false, Elsewhere{What: "glusterd-sockfile", Path: "/run/other.socket", Usual: DefaultSocket, By: Volfile + ":5"}},
		{"the usual socket by its other name", usual + "option glusterd-sockfile /run/glusterd.socket\n", false, Elsewhere{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for _, dir := range []string{"etc/glusterfs", "srv/glusterd", "var/lib", "proc"} {
				if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			store := func() error { return os.Mkdir(filepath.Join(root, DefaultWorkdir), 0o755) }
			if tc.link {
				store = func() error { return os.Symlink("../../srv/glusterd", filepath.Join(root, DefaultWorkdir)) }
			}
			err := store()
			if err == nil && tc.volfile != "" {
				err = os.WriteFile(filepath.Join(root, Volfile), []byte(tc.volfile), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := FindElsewhere(root, filepath.Join(root, "proc"))
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("%v, (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestArgumentsOfGlusterdSayWhereItIs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		args    []string
		volfile string
		want    []string
	}{
		{"none", []string{"glusterd", "-p", "/run/glusterd.pid", "--log-level", "INFO"}, Volfile, nil},
		{"another volume file", []string{"glusterd", "-f", "/srv/my.vol"}, "/srv/my.vol", nil},
		{"the long flag", []string{"glusterd", "--volfile=/srv/my.vol"}, "/srv/my.vol", nil},
		{"an option", []string{"glusterd", "--xlator-option=*.working-directory=/srv/a", "--xlator-option", "management.glusterd-sockfile=/run/a", "--xlator-option", "*.other=1"}, Volfile, []string{"working-directory /srv/a", "glusterd-sockfile /run/a"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			volfile, settings := glusterdArguments(tc.args)
			var got []string
			for _, s := range settings {
				got = append(got, s.name+" "+s.value)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || volfile != tc.volfile {
				t.Errorf("volume file %s, settings (-want +got):\n%s", volfile, diff)
			}
		})
	}
}
