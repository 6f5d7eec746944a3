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

// New returns the embedded templates, replaced by those in dir when dir is not
// empty. A file in dir that replaces nothing is an error that lists the names.
func New(dir string) (*Set, error) {
	s := &Set{root: template.New("").Option("missingkey=error").Funcs(functions()), from: map[string]string{}}
	names, err := fs.Glob(embedded, "*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("list the embedded templates: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(embedded, name)
		if err != nil {
			return nil, fmt.Errorf("read the embedded template %s: %w", name, err)
		}
		if err := s.add(name, "built-in "+name, text); err != nil {
			return nil, err
		}
	}
	if dir == "" {
		return s, nil
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the templates directory (--templates): %w", err)
	}
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".tmpl" {
			continue
		}
		path := filepath.Join(dir, f.Name())
		if !slices.Contains(names, f.Name()) {
			return nil, fmt.Errorf("%s replaces no template: rename it to one of %s", path, strings.Join(names, ", "))
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read template: %w", err)
		}
		if err := s.add(f.Name(), path, text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Set) add(name, from string, text []byte) error {
	if _, err := s.root.New(name).Parse(string(text)); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	s.from[name] = from
	return nil
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
