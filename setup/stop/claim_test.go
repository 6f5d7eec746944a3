package stop

import (
	"maps"
	"testing"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

func poolOf(nodes ...string) (p desired.Pool) {
	for _, n := range nodes {
		p.Servers = append(p.Servers, desired.Server{Name: n})
	}
	return p
}

// spokenIn carries out what words returns.
func spokenIn(v gluster.Volume, pairs []string) gluster.Volume {
	options := map[string]string{}
	maps.Copy(options, v.Options)
	for i := 0; i < len(pairs); i += 2 {
		options[pairs[i]] = pairs[i+1]
	}
	v.Options = options
	return v
}

// A claim is its node's, in whatever order a cluster file has the nodes, and whichever node's file that is.
func TestAClaimIsItsNodesWhateverTheFileSays(t *testing.T) {
	const word = "2026-11-26T11:50:00Z,boot,7"
	before, after := poolOf("n1", "n2"), poolOf("n2", "n1")
	claims := func(v gluster.Volume, p desired.Pool) string {
		out := ""
		for _, n := range []string{"n1", "n2", "n3"} {
			if _, ok := claim(v, p, "uuid-of-"+n, n); ok {
				out += n
			}
		}
		return out
	}
	v := spokenIn(gluster.Volume{}, claimOptions(gluster.Volume{}, before, "uuid-of-n1", "n1", word))
	for name, p := range map[string]desired.Pool{"the file": before, "another order": after, "another node in its place": poolOf("n3", "n2"), "the node only": poolOf("n1")} {
		if got := claims(v, p); got != "n1" {
			t.Errorf("%s: %q stop, want n1", name, got)
		}
	}
	v = spokenIn(v, claimOptions(v, after, "uuid-of-n1", "n1", withdrawn))
	for _, p := range []desired.Pool{before, after} {
		if got := claims(v, p); got != "" {
			t.Errorf("taken back by another order of the file: %q stop; %q", got, v.Options)
		}
	}
	// A node of a former version reads and writes under numbers.
	v = spokenIn(v, claimOptions(v, before, "uuid-of-n2", "n2", word))
	if got := v.Options["user.brickyard-stopping-1"]; got != word {
		t.Errorf("a former version reads %q", got)
	}
	v = spokenIn(v, claimOptions(v, before, "uuid-of-n2", "n2", withdrawn))
	v = spokenIn(v, []string{"user.brickyard-stopping-0", "2026-11-26T12:00:00Z,boot,9"})
	if got := claims(v, before); got != "n1" {
		t.Errorf("a former version on n1 says it stops: %q stop", got)
	}
	v = spokenIn(v, claimOptions(v, before, "uuid-of-n1", "n1", withdrawn))
	if got := claims(v, before); got != "" {
		t.Errorf("and is a new one now, which took that back: %q", got)
	}
}
