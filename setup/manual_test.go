package main

import (
	"bytes"
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/internal/clidoc"
)

const packages = "../packages"

// page is what gluster-setup(8) says beyond the command line.
func page() clidoc.Page {
	return clidoc.Page{
		Section: 8,
		Purpose: "replicated GlusterFS volumes from one cluster file",
		Text: []string{
			"One YAML file describes a whole cluster: its nodes, the volumes with their bricks on tmpfs or disk, and where they are mounted. The same file lies on every node. " +
				"On each, apply makes the machine the node that the file describes: names, brick file systems, units, the trusted pool, volumes and mounts. " +
				"It may run on all nodes at once, in any order, again and again; where there is nothing to do it changes nothing.",
			"It never uses force, formats nothing that is not blank, changes no line that is not its own, and does not call a volume fine that differs from the file. Where it will not go on, it says what is in the way and what to do about it.",
			"With --output=json a command prints one document, also when it fails.",
		},
		Exit: []clidoc.Item{
			{Term: "0", Text: "Nothing to do, or done."},
			{Term: "1", Text: "Error."},
			{Term: "2", Text: "Changes are pending (plan only)."},
			{Term: "3", Text: "Refused as conflicting or unsafe; nothing was changed unless the output says so."},
			{Term: "4", Text: "Partly done: run apply again when the cause is gone."},
		},
		Files: []clidoc.Item{
			{Term: "/etc/brickyard/cluster.yaml", Text: "The cluster file. apply keeps a copy here when it is given another, because the units read it at boot."},
			{Term: "/etc/brickyard/templates", Text: "Templates that replace the built-in ones."},
			{Term: "/var/lib/brickyard/recovery.json", Text: "The record of recoveries of this node's bricks."},
			{Term: "/usr/share/doc/gluster-setup/examples", Text: "Cluster files to start from, where a package installed this program."},
		},
		Examples: []clidoc.Item{
			{Term: "gluster-setup init cache >/etc/brickyard/cluster.yaml", Text: "Start a cluster file."},
			{Term: "gluster-setup plan", Text: "See what apply would do on this node, and why."},
			{Term: "gluster-setup apply", Text: "Do it. Start it on all nodes."},
			{Term: "gluster-setup ok-to-stop && systemctl reboot", Text: "Reboot this node only if that makes no volume unavailable or lossy."},
		},
		See: []string{"gluster_exporter(8)", "gluster(8)", "glusterd(8)", "mount.glusterfs(8)"},
	}
}

func TestManualAndCompletionsKnowTheCommandLine(t *testing.T) {
	t.Parallel()
	parser, err := newParser(&CLI{})
	if err != nil {
		t.Fatal(err)
	}
	clidoc.Check(t, packages, flag.Lookup("update").Value.String() == "true", parser.Model, page(), func(command string) string {
		var out bytes.Buffer
		if code := run(t.Context(), []string{command, "--help"}, &out, &out); code != exitOK {
			t.Fatalf("%s --help: %s", command, out.String())
		}
		return out.String()
	})
}

func TestShellsOffer(t *testing.T) {
	t.Parallel()
	files := map[string]string{"bash": "gluster-setup.bash", "zsh": "_gluster-setup", "fish": "gluster-setup.fish"}
	for _, tc := range []struct {
		name  string
		words []string
		want  []string
	}{
		{"commands", []string{"gluster-setup", "ver"}, []string{"verify", "version"}},
		{"the values of a flag", []string{"gluster-setup", "status", "--output", ""}, []string{"json", "text"}},
		{"the values of a short flag", []string{"gluster-setup", "status", "-o", "j"}, []string{"json"}},
		{"the flags that begin so", []string{"gluster-setup", "ok-to-stop", "--li"}, []string{"--limit"}},
		{"the values of an argument", []string{"gluster-setup", "init", ""}, []string{"cache", "web"}},
		{"the files for a path", []string{"gluster-setup", "plan", "--file", "manual_te"}, []string{"manual_test.go"}},
		{"the directories to measure", []string{"gluster-setup", "bench", "testda"}, []string{"testdata"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for shell, file := range files {
				got, err := clidoc.Complete(t.Context(), shell, packages+"/completions/"+file, tc.words...)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tc.want, trimmed(got, tc.want)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", shell, diff)
				}
			}
		})
	}
	t.Run("the value behind an equals sign, in bash", func(t *testing.T) {
		t.Parallel()
		for _, words := range [][]string{{"gluster-setup", "plan", "--output", "="}, {"gluster-setup", "plan", "--output", "=", "te"}} {
			got, err := clidoc.Complete(t.Context(), "bash", packages+"/completions/gluster-setup.bash", words...)
			if err != nil || !slices.Contains(got, "text") {
				t.Errorf("%v: %v, %v", words, got, err)
			}
		}
	})
}

// trimmed is got without the slash that shells put behind directories, where want has none.
func trimmed(got, want []string) []string {
	out := slices.Clone(got)
	for i, g := range out {
		if s, ok := strings.CutSuffix(g, "/"); ok && slices.Contains(want, s) {
			out[i] = s
		}
	}
	return out
}
