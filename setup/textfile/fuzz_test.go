package textfile_test

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"brickyard/setup/textfile"
)

func FuzzEditHosts(f *testing.F) {
	for _, text := range []string{"", "127.0.0.1 localhost\n", "127.0.1.1 web1.example.com web1\r\n", block("10.0.0.9 web1") + "10.0.0.9 web1", "a\r"} {
		f.Add(text, "10.0.0.1 web1.example.com web1\n10.0.0.2 web2", "web1.example.com")
	}
	f.Add("10.0.0.1 a\n", "# END gluster-setup", "")
	f.Fuzz(func(t *testing.T, text, lines, self string) {
		checkEdit(t, text, lines, func(text string, lines []string) (string, []textfile.Problem) {
			return textfile.EditHosts(text, lines, self, netip.Addr.IsLoopback)
		})
	})
}

func FuzzEditFstab(f *testing.F) {
	for _, text := range []string{"", tmpfsLine, clientLine + "\r\n", block(tmpfsLine) + clientLine, "tmpfs /cache\\137server/ tmpfs size=512m\n", "a\r"} {
		f.Add(text, tmpfsLine+"\n"+clientLine)
	}
	f.Add("proc /proc proc\n", "# END gluster-setup")
	f.Fuzz(func(t *testing.T, text, lines string) { checkEdit(t, text, lines, textfile.EditFstab) })
}

// checkEdit states what holds for every text and every block: what is outside
// the block is kept byte for byte, a second edit is the identity, and removing
// the block gives the outside back.
func checkEdit(t *testing.T, text, block string, edit func(string, []string) (string, []textfile.Problem)) {
	t.Helper()
	var lines []string
	if block != "" {
		lines = strings.Split(block, "\n")
	}
	if err := textfile.CheckBlock(lines); err != nil {
		return // no block that anybody may ask for
	}
	before, after, ok := outside(text)
	got, problems := edit(text, lines)
	if !ok {
		if len(problems) == 0 {
			t.Fatalf("a broken block is edited to %q", got)
		}
		return
	}
	if len(problems) > 0 {
		for _, p := range problems {
			if p.Line < 1 || p.Line > strings.Count(text, "\n")+1 || p.Problem == "" || p.Remedy == "" {
				t.Fatalf("problem without a place, a word or a remedy: %+v", p)
			}
		}
		return
	}
	rest, kept := strings.CutPrefix(got, before)
	if !kept {
		t.Fatalf("the text before the block, %q, became %q", before, got)
	}
	if rest, kept = strings.CutSuffix(rest, after); !kept {
		t.Fatalf("the text behind the block, %q, became %q", after, got)
	}
	// What is left is our block and at most the end of the last line before it.
	ours := strings.ReplaceAll(rest, "\r\n", "\n")
	if before != "" && !strings.HasSuffix(before, "\n") {
		ours = strings.TrimPrefix(ours, "\n")
	}
	if ours != "" && (!strings.HasPrefix(ours, textfile.Begin+"\n") || !strings.HasSuffix(ours, "\n"+textfile.End+"\n")) {
		t.Fatalf("between the kept parts stands %q", rest)
	}
	again, problems := edit(got, lines)
	if again != got || len(problems) > 0 {
		t.Fatalf("a second edit makes %q of %q, problems %+v", again, got, problems)
	}
	removed, problems := edit(got, nil)
	isOutside := removed == before+after || removed == before+"\n"+after || removed == before+"\r\n"+after
	if len(problems) > 0 || !isOutside {
		t.Fatalf("removing the block makes %q of %q, problems %+v", removed, got, problems)
	}
}

// outside splits a text around the managed block in the plainest way there is,
// independently of the code under test. It is not ok when the block is broken.
func outside(text string) (before, after string, ok bool) {
	state := 0 // 0 before, 1 in, 2 behind the block
	for line := range strings.Lines(text) {
		begins, ends := marks(line, "# BEGIN gluster-setup"), marks(line, "# END gluster-setup")
		switch {
		case begins && state == 0:
			state = 1
		case begins, ends && state != 1:
			return "", "", false
		case ends:
			state = 2
		case state == 0:
			before += line
		case state == 2:
			after += line
		}
	}
	return before, after, state != 1
}

func marks(line, marker string) bool {
	return regexp.MustCompile(`^` + marker + `($|[^-_\pL\pN])`).MatchString(strings.TrimSpace(line))
}
