package main

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// What `go test -json` of Go 1.26 says, without times: a test whose subtest fails, one that passes, one that panics in a
// package of its own, and a package that cannot be built.
const events = `{"Action":"start","Package":"brickyard/a"}
{"Action":"run","Package":"brickyard/a","Test":"TestOuter"}
{"Action":"output","Package":"brickyard/a","Test":"TestOuter","Output":"=== RUN   TestOuter\n"}
{"Action":"run","Package":"brickyard/a","Test":"TestOuter/inner"}
{"Action":"output","Package":"brickyard/a","Test":"TestOuter/inner","Output":"    a_test.go:7: it is not so\n"}
{"Action":"fail","Package":"brickyard/a","Test":"TestOuter/inner","Elapsed":1}
{"Action":"fail","Package":"brickyard/a","Test":"TestOuter","Elapsed":7}
{"Action":"run","Package":"brickyard/a","Test":"TestWell"}
{"Action":"attr","Package":"brickyard/a","Test":"TestWell","Key":"processor_seconds","Value":"1.25"}
{"Action":"attr","Package":"brickyard/a","Test":"TestWell/part","Key":"processor_seconds","Value":"2"}
{"Action":"pass","Package":"brickyard/a","Test":"TestWell","Elapsed":9.5}
{"Action":"output","Package":"brickyard/a","Output":"FAIL\n"}
{"Action":"fail","Package":"brickyard/a","Elapsed":17}
{"ImportPath":"brickyard/b [brickyard/b.test]","Action":"build-output","Output":"b/b.go:3:1: syntax error\n"}
{"ImportPath":"brickyard/b [brickyard/b.test]","Action":"build-fail"}
{"Action":"output","Package":"brickyard/b","Output":"FAIL\tbrickyard/b [build failed]\n"}
{"Action":"fail","Package":"brickyard/b","Elapsed":0}
no event
`

func TestWhatGoTestSaysIsReadAsItIsWritten(t *testing.T) {
	r := newResults()
	var log strings.Builder
	if err := r.read(strings.NewReader(events), &log); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"    a_test.go:7: it is not so\n", "b/b.go:3:1: syntax error\n", "no event\n"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log lacks %q:\n%s", line, log.String())
		}
	}
	var failed, again []string
	for _, f := range r.failed() {
		failed = append(failed, strings.TrimSpace(f.Package+" "+f.Name))
		again = append(again, f.again())
	}
	if want := []string{"./a TestOuter/inner", "./b"}; !slices.Equal(failed, want) {
		t.Errorf("failed: %q, want %q", failed, want)
	}
	if want := []string{"go test -count=1 -run '^TestOuter$/^inner$' ./a", "go test -count=1 ./b"}; !slices.Equal(again, want) {
		t.Errorf("to repeat: %q, want %q", again, want)
	}
	if n := r.count(); n != 2 {
		t.Errorf("%d test functions, want 2", n)
	}
	slow := r.slow(5)
	if len(slow) != 2 || slow[0].Name != "TestWell" || slow[0].Processor != 3.25 || slow[1].Wall != 7 {
		t.Errorf("slow tests: %+v", slow)
	}
}

func TestTheSameTestInTwoRunsFailsIfOneFails(t *testing.T) {
	r := newResults()
	for _, action := range []string{"fail", "pass"} {
		r.take(event{Action: "run", Package: "brickyard/a", Test: "TestX"})
		r.take(event{Action: action, Package: "brickyard/a", Test: "TestX"})
	}
	if failed := r.failed(); len(failed) != 1 || failed[0].Name != "TestX" {
		t.Errorf("failed: %v", failed)
	}
}

func TestFuzzTargetsAreThoseOfTheirPackages(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	got, err := targets(fstest.MapFS{
		"b/b_test.go":              file("package b\n\nfunc FuzzOne(f *testing.F) {}\n\nfunc FuzzTwo(f *testing.F) {}\n"),
		"b/b.go":                   file("package b\n\nfunc FuzzNo(f *testing.F) {}\n"),
		"c/testdata/x/x_test.go":   file("package x\n\nfunc FuzzNeither(f *testing.F) {}\n"),
		".cache/copy/copy_test.go": file("package copy\n\nfunc FuzzNor(f *testing.F) {}\n"),
	})
	want := []target{{"b", "FuzzOne"}, {"b", "FuzzTwo"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}
