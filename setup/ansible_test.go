package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brickyard/setup/ansible"
)

// asModule runs the program as Ansible does and returns the one object it printed.
func asModule(t *testing.T, ctx context.Context, user string) (r ansible.Result, code int) { //nolint:revive // t comes first in tests
	t.Helper()
	file := filepath.Join(t.TempDir(), "args")
	if err := os.WriteFile(file, []byte(`{`+user+`, "_ansible_check_mode": true, "_ansible_diff": false}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code = run(ctx, []string{file}, &stdout, &stderr)
	d := json.NewDecoder(&stdout)
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatalf("%v; stderr %s", err, stderr.String())
	}
	if _, err := d.Token(); err != io.EOF { //nolint:errorlint // io.EOF is never wrapped here
		t.Errorf("something stands behind the object: %v", err)
	}
	if r.Failed == (code == 0) {
		t.Errorf("failed is %v with exit status %d", r.Failed, code)
	}
	return r, code
}

const moduleCluster = `"cluster": {"nodes": {"s1": {"address": "203.0.113.201"}, "s2": {"address": "203.0.113.202"}},
  "volumes": {"v": {"replica": 2, "bricks": {"nodes": ["s1", "s2"], "directory": "/srv/v"}}}}`

func TestModuleSaysWhatIsWrongInOneObject(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, user, reason, msg string }{
		{"arguments", `"timout": 5`, "usage", "gluster_setup: unknown parameter timout: did you mean timeout?"},
		{"a cluster file that is not there", `"config": "/nonexistent/c.yaml"`, "error", "read the cluster file: open /nonexistent/c.yaml: no such file or directory"},
		{"a mistake in an inline mapping", strings.Replace(moduleCluster, "10.", "", 1) + `, "node": "s3"`, "error", "--node s3: no such node in /etc/brickyard/cluster.yaml"},
		{"a field", strings.Replace(moduleCluster, `"replica": 2`, `"replica": 4`, 1), "invalid", "cluster.volumes.v.replica: "},
		{"no node of this machine", moduleCluster, "error", "say which one this is with --node: s1, s2"},
		{"templates that are not there", moduleCluster + `, "node": "s1", "templates": "/nonexistent"`, "error", "/nonexistent"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, _ := asModule(t, t.Context(), tc.user)
			if !r.Failed || r.Changed || r.Reason != tc.reason || !strings.Contains(r.Msg, tc.msg) {
				t.Errorf("failed %v, reason %q, msg %q", r.Failed, r.Reason, r.Msg)
			}
		})
	}
}

func TestModulePanicIsAnObject(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	r := moduleResult(nil, []byte(`{`+moduleCluster+`, "node": "s1", "_ansible_check_mode": true}`), IO{Err: &stderr}) //nolint:staticcheck // the nil context is the bug
	if os.Geteuid() == 0 && (!r.Failed || !strings.HasPrefix(r.Msg, "bug in gluster-setup: ") || !strings.Contains(stderr.String(), "ansible.go")) {
		t.Errorf("failed %v, msg %q, stderr %q", r.Failed, r.Msg, stderr.String())
	}
	if os.Geteuid() != 0 && !strings.Contains(r.Msg, "become: true") {
		t.Errorf("msg %q", r.Msg)
	}
}

// Ansible ends a task with SIGTERM, which ends the context.
func TestModuleThatIsInterruptedPrintsItsObject(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Fatal("needs root: as anybody else the module says so before it begins")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, _ := asModule(t, ctx, moduleCluster+`, "node": "s1", "parts": ["pool"], "timeout": 1`)
	if r.Changed {
		t.Errorf("%+v", r)
	}
}

func TestOnlyAnsiblesFileMakesAModule(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("nodes: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{file}, {"/nonexistent"}, {"plan"}, {}, {file, file}, {"/"}} {
		if _, ok := moduleArguments(args); ok {
			t.Errorf("%q is taken for a module's arguments", args)
		}
	}
}
