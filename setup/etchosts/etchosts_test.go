package etchosts

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"brickyard/setup/textfile"
)

func TestLostLinesOfHostsArePutBack(t *testing.T) {
	t.Parallel()
	lines := []string{"10.0.0.1 n1.example.com n1", "10.0.0.2 n2.example.com n2"}
	local := func(a netip.Addr) bool { return a.IsLoopback() || a == netip.MustParseAddr("10.0.0.2") }
	const fresh = "127.0.1.1 n2.example.com n2\n127.0.0.1 localhost\n"
	whole, lost, err := withLostLines(fresh, lines, "n2.example.com", local)
	if err != nil || !strings.HasPrefix(whole, fresh) || !strings.Contains(whole, "10.0.0.1 n1.example.com n1\n") || !slices.Equal(lost, []string{"n1.example.com"}) {
		t.Fatalf("%q, %v, %q", whole, err, lost)
	}
	for _, tc := range []struct {
		name, text string
		lost       []string
		problem    string
	}{
		{"all is there", whole, nil, ""},
		{"no file", "", []string{"n1.example.com", "n2.example.com"}, ""},
		{"a template that knows the nodes", fresh + "10.0.0.1 n1.example.com\n", nil, ""},
		{"a template with an old address of a node", fresh + "10.9.9.9 n1.example.com n1\n", nil, "/etc/hosts:3: "},
		{"another node at a loopback address", "127.0.0.1 localhost n1.example.com\n", nil, "/etc/hosts:1: "},
		{"a torn block", fresh + textfile.Begin + "\n", nil, "/etc/hosts:3: "},
	} {
		now, lost, err := withLostLines(tc.text, lines, "n2.example.com", local)
		if tc.problem != "" {
			if err == nil || !strings.HasPrefix(err.Error(), tc.problem) || !strings.Contains(err.Error(), "then run gluster-setup apply") || now != "" {
				t.Errorf("%s: %v, %q", tc.name, err, now)
			}
			continue
		}
		if err != nil || !slices.Equal(lost, tc.lost) || len(lost) == 0 && now != tc.text {
			t.Errorf("%s: %v, lost %q, now:\n%s", tc.name, err, lost, now)
		}
	}
}
