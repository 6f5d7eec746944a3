package cluster

import (
	"net/netip"
	"testing"
)

// What a * at the end of a pattern lets in is what the network has, and nothing else: compared with every way in which
// the text of an address may be shortened.
func TestAccessPatternsLetInTheNetworkAndNobodyElse(t *testing.T) {
	for text, k := range map[string]struct {
		pattern string
		in, out []string
	}{
		"10.9.0.21":           {"10.9.0.21", []string{"10.9.0.21"}, []string{"10.9.0.2", "10.9.0.210", "110.9.0.21"}},
		"10.9.0.21/32":        {"10.9.0.21", []string{"10.9.0.21"}, []string{"10.9.0.20"}},
		"10.9.0.0/24":         {"10.9.0.*", []string{"10.9.0.0", "10.9.0.255"}, []string{"10.9.1.0", "10.90.0.1", "110.9.0.1"}},
		"10.9.0.0/16":         {"10.9.*", []string{"10.9.0.1", "10.9.255.1"}, []string{"10.90.0.1", "10.8.255.255"}},
		"10.0.0.0/8":          {"10.*", []string{"10.255.255.255"}, []string{"101.0.0.1", "11.0.0.0"}},
		"10.9.*":              {"10.9.*", []string{"10.9.1.2"}, []string{"10.90.1.2"}},
		"2001:db8::21":        {"2001:db8::21", []string{"2001:db8::21"}, []string{"2001:db8::2"}},
		"2001:DB8:0:0::21":    {"2001:db8::21", []string{"2001:db8::21"}, nil},
		"2001:db8:1:2::/64":   {"2001:db8:1:2:*", []string{"2001:db8:1:2::", "2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6"}, []string{"2001:db8:1:20::1", "2001:db8:1::2", "2001:db8:1:3::"}},
		"2001:db8:1::/48":     {"2001:db8:1:*", []string{"2001:db8:1::", "2001:db8:1:0:5::", "2001:db8:1:ffff::"}, []string{"2001:db8:10::", "2001:db8::1", "2001:db8:0:1::"}},
		"fd77::/16":           {"fd77:*", []string{"fd77::1", "fd77:1::"}, []string{"fd78::77"}},
		"2001:db8:1:2::1/128": {"2001:db8:1:2::1", []string{"2001:db8:1:2::1"}, nil},
	} {
		pattern, _, message, _ := accessPattern(text)
		if pattern != k.pattern || message != "" {
			t.Errorf("%s: pattern %q, %s; want %q", text, pattern, message, k.pattern)
		}
		for _, in := range k.in {
			if !Admits(pattern, netip.MustParseAddr(in)) {
				t.Errorf("%s leaves out %s", text, in)
			}
		}
		for _, out := range k.out {
			if Admits(pattern, netip.MustParseAddr(out)) {
				t.Errorf("%s lets in %s", text, out)
			}
		}
	}
}

func TestModesAreThoseOfChmod(t *testing.T) {
	for text, want := range map[string]string{"0770": "-rwxrwx---", "770": "-rwxrwx---", "2775": "grwxrwxr-x", "1777": "trwxrwxrwx"} {
		if mode, named := (Volume{Mode: text}).RootMode(); !named || mode.String() != want {
			t.Errorf("%s: %s, %t; want %s", text, mode, named, want)
		}
	}
	if mode, named := (Volume{}).RootMode(); named || mode != 0o755 {
		t.Errorf("without a mode: %s, %t", mode, named)
	}
}
