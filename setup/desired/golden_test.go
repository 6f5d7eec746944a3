package desired_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/templates"
)

// TestMain adds -update, which writes the golden files.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files")
	os.Exit(m.Run())
}

func updating() bool { return flag.Lookup("update").Value.String() == "true" }

// builtIn are the embedded templates.
func builtIn(t *testing.T) *templates.Set {
	t.Helper()
	set, err := templates.New("")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestBothArticlesClusters renders what gluster-setup init prints, the two
// clusters of the articles, for each of their nodes.
func TestBothArticlesClusters(t *testing.T) {
	t.Parallel()
	for kind, nodes := range map[string]int{"web": 2, "cache": 4} {
		text, err := cluster.Example(kind)
		if err != nil {
			t.Fatal(err)
		}
		c, err := cluster.Parse(kind+".yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.NodeOrder) != nodes {
			t.Errorf("%s has %d nodes, not %d", kind, len(c.NodeOrder), nodes)
		}
		for _, node := range c.NodeOrder {
			t.Run(kind+"/"+node, func(t *testing.T) {
				t.Parallel()
				s, err := desired.For(c, node)
				if err != nil {
					t.Fatal(err)
				}
				r, err := s.Render(builtIn(t), text)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, filepath.Join("testdata", kind, node+".txt"), rendered(t, r, string(text)))
			})
		}
	}
}

// TestTheExporter renders a server and a client of a cluster that is watched.
func TestTheExporter(t *testing.T) {
	t.Parallel()
	text, err := cluster.Example("cache")
	if err != nil {
		t.Fatal(err)
	}
	for node, exporter := range map[string]string{
		"cache1.example.com": "{listen: \"address:9189\", web_config: /etc/brickyard/web.yaml, flags: [--collector.heal-info]}",
		"web1.example.com":   "{}",
	} {
		text := append(bytes.Clone(text), "exporter: "+exporter+"\n"...)
		c, err := cluster.Parse("cache.yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := desired.For(c, node)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Render(builtIn(t), text)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{desired.ExporterUnit, desired.ExporterSocket} {
			unit := ""
			for _, f := range r.Files {
				if f.Path == desired.UnitPath(name) {
					unit = f.Content
				}
			}
			golden(t, filepath.Join("testdata", "exporter", node+filepath.Ext(name)), unit)
		}
		if last := s.Units()[len(s.Units())-1]; last.Name != desired.ExporterUnit || last.Program != "/usr/local/sbin/gluster_exporter" || !last.Start {
			t.Errorf("%s: the last unit is %+v", node, last)
		}
		s.SetBinary("/usr/sbin/gluster-setup")
		if last := s.Units()[len(s.Units())-1]; last.Program != "/usr/sbin/gluster_exporter" || s.Exporter.Binary != last.Program {
			t.Errorf("%s: beside gluster-setup of a package the exporter is %s", node, last.Program)
		}
	}
}

// TestTheCheck renders the timer of a server, and none for a client or where nobody asked.
func TestTheCheck(t *testing.T) {
	t.Parallel()
	text, err := cluster.Example("cache")
	if err != nil {
		t.Fatal(err)
	}
	const timer = "gluster-setup-check.timer"
	for key, nodes := range map[string][]string{"": nil, "check: {schedule: \"Sun 03:00\"}\n": {"cache1.example.com", "cache2.example.com"}} {
		c, err := cluster.Parse("cache.yaml", append(bytes.Clone(text), key...))
		if err != nil {
			t.Fatal(err)
		}
		for _, node := range c.NodeOrder {
			s, err := desired.For(c, node)
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.Render(builtIn(t), text)
			if err != nil {
				t.Fatal(err)
			}
			units := ""
			for _, f := range r.Files {
				if strings.Contains(f.Path, "gluster-setup-check") {
					units += "== " + f.Path + "\n" + f.Content
				}
			}
			enabled := slices.ContainsFunc(s.Units(), func(u desired.Unit) bool { return u.Name == timer && u.Start })
			wanted := slices.Contains(nodes, node)
			if enabled != wanted || (units != "") != wanted {
				t.Errorf("%q on %s: timer enabled: %t, units:\n%s", key, node, enabled, units)
			}
			if wanted && node == nodes[0] {
				golden(t, filepath.Join("testdata", "check", node+".txt"), units)
			}
		}
	}
}

// rendered is everything of a node in one text. The cluster file's copy is
// compared here and left out.
func rendered(t *testing.T, r *desired.Rendered, clusterFile string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "== block of /etc/hosts\n%s\n\n== block of /etc/fstab\n%s\n", strings.Join(r.HostsBlock, "\n"), strings.Join(r.FstabBlock, "\n"))
	for _, f := range r.Files {
		if f.Path == desired.ClusterFile {
			if f.Content != clusterFile || f.Mode != 0o644 || f.Unit {
				t.Errorf("the copy of the cluster file is %+v", f)
			}
			continue
		}
		if !f.Unit {
			t.Errorf("systemd is not told of %s", f.Path)
		}
		fmt.Fprintf(&b, "\n== %s %o\n%s", f.Path, f.Mode, f.Content)
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if updating() {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; run go test ./setup/desired -update if that is right (-want +got):\n%s", path, diff)
	}
}
