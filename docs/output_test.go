package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every change has a stable code, and output.md has every code and no other.
func TestChangesHaveStableCodes(t *testing.T) {
	t.Parallel()
	made := codesOfChanges(t)
	data, err := os.ReadFile("output.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(data), "The codes of changes:")
	table, _, ok := strings.Cut(table, "`exit_code` and `changed`")
	if !ok {
		t.Fatal("output.md has no table of the codes of changes")
	}
	var said []string
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) > 1 {
			for _, m := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(cells[1], -1) {
				said = append(said, m[1])
			}
		}
	}
	for _, code := range made {
		if !slices.Contains(said, code) {
			t.Errorf("output.md does not say what %s is", code)
		}
	}
	for _, code := range said {
		if !slices.Contains(made, code) {
			t.Errorf("no change has the code %s of output.md", code)
		}
	}
}

// codesOfChanges reads the codes of all changes that the program makes from its sources.
func codesOfChanges(t *testing.T) []string {
	t.Helper()
	var codes []string
	set := token.NewFileSet()
	err := filepath.WalkDir("../setup", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		constants := constantsIn(t, set, filepath.Dir(path))
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if isChange(n.Type) && len(n.Elts) > 0 {
					codes = append(codes, codeOf(t, set, constants, n)...)
				}
			case *ast.AssignStmt: // c.Code = leftLine
				if s, ok := n.Lhs[0].(*ast.SelectorExpr); ok && s.Sel.Name == "Code" {
					codes = append(codes, text(constants, n.Rhs[0]))
				}
			case *ast.CallExpr: // h.remove(leftUnit, ...)
				for _, a := range n.Args {
					if id, ok := a.(*ast.Ident); ok && strings.HasPrefix(constants[id.Name], "left-") {
						codes = append(codes, constants[id.Name])
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(codes)
	return slices.Compact(slices.DeleteFunc(codes, func(c string) bool { return c == "" }))
}

func isChange(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "Change" {
		return false
	}
	id, ok := s.X.(*ast.Ident)
	return ok && id.Name == "change"
}

// codeOf is the code of a change that is written down; "" where it is a parameter, whose arguments are found by themselves.
func codeOf(t *testing.T, set *token.FileSet, constants map[string]string, n *ast.CompositeLit) []string {
	t.Helper()
	for _, e := range n.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if id, isID := kv.Key.(*ast.Ident); ok && isID && id.Name == "Code" {
			return []string{text(constants, kv.Value)}
		}
	}
	t.Errorf("%s: a change without a code", set.Position(n.Pos()))
	return nil
}

// text is the value of a literal or of a constant.
func text(constants map[string]string, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		value, _ := strconv.Unquote(e.Value)
		return value
	case *ast.Ident:
		return constants[e.Name]
	}
	return ""
}

// constantsIn are the texts that are constants of a package.
func constantsIn(t *testing.T, set *token.FileSet, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
				for i, id := range v.Names {
					if value := text(nil, v.Values[i]); value != "" {
						out[id.Name] = value
					}
				}
			}
			return true
		})
	}
	return out
}
