package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"brickyard/setup/change"
	"brickyard/setup/report"
)

// TestMain adds -update, which writes the golden files.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files")
	if err := os.Setenv("LC_ALL", "C.UTF-8"); err != nil { // the golden files have signs beyond ASCII
		panic(err)
	}
	os.Exit(m.Run())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
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
		t.Errorf("%s differs; run go test ./setup/report -update if that is right (-want +got):\n%s", path, diff)
	}
}

// changes are one of each part.
func changes() []change.Change {
	return []change.Change{
		{
			Part: change.Host, Object: "/etc/fstab", Code: "file-write", Action: "edit", Why: "brick file systems and client mounts must come back at boot",
			Diff: "--- /etc/fstab\n+++ /etc/fstab (gluster-setup)\n@@ -1,2 +1,2 @@\n proc /proc proc\n--- old <&>\n+tmpfs /cache_server tmpfs defaults,size=512m 0 0\n\\ No newline at end of file\n",
		},
		{Part: change.Host, Object: "/cache_server", Code: "brick-mount", Action: "mount", Why: "nothing is mounted there", Commands: []string{"mkdir -p /cache_server", "mount /cache_server"}},
		{Part: change.Pool, Object: "peer cache2.example.com", Code: "peer-probe", Action: "probe", Why: "it is not in the pool", Commands: []string{"gluster peer probe cache2.example.com"}, Needs: []string{"glusterd on cache2.example.com to answer"}},
		{Part: change.Pool, Object: "volume server", Code: "volume-create", Action: "create", Why: "it does not exist", By: "cache1.example.com"},
		{Part: change.Client, Object: "/cache_client", Code: "client-mount", Action: "mount", Why: "volume server is not mounted there", Commands: []string{"mount /cache_client"}},
	}
}

func conflict() change.Conflict {
	return change.Conflict{Code: "fstab-entry", Object: "/etc/fstab:7", Problem: `"/dev/vdb /client xfs" already configures /client`, Remedy: "remove that line, or choose another path"}
}

func plan(t *report.Text) {
	t.Head("plan", "web1.example.com", "/etc/brickyard/cluster.yaml")
	for _, c := range changes() {
		t.Planned(c)
	}
	t.Waits([]string{"volume server to serve", "glusterd on cache2.example.com"})
	t.Warnings([]string{"volume server keeps two copies without quorum", "option x is set and not in the file"})
	t.Conflict(conflict())
	t.End(true, "%s", "3 changes to make here, 1 change that another node makes.")
}

func errFull() error { return errors.New("mount /cache_server: no space left on device\nsee dmesg") }

// apply ends with a change that fails.
func apply(t *report.Text) {
	t.Head("apply", "web1.example.com", "/etc/brickyard/cluster.yaml")
	for i, c := range changes()[:2] {
		t.Started(c)
		time.Sleep(1234 * time.Millisecond)
		r := change.Result{Change: c, Status: change.Done, Duration: 1234 * time.Millisecond}
		if i == 1 {
			r.Status, r.Err = change.Failed, errFull()
		}
		t.Finished(r)
	}
	t.Error(errFull())
	t.Error(errors.New("another one"))
	t.End(false, "1 change was made, not all. Run apply again when the cause is gone.")
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, print := range map[string]func(*report.Text){"plan": plan, "apply": apply} {
		for end, terminal := range map[string]bool{"txt": false, "terminal": true} {
			t.Run(name+"."+end, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var b bytes.Buffer
					print(report.NewText(&b, terminal))
					text := b.String()
					if coloured := strings.ContainsAny(text, "\x1b\r"); coloured != terminal {
						t.Errorf("escape sequences: %v, terminal: %v", coloured, terminal)
					}
					golden(t, name+"."+end, strings.NewReplacer("\x1b", "ESC", "\r", "CR").Replace(text))
				})
			})
		}
	}
}

func TestWaitingLinesAreNotRepeatedInALog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		text := report.NewText(&b, false)
		began := time.Now()
		wait := func(seconds int, what ...string) {
			for range seconds {
				text.Started(changes()[2]) // a change that is refused, again and again
				text.Waiting(change.Pool, what, time.Since(began))
				time.Sleep(time.Second)
			}
		}
		wait(29, "the volume lock")
		wait(5, "cache2.example.com", "cache3.example.com", "cache4.example.com")
		wait(1, "cache2.example.com", "cache3.example.com")
		wait(32)
		text.Finished(change.Result{Change: changes()[2], Status: change.Done})
		wait(1)
		golden(t, "waiting.txt", b.String())
	})
}

func TestTheWaitingLineOfATerminalIsReplacedAndCut(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	text := report.NewText(&b, true)
	text.Waiting(change.Pool, []string{strings.Repeat("ä", 200)}, time.Second)
	text.Waiting(change.Pool, []string{"line one\nline two"}, 2*time.Second)
	text.End(true, "Done.")
	lines := strings.Split(b.String(), "\r\x1b[K")
	if len(lines) != 3 {
		t.Fatalf("%d pieces in %q", len(lines), b.String())
	}
	_, words, _ := strings.Cut(lines[0], " waiting ")
	if n := len([]rune("  … waiting " + words)); !strings.HasSuffix(words, "ä…") || n != 79 {
		t.Errorf("%d columns: %q", n, lines[0])
	}
	if !strings.HasSuffix(lines[1], " waiting 2 s for line one line two") {
		t.Errorf("%q", lines[1])
	}
}

func document() report.Document {
	results := []change.Result{
		{Change: changes()[0], Status: change.Done, Duration: 1500 * time.Microsecond},
		{Change: changes()[1], Status: change.Failed, Duration: 2 * time.Second, Err: errFull()},
	}
	return report.Document{
		Command: "apply", Node: "web1.example.com", File: "cluster.yaml", Changed: true,
		Changes:   append(report.Results(results), report.Planned(changes()[2:4])...),
		Conflicts: report.ConflictsOf([]change.Conflict{conflict()}), Waits: []string{"a"}, Warnings: []string{"b"},
		Error: &report.Error{Reason: "error", Message: errFull().Error()}, ExitCode: 4, Seconds: 2.25,
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := report.JSON(&b, document()); err != nil {
		t.Fatal(err)
	}
	golden(t, "apply.json", b.String())
	var back report.Document
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	if err := d.Decode(&back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(document(), back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Errorf("something stands behind the document: %v", err)
	}
}

func TestEmptyListsAreNotNull(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]any{"results": report.Results(nil), "planned": report.Planned(nil), "conflicts": report.ConflictsOf(nil)} {
		if b, err := json.Marshal(list); err != nil || string(b) != "[]" {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
}

func TestWhatCannotBeEncodedPrintsNothing(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := report.JSON(&b, func() {}); err == nil || b.Len() > 0 || !strings.HasPrefix(err.Error(), "encode the result: ") {
		t.Errorf("printed %q, error %v", b.String(), err)
	}
}

func TestQuietPrintsNothing(t *testing.T) {
	t.Parallel()
	var w change.Watcher = report.Quiet{}
	c := changes()[0]
	w.Started(c)
	w.Finished(change.Result{Change: c})
	w.Waiting(change.Host, nil, 0)
	if w != (report.Quiet{}) {
		t.Errorf("it remembers: %+v", w)
	}
}

// Puppet, for one, ends with an error when its locale is C and a program prints what is not ASCII.
func TestWithoutATerminalAndUTF8OutputIsASCII(t *testing.T) {
	for locale, ascii := range map[string]bool{"": true, "C": true, "POSIX": true, "de_DE.ISO-8859-1": true, "C.UTF-8": false, "de_DE.utf8": false} {
		t.Run(locale, func(t *testing.T) {
			t.Setenv("LC_ALL", "")
			t.Setenv("LC_CTYPE", "")
			t.Setenv("LANG", locale)
			for terminal, plain := range map[bool]bool{true: false, false: ascii} {
				var b bytes.Buffer
				text := report.NewText(&b, terminal)
				text.Planned(change.Change{Part: change.Pool, Action: "create", Object: "volume server", By: "cache1"})
				text.Finished(change.Result{Change: change.Change{Part: change.Pool, Action: "start"}, Status: change.Done})
				text.Finished(change.Result{Change: change.Change{Part: change.Pool, Action: "mount"}, Status: change.Failed})
				text.Waiting(change.Pool, []string{"cache2"}, time.Second)
				if got := !strings.ContainsFunc(b.String(), func(r rune) bool { return r > unicode.MaxASCII }); got != plain {
					t.Errorf("terminal %v: ASCII is %v, not %v:\n%s", terminal, got, plain, b.String())
				}
			}
		})
	}
}
