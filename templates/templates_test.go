package templates_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brickyard/templates"
)

// dirWith makes a directory of overrides.
func dirWith(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// data is what the tests' hosts templates see.
type data struct {
	Node  string
	Words map[string]string
	Dict  map[string]any
}

func node() data {
	d := data{Node: "web1", Words: map[string]string{"a": "1"}, Dict: map[string]any{}}
	for w := range strings.SplitSeq("q w e r t z u i o p", " ") {
		d.Dict[w] = strings.ToUpper(w)
	}
	return d
}

// render renders an override of the hosts template.
func render(t *testing.T, text string) (string, error) {
	t.Helper()
	set, err := templates.New(dirWith(t, map[string]string{"hosts.tmpl": text}))
	if err != nil {
		return "", err
	}
	return set.Render("hosts", node())
}

func TestOverride(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{"replaces the built-in template", "10.0.0.1 {{ .Node }}\n", "10.0.0.1 web1\n"},
		{"may use sprig", `{{ .Node | upper | repeat 2 }}`, "WEB1WEB1"},
		{"may be empty: it writes nothing", "", ""},
		{"may be a comment: it writes nothing", "{{/* managed elsewhere */}}\n", "\n"},
		{"sees keys in order", `{{ keys .Dict (dict "y" 1 "x" 2) | join " " }}`, "e i o p q r t u w z x y"},
		{"sees values in the order of their keys", `{{ values .Dict | join " " }}`, "E I O P Q R T U W Z"},
		{"ranges over a map in order", `{{ range $k, $v := .Dict }}{{ $k }}{{ end }}`, "eiopqrtuwz"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for range 20 { // the same again and again
				got, err := render(t, tc.text)
				if err != nil || got != tc.want {
					t.Fatalf("got %q, %v, want %q", got, err, tc.want)
				}
			}
		})
	}
}

func TestOverrideErrors(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("*.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string // DIR stands for the directory
	}{
		{"a template that does not exist", map[string]string{"host.tmpl": ""}, "DIR/host.tmpl replaces no template: rename it to one of " + strings.Join(names, ", ")},
		{"a template without its ending", map[string]string{"fstab": ""}, "DIR/fstab replaces no template: rename it to fstab.tmpl"},
		{"a unit without its ending", map[string]string{"gluster-setup-wait@.service": ""}, "DIR/gluster-setup-wait@.service replaces no template: rename it to gluster-setup-wait@.service.tmpl"},
		{"a template that is broken in line 3", map[string]string{"fstab.tmpl": "# a\n# b\n{{ .Node \n"}, "DIR/fstab.tmpl: template: fstab.tmpl:4: unclosed action started at fstab.tmpl:3"},
		{"a function that does not exist", map[string]string{"hosts.tmpl": "\n{{ uper .Node }}"}, `DIR/hosts.tmpl: template: hosts.tmpl:2: function "uper" not defined`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := dirWith(t, tc.files)
			_, err := templates.New(dir)
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.ReplaceAll(err.Error(), dir, "DIR"); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestRenderErrorsNameFileAndLine(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{"a field that does not exist", "# a\n{{ .Nodes }}", `hosts.tmpl: template: hosts.tmpl:2:3: executing "hosts.tmpl" at <.Nodes>: can't evaluate field Nodes in type templates_test.data`},
		{"a key that does not exist", "\n\n{{ .Words.b }}", `hosts.tmpl: template: hosts.tmpl:3:9: executing "hosts.tmpl" at <.Words.b>: map has no entry for key "b"`},
		{"a template's own refusal", `{{ fail "no web server" }}`, `hosts.tmpl: template: hosts.tmpl:1:3: executing "hosts.tmpl" at <fail "no web server">: error calling fail: no web server`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := render(t, tc.text)
			if err == nil {
				t.Fatalf("no error but %q", got)
			}
			if text := err.Error(); !filepath.IsAbs(text) || !strings.HasSuffix(text, "/"+tc.want) {
				t.Errorf("got  %s\nwant DIR/%s", text, tc.want)
			}
			if got != "" {
				t.Errorf("rendered %q in spite of the error", got)
			}
		})
	}
}

func TestErrorsOfBuiltInTemplatesSaySo(t *testing.T) {
	t.Parallel()
	set, err := templates.New("")
	if err != nil {
		t.Fatal(err)
	}
	_, err = set.Render("hosts", node())
	const want = "built-in hosts.tmpl: template: hosts.tmpl:2:"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s...", err, want)
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	if _, err := templates.New(filepath.Join(t.TempDir(), "gone")); err == nil || !strings.HasPrefix(err.Error(), "read the templates directory (--templates): open /") {
		t.Errorf("a missing directory: %v", err)
	}
	if _, err := templates.New(dirWith(t, map[string]string{"README": "{{", "fstab.tmpl~": "{{", ".fstab.tmpl.swp": "{{"})); err != nil {
		t.Errorf("files that are no templates: %v", err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "hosts.tmpl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := templates.New(dir); err == nil || !strings.Contains(err.Error(), "read template hosts.tmpl: ") || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory in the place of a template: %v", err)
	}
}
