package ansible_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/setup/ansible"
	"brickyard/setup/change"
	"brickyard/setup/report"
)

// TestMain adds -update, which writes the golden files.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files")
	os.Exit(m.Run())
}

func golden(t *testing.T, name string, r ansible.Result) {
	t.Helper()
	var got bytes.Buffer
	if err := report.JSON(&got, r); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s differs; run go test ./setup/ansible -update if that is right (-want +got):\n%s", path, diff)
	}
}

// changes are one of each kind.
func changes() []change.Change {
	return []change.Change{
		{Part: change.Host, Object: "/etc/fstab", Code: "file-write", Action: "edit", Why: "mounts must come back at boot", Diff: "@@ -1 +1,2 @@\n a\n+b\n", Before: "a\n", After: "a\nb\n"},
		{Part: change.Host, Object: "/etc/brickyard/cluster.yaml", Code: "file-write", Action: "copy the cluster file to", Why: "units read it", After: "nodes: {}\n", Commands: []string{"install -m 0644 c /etc/brickyard/cluster.yaml"}},
		{Part: change.Host, Object: "/cache_server", Code: "brick-mount", Action: "mount", Why: "nothing is mounted there", Commands: []string{"mkdir -p /cache_server", "mount /cache_server"}},
		{Part: change.Host, Object: "the mark", Code: "ready-word", Action: "write", Why: "others ask for it"},
		{Part: change.Pool, Object: "volume server", Code: "volume-create", Action: "create", Why: "it does not exist", By: "cache1.example.com", Commands: []string{"gluster volume create server"}},
	}
}

func document() report.Document {
	return report.Document{Node: "cache2.example.com", File: "/etc/brickyard/cluster.yaml", Warnings: []string{"two copies"}, Seconds: 1.5}
}

func results(cs []change.Change, status change.Status) []report.Change {
	rs := make([]change.Result, len(cs))
	for i, c := range cs {
		rs[i] = change.Result{Change: c, Status: status}
	}
	return report.Results(rs)
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	arguments := func(check, diff bool) ansible.Arguments {
		return ansible.Arguments{Check: check, Diff: diff, Config: "/etc/brickyard/cluster.yaml", Given: map[string]any{"timeout": "5m"}}
	}
	own := changes()[:4]

	checked := document()
	checked.Changes, checked.Waits = report.Planned(changes()), []string{"glusterd on cache1.example.com to answer"}
	golden(t, "checked.json", ansible.Outcome(arguments(true, true), checked, changes(), nil))

	made := document()
	made.Changes = results(own, change.Done)
	golden(t, "made.json", ansible.Outcome(arguments(false, true), made, own, nil))
	if r := ansible.Outcome(arguments(false, false), made, own, nil); r.Diff != nil || !r.Changed || !r.Settled {
		t.Errorf("without diff mode: %+v", r)
	}
	golden(t, "left.json", ansible.Outcome(arguments(false, true), document(), nil, changes()[4:]))

	broken := document()
	broken.Changes = append(results(own[:1], change.Done), results(own[2:3], change.Failed)...)
	broken.Error = &report.Error{Reason: "timeout", Message: "host part: gave up"}
	golden(t, "broken.json", ansible.Outcome(arguments(false, true), broken, own[:1], nil))

	golden(t, "invalid.json", ansible.Failure(arguments(false, true), "invalid", "cluster.nodes: missing"))
}

func TestNothingChangedIsNotChanged(t *testing.T) {
	t.Parallel()
	idle := document()
	if r := ansible.Outcome(ansible.Arguments{}, idle, nil, nil); r.Changed || r.Failed || !r.Settled || r.Msg != "nothing to do" {
		t.Errorf("%+v", r)
	}
	// What other nodes have to do is no change of this one, in check mode as little as later.
	idle.Changes = report.Planned(changes()[4:])
	if r := ansible.Outcome(ansible.Arguments{Check: true}, idle, changes()[4:], nil); r.Changed || r.Settled || len(r.Others) != 1 || r.Msg != "nothing to do, 1 left to other nodes" {
		t.Errorf("%+v", r)
	}
	failed := document()
	failed.Changes, failed.Error = results(changes()[2:3], change.Failed), &report.Error{Reason: "error", Message: "x"}
	if r := ansible.Outcome(ansible.Arguments{}, failed, nil, nil); r.Changed || !r.Failed {
		t.Errorf("only a failure: %+v", r)
	}
}
