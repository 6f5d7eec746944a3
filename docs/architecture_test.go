// Package docs holds documents only; its tests compare them with the code.
package docs

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "brickyard/"

// imports returns what each package of the module imports of the module, tests
// left out.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		packages[name] = []string{}
		for _, i := range p.Imports {
			if ours, ok := strings.CutPrefix(i, module); ok {
				packages[name] = append(packages[name], ours)
			}
		}
	}
}

// table returns what the table of packages allows each folder to import.
func table(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile("`([^`]+)`")
	rows := map[string][]string{}
	for l := range strings.SplitSeq(string(text), "\n") {
		cells := strings.Split(l, "|")
		if len(cells) != 5 || !strings.HasPrefix(l, "| `") {
			continue
		}
		folder := strings.Trim(strings.TrimSpace(cells[1]), "`/")
		rows[folder] = []string{}
		for _, m := range name.FindAllStringSubmatch(cells[3], -1) {
			rows[folder] = append(rows[folder], m[1])
		}
		if strings.Contains(cells[3], "all packages below it") {
			rows[folder] = append(rows[folder], folder+"/...")
		}
	}
	return rows
}

func TestTheTableOfPackagesIsTrue(t *testing.T) {
	rows, packages := table(t), imports(t)
	for name, used := range packages {
		if name == "docs" {
			continue
		}
		allowed, ok := rows[name]
		if !ok {
			t.Errorf("architecture.md has no row for the package %s/", name)
			continue
		}
		for _, u := range used {
			if !slices.ContainsFunc(allowed, func(a string) bool {
				prefix, all := strings.CutSuffix(a, "...")
				return a == u || (all && strings.HasPrefix(u, prefix))
			}) {
				t.Errorf("%s imports %s, which architecture.md does not allow", name, u)
			}
		}
		for _, a := range allowed {
			if !strings.HasSuffix(a, "...") && !slices.Contains(used, a) {
				t.Errorf("architecture.md says that %s may import %s, which it does not: remove it", name, a)
			}
		}
	}
	for folder := range rows {
		if _, err := os.Stat(filepath.Join("..", folder)); err != nil {
			t.Errorf("architecture.md has a row for %s, which does not exist", folder)
		}
	}
}

// anchors returns what a link may name behind # in a document, as GitHub makes it of headings.
func anchors(text string) map[string]bool {
	heading := regexp.MustCompile(`(?m)^#+ +(.*)$`)
	dropped := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	out := map[string]bool{"": true}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		out[strings.ReplaceAll(strings.ToLower(dropped.ReplaceAllString(m[1], "")), " ", "-")] = true
	}
	return out
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]*)#?([^)]*)\)`)
	files := []string{"../README.md", "../CHANGELOG.md", "../CONTRIBUTING.md", "../SECURITY.md"}
	for _, pattern := range []string{"*.md", "runbooks/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no documents %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target, to := f, text
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(f), m[1])
				if filepath.Ext(target) == ".md" {
					to, err = os.ReadFile(target)
				} else {
					_, err = os.Stat(target)
				}
				if err != nil {
					t.Errorf("%s links to %s, which does not exist", f, m[1])
					continue
				}
			}
			if !anchors(string(to))[m[2]] {
				t.Errorf("%s links to %s, which has no heading #%s", f, target, m[2])
			}
		}
	}
}

// The list of all pages has each of them, and so has that of the runbooks (TestTheIndexListsEveryAlertUnderItsSeverity).
func TestEveryPageIsListed(t *testing.T) {
	index, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) < 2 {
		t.Fatalf("%v: %v", pages, err)
	}
	for _, page := range append(pages, "runbooks/README.md", "../README.md", "../CONTRIBUTING.md", "../SECURITY.md") {
		if page != "README.md" && !strings.Contains(string(index), "]("+page) {
			t.Errorf("docs/README.md does not list %s", page)
		}
	}
}
