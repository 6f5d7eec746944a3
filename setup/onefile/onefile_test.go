package onefile

import (
	"os"
	"strings"
	"testing"
	"time"

	"brickyard/setup/cluster"
)

const text = `
nodes:
  n1.example.com: {address: 192.0.2.1}
  n2.example.com: {address: 192.0.2.2}
volumes:
  server:
    replica: 2
    bricks:
      nodes: [n1.example.com, n2.example.com]
      tmpfs: {mount: /cache, size: 1g}
    options: {a.b: 1, c.d: 2}
`

func digest(t *testing.T, text string) string {
	t.Helper()
	c, err := cluster.Parse("cluster.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Digest(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDigestIsOfWhatAFileMeans(t *testing.T) {
	replace := func(old, by string) string {
		out := strings.ReplaceAll(text, old, by)
		if out == text {
			t.Fatalf("no %q in the file", old)
		}
		return out
	}
	nodes := "  n1.example.com: {address: 192.0.2.1}\n"
	for _, c := range []struct {
		name, text string
		same       bool
	}{
		{"a comment", text + "# one\n", true},
		{"another order of options", replace("{a.b: 1, c.d: 2}", "{c.d: 2, a.b: '1'}"), true},
		{"another order of nodes", replace(nodes+"  n2.example.com: {address: 192.0.2.2}\n", "  n2.example.com: {address: 192.0.2.2}\n"+nodes), true},
		{"a size in another unit", replace("1g", "1024m"), true},
		{"a default that is written down", text + "mount_wait_seconds: 600\nmanage: {hosts: true}\n", true},
		{"another default", text + "mount_wait_seconds: 601\n", false},
		{"a section without keys", text + "check: {}\n", false},
		{"an option more", replace("c.d: 2", "c.d: 2, e.f: 3"), false},
		{"another value", replace("c.d: 2", "c.d: 3"), false},
		{"another order of bricks", replace("nodes: [n1.example.com, n2.example.com]", "nodes: [n2.example.com, n1.example.com]"), false},
		{"another address", replace("192.0.2.2", "192.0.2.3"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if is := digest(t, c.text) == digest(t, text); is != c.same {
				t.Errorf("the same digest: %v, want %v", is, c.same)
			}
		})
	}
}

// file makes a digest of a letter.
func file(letter string) string { return strings.Repeat(letter, 32) }

// word makes one of the letters of its file and of those that it replaced.
func word(number uint64, letters string) *Word {
	w := &Word{File: file(letters[:1]), Number: number, Program: "1"}
	for _, l := range letters[1:] {
		w.Replaced = append(w.Replaced, file(string(l)))
	}
	return w
}

func TestWhichOfTwoFilesReplacedTheOther(t *testing.T) {
	for _, c := range []struct {
		name    string
		file    string
		own     *Word
		other   *Word
		want    relation
		allowed bool
		next    uint64 // number of the word after apply
	}{
		{name: "the first node that says anything", file: "a", next: 1},
		{name: "the same file", file: "a", own: word(1, "a"), other: word(1, "a"), want: same, next: 1},
		{name: "a node that joins", file: "a", other: word(4, "a"), want: same, next: 4},
		{name: "an edit", file: "b", own: word(1, "a"), other: word(1, "a"), want: older, next: 2},
		{name: "an edit, and this node had not the other's", file: "c", own: word(1, "a"), other: word(2, "ba"), want: older, next: 3},
		{name: "the other one has a newer", file: "a", own: word(1, "a"), other: word(2, "ba"), want: newer, next: 1},
		{name: "the newer was copied here", file: "b", own: word(1, "a"), other: word(2, "ba"), want: same, next: 2},
		{name: "the file is what the other replaced, on a machine that knows nothing", file: "a", other: word(2, "ba"), want: newer, next: 0},
		{name: "it has said so", file: "a", own: word(0, "a"), other: word(2, "ba"), want: newer, next: 0},
		{name: "an edit back to a former file", file: "a", own: word(2, "ba"), other: word(2, "ba"), want: older, next: 3},
		{name: "the other one has edited it back", file: "b", own: word(2, "ba"), other: word(3, "ab"), want: newer, next: 2},
		{name: "this one has edited it back", file: "a", own: word(3, "ab"), other: word(2, "ba"), want: older, next: 3},
		{name: "two edits, and neither knew of the other", file: "b", own: word(2, "ba"), other: word(2, "ca"), want: different, next: 2},
		{name: "back, as it was told", file: "a", own: word(1, "a"), other: word(2, "ba"), want: newer, allowed: true, next: 3},
		{name: "back, as it was told, with nothing newer", file: "a", own: word(1, "a"), other: word(1, "a"), want: same, allowed: true, next: 1},
		{name: "the other one does not say", file: "b", own: word(1, "a"), want: same, next: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := View{Node: "n1", File: file(c.file), Program: "1", Own: c.own, Others: []Answer{{Server: "n2", Word: c.other}}, Allowed: c.allowed}
			if got := v.relation(c.other); got != c.want {
				t.Errorf("relation %d, want %d", got, c.want)
			}
			if refused := v.Refusal() != nil; refused != (c.want == newer && !c.allowed) {
				t.Errorf("refused: %v", refused)
			}
			if said := v.About("n2") != ""; said != (c.want != same) {
				t.Errorf("said: %q", v.About("n2"))
			}
			next, changed := v.Next(time.Unix(1, 0))
			if next.Number != c.next || next.File != v.File || changed != (c.own == nil || c.own.File != next.File || c.own.Number != next.Number) {
				t.Errorf("the next word is %+v, changed: %v", next, changed)
			}
			if v.Own = &next; next.Program != "" {
				if again, changed := v.Next(time.Unix(2, 0)); changed && !c.allowed {
					t.Errorf("a second apply changes it again: %+v", again)
				}
			}
			for _, w := range []*Word{&next, c.other} {
				if w == nil {
					continue
				}
				text, err := w.Text()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := ParseWord(text); err != nil {
					t.Errorf("it cannot be read: %v\n%s", err, text)
				}
			}
		})
	}
}

func TestAWordRemembersALimitedNumberOfFiles(t *testing.T) {
	w := Word{}
	for i := range 100 {
		v := View{Node: "n1", File: strings.Repeat(string("0123456789abcdef"[i%16]), 16) + strings.Repeat(string("0123456789abcdef"[i/16]), 16), Program: "1", Own: &w}
		w, _ = v.Next(time.Unix(int64(i), 0))
	}
	text, err := w.Text()
	if err != nil {
		t.Fatal(err)
	}
	if read, err := ParseWord(text); err != nil || len(read.Replaced) != maxReplaced || read.Number != 100 {
		t.Errorf("%v, %+v", err, read)
	}
}

func TestWhatIsNoWordSaysNothing(t *testing.T) {
	good, err := os.ReadFile("testdata/cluster-file.json")
	if err != nil {
		t.Fatal(err)
	}
	w, err := ParseWord(good)
	if err != nil || w.Number != 3 || w.Program != "1.2.3" || len(w.Replaced) != 1 {
		t.Fatalf("%v, %+v", err, w)
	}
	if again, err := w.Text(); err != nil || string(again) != string(good) {
		t.Errorf("it is written as\n%s", again)
	}
	for _, c := range [][2]string{
		{`"number": 3`, `"number": 18446744073709551615`},
		{`"number": 3`, `"number": -1`},
		{`"1.2.3"`, `"1\u001b[2J"`},
		{`"1.2.3"`, `""`},
		{"0123456789abcdef0123456789abcdef", "/etc/passwd"},
		{"fedcba", "FEDCBA"},
		{"{", ""},
		{`"1.2.3"`, `"` + strings.Repeat("1", 9000) + `"`},
	} {
		if w, err := ParseWord([]byte(strings.Replace(string(good), c[0], c[1], 1))); err == nil {
			t.Errorf("with %.40s it is read as %+v", c[1], w)
		}
	}
}

func TestWhoDoesNotSayIsNamed(t *testing.T) {
	v := View{Node: "n1", File: file("a"), Program: "2", Own: word(1, "a"), Others: []Answer{
		{Server: "n2", Silent: true}, {Server: "n3"}, {Server: "n4", Word: word(1, "a")}, {Server: "n5", Word: word(2, "b")},
	}}
	got := strings.Join(append(v.Unsure(), v.Differing()...), "\n")
	for _, want := range []string{
		"n2 did not answer", "n3 does not say which cluster file it has", "n4 applied the cluster file with gluster-setup 1, here is 2",
		"n5 has another cluster file (bbbbbbbb, here aaaaaaaa)", "with gluster-setup 1, here 2",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("nobody says %q:\n%s", want, got)
		}
	}
	if n := len(v.Unsure()) + len(v.Differing()); n != 4 {
		t.Errorf("%d lines:\n%s", n, got)
	}
}
