// Package templates renders the files that gluster-setup writes. Each template
// is embedded and can be replaced by a file of the same name in a directory of
// the user's. Functions are sprig's, without those whose result changes from
// run to run: a plan must be the same twice.
package templates

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

//go:embed *.tmpl
var embedded embed.FS

// Set is the templates of one run.
type Set struct {
	root *template.Template
	from map[string]string // template name -> where it came from, for errors
}

// Dir is where a machine has the templates that replace the embedded ones, if it has any.
const Dir = "/etc/brickyard/templates"

// Installed returns the templates as this machine has them: with those in Dir, if it exists.
func Installed() (*Set, error) {
	if st, err := os.Stat(Dir); err == nil && st.IsDir() {
		return New(Dir)
	}
	return New("")
}

// New returns the embedded templates, replaced by those in dir when dir is not
// empty. A file in dir that replaces nothing is an error that lists the names;
// files that look like no template at all, such as a README, are left alone.
func New(dir string) (*Set, error) {
	s := &Set{root: template.New("").Option("missingkey=error").Funcs(functions()), from: map[string]string{}}
	names, err := fs.Glob(embedded, "*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("list the embedded templates: %w", err)
	}
	replaced, err := overrides(dir, names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		from, ok := replaced[name]
		var text []byte
		if ok {
			text, err = os.ReadFile(from) //nolint:gosec // the directory that the administrator names
		} else {
			from = "built-in " + name
			text, err = fs.ReadFile(embedded, name)
		}
		if err != nil {
			return nil, fmt.Errorf("read template %s: %w", name, err)
		}
		// An empty file replaces nothing in text/template's eyes, and is a
		// template that writes nothing in ours: so no name is parsed twice.
		if _, err := s.root.New(name).Parse(string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		s.from[name] = from
	}
	return s, nil
}

// overrides returns the path of the file in dir for each template it replaces.
func overrides(dir string, names []string) (map[string]string, error) {
	if dir == "" {
		return nil, nil
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the templates directory (--templates): %w", err)
	}
	replaced := map[string]string{}
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		switch {
		case slices.Contains(names, f.Name()):
			replaced[f.Name()] = path
		case slices.Contains(names, f.Name()+".tmpl"):
			return nil, fmt.Errorf("%s replaces no template: rename it to %s.tmpl", path, f.Name())
		case filepath.Ext(f.Name()) == ".tmpl":
			return nil, fmt.Errorf("%s replaces no template: rename it to one of %s", path, strings.Join(names, ", "))
		}
	}
	return replaced, nil
}

// Render executes the template NAME.tmpl with data.
func (s *Set) Render(name string, data any) (string, error) {
	var b strings.Builder
	if err := s.root.ExecuteTemplate(&b, name+".tmpl", data); err != nil {
		return "", fmt.Errorf("%s: %w", s.from[name+".tmpl"], err)
	}
	return b.String(), nil
}

// functions are sprig's functions with those refused that give another result
// on every run or every machine.
func functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	hermetic := sprig.HermeticTxtFuncMap()
	for name := range all {
		_, safe := hermetic[name]
		if !safe || slices.Contains(unstable(), name) {
			all[name] = refuse(name)
		}
	}
	// sprig's own return them in Go's random order of maps.
	all["keys"], all["values"] = keys, values
	return all
}

// unstable are the functions that sprig counts as repeatable although they are
// salted, random or read the clock.
func unstable() []string {
	return []string{
		"ago", "bcrypt", "htpasswd", "encryptAES", "shuffle", "randInt", "randBytes", "uuidv4",
		"genCA", "genCAWithKey", "genPrivateKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey",
		"now", "date", "dateInZone", "date_in_zone", "dateModify", "date_modify", "mustDateModify", "must_date_modify", "htmlDate", "htmlDateInZone",
		"durationRound", "toDate", "mustToDate", "env", "expandenv", "getHostByName",
	}
}

var errUnstable = errors.New("its result changes from run to run or from machine to machine, so a plan would never be empty: compute the value in the cluster file's generator instead")

func refuse(name string) func(...any) (string, error) {
	return func(...any) (string, error) {
		return "", fmt.Errorf("the function %s is refused: %w", name, errUnstable)
	}
}

// keys returns the keys of each map in turn, sorted.
func keys(dicts ...map[string]any) []string {
	out := []string{}
	for _, m := range dicts {
		out = slices.AppendSeq(out, sorted(m))
	}
	return out
}

// values returns the values of a map in the order of its sorted keys.
func values(m map[string]any) []any {
	out := []any{}
	for k := range sorted(m) {
		out = append(out, m[k])
	}
	return out
}

func sorted(m map[string]any) iter.Seq[string] { return slices.Values(slices.Sorted(maps.Keys(m))) }
