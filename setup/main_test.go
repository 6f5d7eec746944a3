package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/cluster"
	"brickyard/setup/report"
)

// panics is a stdout that no program expects.
type panics struct{}

func (panics) Write([]byte) (int, error) { panic("the pipe has burst") }

// broken is a stdout whose reader has gone.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestAPanicNeverMeansThatChangesArePending(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"--help"}, {"init", "web"}, {"plan", "--output", "json", "-f", "/nonexistent/c.yaml"}} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, panics{}, &stderr); code != exitError {
			t.Errorf("%v: status %d", args, code)
		}
		if text := stderr.String(); !strings.HasPrefix(text, "gluster-setup: bug: the pipe has burst\n") || !strings.Contains(text, "main_test.go") {
			t.Errorf("%v: stderr %q", args, text)
		}
	}
}

func TestOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"schema"}, {"init", "cache"}, {"status", "--output", "json", "-f", "/nonexistent/c.yaml"}} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, broken{}, &stderr); code != exitError || stderr.String() != "gluster-setup: broken pipe\n" {
			t.Errorf("%v: status %d, stderr %q", args, code, stderr.String())
		}
	}
}

// TestEveryCommandWithOutputJSONPrintsADocumentForEarlyErrors asks the command
// line itself which commands these are.
func TestEveryCommandWithOutputJSONPrintsADocumentForEarlyErrors(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"plan", "apply", "render", "status", "verify", "bench", "ok-to-stop"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			args := []string{command, "--output", "json"}
			switch command {
			case "render":
				args = append(args, "--root", "/nonexistent", "-f", "/nonexistent/c.yaml")
			case "bench":
				args = append(args, "/nonexistent")
			default:
				args = append(args, "-f", "/nonexistent/c.yaml")
			}
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), args, &stdout, &stderr); code != exitError || stderr.Len() > 0 {
				t.Errorf("status %d, stderr %q", code, stderr.String())
			}
			var doc report.Document
			d := json.NewDecoder(&stdout)
			d.DisallowUnknownFields()
			if err := d.Decode(&doc); err != nil {
				t.Fatal(err)
			}
			if doc.Command != command || doc.ExitCode != exitError || doc.Error == nil || doc.Error.Message == "" {
				t.Errorf("document %+v", doc)
			}
			if d.More() {
				t.Error("there is a second document")
			}
		})
	}
}

func TestReasonsAndExitCodes(t *testing.T) {
	t.Parallel()
	wait := func(cause error) error { return &change.WaitError{Part: change.Pool, Err: cause} }
	_, invalid := cluster.Parse("c.yaml", []byte("nodes: 1"))
	for _, tc := range []struct {
		name   string
		err    error
		reason string
		code   int
	}{
		{"a conflict", fmt.Errorf("x: %w", change.Conflicts{{}}), "conflict", exitRefused},
		{"a change that some servers made", &change.PartlyError{Who: "s1 has it", Err: gluster.ErrRefused}, "partly", exitPartly},
		{"a refusal of GlusterFS", fmt.Errorf("create volume: %w", gluster.ErrRefused), "refused", exitRefused},
		{"a refusal of ours", change.Refused(errors.New("x")), "refused", exitRefused},
		{"the end of --timeout", wait(change.ErrDeadline), "timeout", exitError},
		{"the end of another deadline", wait(context.DeadlineExceeded), "timeout", exitError},
		{"a daemon that does not answer", fmt.Errorf("x: %w", gluster.ErrTimeout), "timeout", exitError},
		{"Ctrl-C while waiting", wait(context.Canceled), "interrupted", exitError},
		{"Ctrl-C", fmt.Errorf("x: %w", context.Canceled), "interrupted", exitError},
		{"a cluster file that is wrong", invalid, "invalid", exitError},
		{"anything else", fs.ErrPermission, "error", exitError},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := reason(tc.err); got != tc.reason {
				t.Errorf("reason %q, not %q", got, tc.reason)
			}
			if got := exitCodeOf(tc.err); got != tc.code {
				t.Errorf("exit code %d, not %d", got, tc.code)
			}
		})
	}
	if got := exitCodeOf(nil); got != exitOK {
		t.Errorf("success has exit code %d", got)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	ours, theirs := change.Change{}, change.Change{By: "cache1"}
	for want, p := range map[string]change.Plan{
		"1 change to make here.":                                    {Changes: []change.Change{ours}},
		"2 changes to make here, 1 change that another node makes.": {Changes: []change.Change{ours, theirs, ours}},
		"2 changes that another node makes.":                        {Changes: []change.Change{theirs, theirs}},
		"Nothing to change here, but not ready yet.":                {Waits: []string{"volume server to serve"}},
	} {
		if got := summary(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFinish(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		doc  report.Document
		err  error
		want string
		code int
	}{
		{"all is well", report.Document{}, nil, "\nDone.\n", exitOK},
		{"changes pending", report.Document{ExitCode: exitPending, Warnings: []string{"w"}}, nil, "\nwarning: w\n\nDone.\n", exitPending},
		{"an error", report.Document{ExitCode: exitPartly}, errors.New("/x: full"), "\nerror: /x: full\n\nDone.\n", exitPartly},
		{
			"a conflict is told once",
			report.Document{ExitCode: exitRefused, Conflicts: []report.Conflict{{Object: "o", Problem: "p", Remedy: "r"}}},
			change.Conflicts{{Object: "o"}},
			"\nconflict: o\n  p\n  remedy: r\n\nDone.\n", exitRefused,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			streams := IO{Out: &b, Err: &b}
			err := finish(streams, outputFlags{Output: "text"}, report.NewText(&b, false), tc.doc, tc.err, "Done.")
			if b.String() != tc.want {
				t.Errorf("printed %q, not %q", b.String(), tc.want)
			}
			var said exitStatus
			if errors.As(err, &said) != (tc.code != exitOK) || int(said) != tc.code {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestADeadlineSaysWhoseItWas(t *testing.T) {
	t.Parallel()
	ctx, cancel := deadline(t.Context(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, change.ErrDeadline) || cause.Error() != "the time of --timeout is over" {
		t.Errorf("cause %v", cause)
	}
}

func TestWaitEndsWhenItIsInterrupted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	const text = "nodes: {s1: {address: 203.0.113.201}, s2: {address: 203.0.113.202}}\nvolumes: {v: {replica: 2, bricks: {nodes: [s1, s2], directory: /srv/v}}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"wait", "-f", file, "--node", "s1", "v"}, &stdout, &stderr)
	if code != exitError || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "gluster-setup: interrupted while waiting for ") {
		t.Errorf("status %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
}
