package cluster

import (
	"errors"
	"net/netip"
	"path/filepath"
	"testing"
)

// FuzzParse checks that any text gives a cluster whose invariants hold, or
// Errors with a place, a message and a hint each; never a panic.
func FuzzParse(f *testing.F) {
	for _, kind := range ExampleKinds() {
		data, err := Example(kind)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	files, err := filepath.Glob("testdata/bad/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, c := range readBadCases(f, file) {
			f.Add([]byte(c.text))
		}
	}
	// Maps of which nothing is left when what they may not hold has been refused.
	for _, text := range []string{"exporter: {<<: *x}", "check: {*x}", "exporter: {? [a] : b}", "volumes: {<<: *x}", "mounts: [{<<: *x}]", "nodes: {<<: *x}"} {
		f.Add([]byte("nodes: {a: {address: 10.0.0.1}}\n" + text + "\n"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f", data)
		if err != nil {
			checkErrors(t, err)
			return
		}
		checkInvariants(t, c)
	})
}

func checkErrors(t *testing.T, err error) {
	t.Helper()
	var problems Errors
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("error %v is no Errors", err)
	}
	last := problems[0]
	for _, p := range problems {
		if p.Line < 1 || p.Column < 1 || p.Message == "" || p.Hint == "" || p.File != "f" {
			t.Errorf("incomplete problem %+v", p)
		}
		if p.Line < last.Line || (p.Line == last.Line && p.Column < last.Column) {
			t.Errorf("problem %+v after %+v", p, last)
		}
		last = p
	}
}

func checkInvariants(t *testing.T, c *Cluster) {
	t.Helper()
	if len(c.Nodes) == 0 || len(c.NodeOrder) != len(c.Nodes) || len(c.VolumeOrder) != len(c.Volumes) {
		t.Fatalf("nodes or orders of %+v", c)
	}
	for name, n := range c.Nodes {
		if _, err := netip.ParseAddr(n.Address); err != nil {
			t.Errorf("node %s: %v", name, err)
		}
	}
	for name, v := range c.Volumes {
		sets := c.ReplicaSets(name)
		if len(sets) == 0 {
			t.Errorf("volume %s has no replica sets", name)
		}
		for _, set := range sets {
			if len(set) != v.Replica || !set[0].declared(c) || set[0].Arbiter || set[len(set)-1].Arbiter != (v.Arbiter == 1) {
				t.Errorf("volume %s: replica set %v", name, set)
			}
		}
		if v.Ephemeral == nil || v.Profile == "" {
			t.Errorf("volume %s has no defaults", name)
		}
		c.EffectiveOptions(name)
	}
	Warnings(c)
}

// declared says whether the brick's node is in the file.
func (b Brick) declared(c *Cluster) bool {
	_, ok := c.Nodes[b.Node]
	return ok
}
