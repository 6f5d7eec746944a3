package textfile_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/setup/textfile"
)

// block is the managed block with the given lines, as it stands in a file.
func block(lines ...string) string {
	return textfile.Begin + "\n" + strings.Join(lines, "\n") + "\n" + textfile.End + "\n"
}

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

func TestEditHosts(t *testing.T) {
	t.Parallel()
	const one, two = "10.0.0.1 web1.example.com web1", "10.0.0.2 web2.example.com"
	for _, tc := range []struct {
		name  string
		text  string
		lines []string
		want  string
	}{
		{"a block is added to an empty file", "", []string{one}, block(one)},
		{"a block is added at the end", "127.0.0.1 localhost\n", []string{one, two}, "127.0.0.1 localhost\n" + block(one, two)},
		{"a last line without its end gets one", "127.0.0.1 localhost", []string{one}, "127.0.0.1 localhost\n" + block(one)},
		{"a block is replaced where it stands", "# mine\n" + block(one) + "10.9.9.9 other\n", []string{two}, "# mine\n" + block(two) + "10.9.9.9 other\n"},
		{"a block at the end without its line end is replaced", "# mine\n" + strings.TrimSuffix(block(one), "\n"), []string{two}, "# mine\n" + block(two)},
		{"a block of an older version with another first line is replaced", "# BEGIN gluster-setup\n" + one + "\n# END gluster-setup\n", []string{two}, block(two)},
		{"an indented block is replaced", "  " + strings.ReplaceAll(block(one), "\n#", "\n\t#"), []string{two}, block(two)},
		{"no lines remove the block and nothing else", "# mine\n\n" + block(one) + "\n10.9.9.9 other", nil, "# mine\n\n\n10.9.9.9 other"},
		{"no lines leave a file without a block alone", "# mine", nil, "# mine"},
		{"a file with CRLF gets a block with CRLF", "127.0.0.1 localhost\r\n", []string{one}, "127.0.0.1 localhost\r\n" + crlf(block(one))},
		{"a block with CRLF is replaced by one with CRLF", crlf("# mine\n" + block(one)), []string{one, two}, crlf("# mine\n" + block(one, two))},
		{"a file that ends in the middle of CRLF gets the whole of it", "# mine\r", []string{one}, "# mine\r" + crlf("\n"+block(one))},
		{"comments and lines without names or addresses are no entries", "#10.7.7.7 web1.example.com\n10.7.7.7\nweb1.example.com web1\n\n", []string{one}, "#10.7.7.7 web1.example.com\n10.7.7.7\nweb1.example.com web1\n\n" + block(one)},
		{"a name behind a comment sign is not given", "10.7.7.7 other # web1.example.com\n", []string{one}, "10.7.7.7 other # web1.example.com\n" + block(one)},
		{"a foreign line that says the same stays", one + "\n", []string{one}, one + "\n" + block(one)},
		{"the own name at a loopback address stays", "127.0.1.1 web1.example.com web1\n", []string{one}, "127.0.1.1 web1.example.com web1\n" + block(one)},
		{"the own name at a loopback address of the other family stays", "::1 web1.example.com web1\n", []string{one}, "::1 web1.example.com web1\n" + block(one)},
		{"the own name at a loopback address stays however it is written", "127.0.1.1\tWeb1.Example.com WEB1\n", []string{one}, "127.0.1.1\tWeb1.Example.com WEB1\n" + block(one)},
		{"a name may have an IPv6 address beside its IPv4 address", "2001:db8::1 web1.example.com\n2001:db8::2 web2.example.com\n", []string{one, two}, "2001:db8::1 web1.example.com\n2001:db8::2 web2.example.com\n" + block(one, two)},
		{"a name may have an IPv4 address beside its IPv6 address", "10.0.0.1 web1\n", []string{"2001:db8::1 web1"}, "10.0.0.1 web1\n" + block("2001:db8::1 web1")},
		{"a block that gives a name both families allows both", "10.0.0.1 web1\n2001:db8::1 web1\n", []string{"10.0.0.1 web1", "2001:db8::1 web1"}, "10.0.0.1 web1\n2001:db8::1 web1\n" + block("10.0.0.1 web1", "2001:db8::1 web1")},
		{"an address written in another way is the same", "2001:0DB8:0::0001 web1\n::ffff:10.0.0.2 web2\n", []string{"2001:db8::1 web1", "10.0.0.2 web2"}, "2001:0DB8:0::0001 web1\n::ffff:10.0.0.2 web2\n" + block("2001:db8::1 web1", "10.0.0.2 web2")},
		{"a no-break space does not end a name", "10.7.7.7 other\u00a0web1\n", []string{one}, "10.7.7.7 other\u00a0web1\n" + block(one)},
		{"the block of a program with a longer name is not ours", "# BEGIN gluster-setup-dns\n10.7.7.7 dns\n# END gluster-setup-dns\n", []string{one}, "# BEGIN gluster-setup-dns\n10.7.7.7 dns\n# END gluster-setup-dns\n" + block(one)},
		{"a comment of the template goes into the block", "", []string{"# the cluster", one}, block("# the cluster", one)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, problems := textfile.EditHosts(tc.text, tc.lines, "web1.example.com", netip.Addr.IsLoopback)
			if len(problems) > 0 {
				t.Fatalf("problems: %+v", problems)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			again, problems := textfile.EditHosts(got, tc.lines, "web1.example.com", netip.Addr.IsLoopback)
			if again != got || len(problems) > 0 {
				t.Errorf("editing the result again changes it:\n%s%+v", cmp.Diff(got, again), problems)
			}
		})
	}
}

func TestEditHostsRefuses(t *testing.T) {
	t.Parallel()
	lines := []string{"10.0.0.1 web1.example.com web1", "10.0.0.2 web2.example.com web2"}
	for _, tc := range []struct {
		name, text string
		want       []textfile.Problem
	}{
		{"a name with another address", "127.0.0.1 localhost\n10.0.0.9 web2.example.com\n", []textfile.Problem{{
			Line: 2, Problem: `"10.0.0.9 web2.example.com" gives web2.example.com the address 10.0.0.9, the cluster file says 10.0.0.2`,
			Remedy: "remove the name from this line, or correct nodes.web2.example.com.address in the cluster file",
		}}},
		{"an alias with another address, and names the node", "10.0.0.9 web2 # old\n", []textfile.Problem{{
			Line: 1, Problem: `"10.0.0.9 web2 # old" gives web2 the address 10.0.0.9, the cluster file says 10.0.0.2`,
			Remedy: "remove the name from this line, or correct nodes.web2.example.com.address in the cluster file",
		}}},
		{"a name in other letters", "10.0.0.9 WEB2.example.com\n", []textfile.Problem{{
			Line: 1, Problem: `"10.0.0.9 WEB2.example.com" gives WEB2.example.com the address 10.0.0.9, the cluster file says 10.0.0.2`,
			Remedy: "remove the name from this line, or correct nodes.web2.example.com.address in the cluster file",
		}}},
		{"another node's name at a loopback address", "127.0.1.1 web2.example.com\n", []textfile.Problem{{
			Line: 1, Problem: `"127.0.1.1 web2.example.com" gives web2.example.com the address 127.0.1.1, the cluster file says 10.0.0.2: GlusterFS would take it for this machine`,
			Remedy: "remove the name from this line, or correct nodes.web2.example.com.address in the cluster file",
		}}},
		{"another node's name at the loopback address of the other family", "127.0.0.1 localhost\n::1 localhost web2\n", []textfile.Problem{{
			Line: 2, Problem: `"::1 localhost web2" gives web2 the address ::1, the cluster file says 10.0.0.2: GlusterFS would take it for this machine`,
			Remedy: "remove the name from this line, or correct nodes.web2.example.com.address in the cluster file",
		}}},
		{"the own name at another address that is not loopback", "10.0.0.9 web1.example.com\n", []textfile.Problem{{
			Line: 1, Problem: `"10.0.0.9 web1.example.com" gives web1.example.com the address 10.0.0.9, the cluster file says 10.0.0.1`,
			Remedy: "remove the name from this line, or correct nodes.web1.example.com.address in the cluster file",
		}}},
		{"a line behind the block, by its number in the file", "# mine\n" + block(lines...) + "10.0.0.9 web2\n", []textfile.Problem{{
			Line: 6, Problem: `"10.0.0.9 web2" gives web2 the address 10.0.0.9, the cluster file says 10.0.0.2`,
			Remedy: "remove the name from this line, or correct nodes.web2.example.com.address in the cluster file",
		}}},
		{"every name of a line that is wrong", "10.0.0.9 web1 web2\n", []textfile.Problem{{
			Line: 1, Problem: `"10.0.0.9 web1 web2" gives web1 the address 10.0.0.9, the cluster file says 10.0.0.1`,
			Remedy: "remove the name from this line, or correct nodes.web1.example.com.address in the cluster file",
		}, {
			Line: 1, Problem: `"10.0.0.9 web1 web2" gives web2 the address 10.0.0.9, the cluster file says 10.0.0.2`,
			Remedy: "remove the name from this line, or correct nodes.web2.example.com.address in the cluster file",
		}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, problems := textfile.EditHosts(tc.text, lines, "web1.example.com", netip.Addr.IsLoopback)
			if diff := cmp.Diff(tc.want, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBrokenBlocksAreProblemsOfBothFiles(t *testing.T) {
	t.Parallel()
	const line = "10.0.0.1 web1.example.com"
	for _, tc := range []struct {
		name, text string
		want       textfile.Problem
	}{
		{"a begin without an end", "# mine\n" + textfile.Begin + "\n" + line + "\n", textfile.Problem{
			Line: 2, Problem: "our block begins here but never ends", Remedy: `add the line "# END gluster-setup" behind the last line of the block, or remove the block`,
		}},
		{"an end without a begin", "# mine\n" + textfile.End + "\n", textfile.Problem{
			Line: 2, Problem: "our block ends here but never begins", Remedy: "remove this line",
		}},
		{"an end before the begin", textfile.End + "\n" + textfile.Begin + "\n", textfile.Problem{
			Line: 1, Problem: "our block ends here but never begins", Remedy: "remove this line",
		}},
		{"a second end", block(line) + textfile.End + "\n", textfile.Problem{
			Line: 4, Problem: "our block ends here but never begins", Remedy: "remove this line",
		}},
		{"a second block", block(line) + block(line), textfile.Problem{
			Line: 4, Problem: "a second block of ours begins here, the first in line 1", Remedy: "remove one of the two blocks",
		}},
		{"a begin inside the block", textfile.Begin + "\n" + block(line), textfile.Problem{
			Line: 2, Problem: "a second block of ours begins here, the first in line 1", Remedy: "remove one of the two blocks",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := []textfile.Problem{tc.want}
			text, problems := textfile.EditHosts(tc.text, []string{line}, "web1.example.com", netip.Addr.IsLoopback)
			if diff := cmp.Diff(want, problems); diff != "" || text != "" {
				t.Errorf("hosts: text %q, problems (-want +got):\n%s", text, diff)
			}
			text, problems = textfile.EditFstab(tc.text, []string{"tmpfs /cache tmpfs defaults 0 0"})
			if diff := cmp.Diff(want, problems); diff != "" || text != "" {
				t.Errorf("fstab: text %q, problems (-want +got):\n%s", text, diff)
			}
		})
	}
}

func TestCheckBlock(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, line, want string }{
		{"entries and comments pass", "10.0.0.1 web1 # first", ""},
		{"a comment about another program passes", "# END gluster-setups", ""},
		{"the end marker does not", "  # END gluster-setup of the template", `line 2 of the block, "  # END gluster-setup of the template", looks like the line that begins or ends the block`},
		{"the begin marker does not", textfile.Begin, `line 2 of the block, "` + textfile.Begin + `", looks like the line that begins or ends the block`},
		{"a line break does not", "a\nb", `line 2 of the block, "a\nb", holds a line break or a NUL byte`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := textfile.CheckBlock([]string{"# first", tc.line}); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestEditHostsRefusesAnotherNodeAtAnAddressOfThisMachine(t *testing.T) {
	t.Parallel()
	lines := []string{"2001:db8::1 web1", "2001:db8::2 web2"}
	own := func(a netip.Addr) bool { return a.IsLoopback() || a == netip.MustParseAddr("10.0.0.1") }
	for text, bad := range map[string]bool{
		"127.0.1.1 web2\n": true, "127.0.0.1 localhost web2 # old\n": true, "10.0.0.1 web2\n": true,
		"10.0.0.2 web2\n": false, "127.0.1.1 web1\n": false, "10.0.0.1 web1\n": false,
	} {
		if _, problems := textfile.EditHosts(text, lines, "web1", own); len(problems) > 0 != bad {
			t.Errorf("%q: %+v", text, problems)
		}
	}
}

func TestLostHosts(t *testing.T) {
	t.Parallel()
	lines := []string{"# the cluster", "10.0.0.1 web1.example.com web1", "10.0.0.2 web2.example.com"}
	for _, tc := range []struct {
		name, text string
		want       []string
		block      bool
	}{
		{"nothing is lost", block(lines...), nil, true},
		{"all lines", "127.0.0.1 localhost\n", []string{"web1.example.com", "web2.example.com"}, false},
		{"all, and the own name at loopback as cloud-init leaves it", "127.0.1.1 web1.example.com web1\n127.0.0.1 localhost\n", []string{"web2.example.com"}, false},
		{"all, and somebody else's lines say the same", "10.0.0.1 web1.example.com\n10.0.0.2 web2.example.com web2\n", nil, false},
		{"another node at another address", "10.0.0.1 web1.example.com\n10.0.0.9 web2.example.com\n", []string{"web2.example.com"}, false},
		{"one of ours", block(lines[1]), []string{"web2.example.com"}, true},
		{"an empty file", "", []string{"web1.example.com", "web2.example.com"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			names, there := textfile.LostHosts(tc.text, lines, "web1.example.com")
			if diff := cmp.Diff(tc.want, names); diff != "" || there != tc.block {
				t.Errorf("block %t, names (-want +got):\n%s", there, diff)
			}
		})
	}
}
