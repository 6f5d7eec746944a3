package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes gluster-setup, and nobody, programs that scripts can call;
// -update writes what the scripts compare with.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the expected output into the scripts")
	testscript.Main(m, map[string]func(){"gluster-setup": main, "nobody": nobody})
}

// nobody runs this program once more as somebody without privileges. A test
// that does not run as root is that already.
func nobody() {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = os.Args[1:]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	err := cmd.Run()
	code := codeOf(err)
	if code == notRun {
		fmt.Fprintln(os.Stderr, "nobody:", err)
	}
	os.Exit(code)
}

// notRun stands for the exit code of a command that could not run.
const notRun = 99

// codeOf is the exit code of a command.
func codeOf(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return notRun
}

func TestScripts(t *testing.T) {
	t.Parallel()
	root, err := os.MkdirTemp("", "gluster-setup-scripts-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(root, 0o755); err != nil { // nobody reads the cluster files too
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		WorkdirRoot:         root,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       flag.Lookup("update").Value.String() == "true",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "document": isDocument,
		},
	})
}

// exits CODE PROGRAM ARGUMENT...: the program ends with exactly that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := codeOf(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}

// document [KEY=VALUE...]: stdout is exactly one JSON document, in which each
// KEY (as in error.reason or changes.0.object) has the VALUE.
func isDocument(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: document [KEY=VALUE...]")
	}
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	d.UseNumber()
	var doc any
	ts.Check(d.Decode(&doc))
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		ts.Fatalf("something stands behind the document: %v", err)
	}
	for _, arg := range args {
		key, want, _ := strings.Cut(arg, "=")
		if got := at(doc, key); got != want {
			ts.Fatalf("%s is %s, not %s", key, got, want)
		}
	}
}

// at returns the value of a key as text; lists and objects as JSON.
func at(doc any, key string) string {
	for k := range strings.SplitSeq(key, ".") {
		switch d := doc.(type) {
		case map[string]any:
			v, ok := d[k]
			if !ok {
				return "missing"
			}
			doc = v
		case []any:
			i, err := strconv.Atoi(k)
			if err != nil || i < 0 || i >= len(d) {
				return "missing"
			}
			doc = d[i]
		default:
			return "missing"
		}
	}
	if s, ok := doc.(string); ok {
		return s
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
