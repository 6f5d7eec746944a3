package cluster

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMain adds -update, which writes what the tests compare with: expected
// errors, the JSON Schema and the generated parts of the reference.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the expected files")
	os.Exit(m.Run())
}

func updating() bool {
	return flag.Lookup("update").Value.String() == "true"
}

// badCase is a cluster file with the errors that it must give.
type badCase struct {
	name, text string
	// seen says whether the JSON Schema refuses the file too. Files that are
	// not one YAML document never reach a schema.
	seen string
	want string
}

const (
	seenBySchema    = "the schema refuses it too"
	notSeenBySchema = "the schema accepts it"
	noDocument      = "no document for a schema"
)

// readBadCases reads a file of cases: a line "=== name", the cluster file, a
// line "--- " and whether the schema sees it, the whole error text.
func readBadCases(t testing.TB, path string) []badCase {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []badCase
	for part := range strings.SplitSeq("\n"+string(data), "\n=== ") {
		if part == "" {
			continue
		}
		head, want, ok := strings.Cut("\n"+part+"\n", "\n--- ")
		if !ok {
			t.Fatalf("%s: no --- line in %q", path, part)
		}
		name, text, _ := strings.Cut(strings.TrimPrefix(head, "\n"), "\n")
		seen, want, _ := strings.Cut(want, "\n")
		if text != "" {
			text += "\n"
		}
		cases = append(cases, badCase{name, text, seen, strings.TrimSpace(want)})
	}
	return cases
}

func TestBadFileGivesAllItsErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	schema := compileSchema(t)
	for _, file := range files {
		cases := readBadCases(t, file)
		for i, c := range cases {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+c.name, func(t *testing.T) {
				parsed, err := Parse("cluster.yaml", []byte(c.text))
				var problems Errors
				if !errors.As(err, &problems) || parsed != nil {
					t.Fatalf("Parse = %v, %v; want Errors", parsed, err)
				}
				for _, p := range problems {
					if p.Hint == "" {
						t.Errorf("no hint: %s", p)
					}
				}
				seen := schemaVerdict(t, schema, c.text)
				if updating() {
					cases[i].want, cases[i].seen = err.Error(), seen
					return
				}
				if diff := cmp.Diff(strings.Split(c.want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
					t.Errorf("error text (-want +got):\n%s", diff)
				}
				if seen != c.seen {
					t.Errorf("%s; want: %s", seen, c.seen)
				}
			})
		}
		if updating() {
			writeBadCases(t, file, cases)
		}
	}
}

func writeBadCases(t *testing.T, path string, cases []badCase) {
	t.Helper()
	var b strings.Builder
	for _, c := range cases {
		b.WriteString("=== " + c.name + "\n" + c.text + "--- " + c.seen + "\n" + c.want + "\n")
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil { //nolint:gosec // a test file
		t.Fatal(err)
	}
}

func TestTextThatIsNoTextIsRefused(t *testing.T) {
	const ok = "nodes: {a: {address: 10.0.0.1}}\n"
	for name, c := range map[string]struct{ data, want string }{
		"bytes that are not UTF-8": {"nodes:\n  a: \xff\n", "f:2:6: byte 0xff is not UTF-8\n  hint: save the file as UTF-8"},
		"a byte order mark":        {"\xef\xbb\xbf" + ok, "f:1:1: the file starts with a byte order mark\n  hint: save it as UTF-8 without a byte order mark"},
		"UTF-16":                   {"\xff\xfen\x00", "f:1:1: the file is UTF-16\n  hint: save it as UTF-8 without a byte order mark"},
		"a NUL byte":               {"nodes: \x00", "f:1:8: control character U+0000\n  hint: remove it"},
		"a lone carriage return":   {"nodes:\r a: b\n", "f:1:7: control character U+000D\n  hint: remove it"},
		"more than a mebibyte":     {ok + strings.Repeat("#\n", maxBytes/2), "f:1:1: the file has more than 1048576 bytes\n  hint: this is probably not a cluster file"},
		"a line without end":       {ok + "#" + strings.Repeat("ü", maxLine), "f:2:4097: the line has more than 4096 characters\n  hint: break it into several lines"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f", []byte(c.data))
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
		})
	}
}

func TestFileThatCannotBeReadGivesTheSystemsError(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want not exist", err)
	}
	if _, err = Load(t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), "read the cluster file: ") {
		t.Errorf("error %v for a directory", err)
	}
}
