package textfile

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Fstab is one entry of /etc/fstab.
type Fstab struct {
	Spec    string // device, remote volume or pseudo file system
	File    string // mount point
	Type    string
	Options []string
	Dump    int
	Pass    int
	// Ambiguous says that mount(8) and systemd read the line differently: one of
	// them leaves it out, or finds another place or device in it (tried with
	// util-linux 2.38.1 and systemd 252).
	Ambiguous bool
}

// String is the line as written to the file.
func (e Fstab) String() string {
	return fmt.Sprintf("%s %s %s %s %d %d", escape(e.Spec), escape(e.File), e.Type, strings.Join(e.Options, ","), e.Dump, e.Pass)
}

// EditFstab returns the text of /etc/fstab with the given lines as its managed
// block. A line of somebody else for one of our mount points is a problem when
// it says something else; when it says the same, it stays and ours is left out,
// because systemd refuses two entries for one mount point.
func EditFstab(text string, lines []string) (string, []Problem) {
	f, problem := Split(text)
	if problem != nil {
		return "", []Problem{*problem}
	}
	outside := f.Outside()
	var problems []Problem
	var kept []string
	for _, l := range lines {
		ours, ok := ParseFstab(l)
		if !ok {
			kept = append(kept, l) // a comment of the template
			continue
		}
		skip := false
		for _, line := range outside {
			theirs, ok := ParseFstab(line.Text)
			if !ok || theirs.File != ours.File {
				continue
			}
			if ours.same(theirs) {
				skip = true
				continue
			}
			words := fmt.Sprintf("%q already configures %s, the cluster file wants %q", strings.TrimSpace(line.Text), ours.File, ours)
			if theirs.Ambiguous {
				words += " (mount and systemd read that line differently: it has too few fields, a word in place of a number, or an escape that only one of them knows)"
			}
			problems = append(problems, Problem{
				Line: line.Number, Problem: words,
				Remedy: "remove that line (gluster-setup writes its own), or choose another path in the cluster file",
			})
		}
		if !skip {
			kept = append(kept, l)
		}
	}
	return f.With(kept), problems
}

func (e Fstab) same(o Fstab) bool {
	norm := func(opts []string) []string {
		opts = slices.DeleteFunc(slices.Clone(opts), func(s string) bool { return s == "defaults" || s == "" })
		slices.Sort(opts)
		return opts
	}
	return !o.Ambiguous && e.Spec == o.Spec && e.Type == o.Type && slices.Equal(norm(e.Options), norm(o.Options))
}

// ParseFstab reads an entry; comments, empty lines and lone words are not ok. The
// mount point is cleaned, so that "/a/" and "/a" are the same.
func ParseFstab(line string) (Fstab, bool) {
	// Both separate fields by blanks and tabs alone, and take a file with CRLF.
	f := strings.FieldsFunc(strings.TrimRight(line, "\r\n"), func(r rune) bool { return r == ' ' || r == '\t' })
	if len(f) < 2 || f[0][0] == '#' {
		return Fstab{}, false
	}
	e := Fstab{Spec: unescape(f[0]), File: unescape(f[1])}
	if strings.HasPrefix(e.File, "/") {
		e.File = path.Clean(e.File)
	}
	e.Ambiguous = len(f) < 3 || slices.ContainsFunc(f[:min(len(f), 4)], onlyMountUnescapes)
	if len(f) > 2 {
		e.Type = unescape(f[2])
	}
	if len(f) > 3 {
		e.Options = strings.Split(unescape(f[3]), ",")
	}
	for i, p := range []*int{&e.Dump, &e.Pass} {
		if len(f) > 4+i {
			n, err := strconv.Atoi(f[4+i])
			*p, e.Ambiguous = n, e.Ambiguous || err != nil // mount ignores such a line, for systemd it counts as 0
		}
	}
	return e, true
}

// onlyMountUnescapes reports whether a field has an escape that mount(8) decodes
// and systemd leaves as it is (getmntent(3)), or the other way round.
func onlyMountUnescapes(field string) bool {
	both := strings.NewReplacer(`\040`, "", `\011`, "", `\012`, "", `\134`, "").Replace(field)
	return unescape(both) != both || strings.Contains(both, `\\`)
}

// HasMount reports whether a line outside our block of /etc/fstab is for a mount point.
func HasMount(text, path string) bool {
	f, problem := Split(text)
	if problem != nil {
		return false
	}
	return slices.ContainsFunc(f.Outside(), func(l Line) bool {
		e, ok := ParseFstab(l.Text)
		return ok && e.File == path
	})
}

// unescape decodes the octal escapes of fstab(5) and mountinfo: \040 and so on.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if v, ok := octal(s[i+1 : i+4]); ok {
				b.WriteByte(v)
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(s string) (byte, bool) {
	v := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '7' {
			return 0, false
		}
		v = v*8 + int(c-'0')
	}
	return byte(v), v < 256
}

// escape writes what both mount(8) and systemd decode; a # begins a comment at
// the beginning of a line alone.
func escape(s string) string {
	s = strings.NewReplacer(`\`, `\134`, " ", `\040`, "\t", `\011`, "\n", `\012`).Replace(s)
	if strings.HasPrefix(s, "#") {
		return `\043` + s[1:]
	}
	return s
}

// LeftFstab are the lines of our block in /etc/fstab whose mount points the lines do not have any more.
func LeftFstab(text string, lines []string) []Fstab {
	wanted := map[string]bool{}
	for _, l := range lines {
		if e, ok := ParseFstab(l); ok {
			wanted[e.File] = true
		}
	}
	var left []Fstab
	for _, l := range Block(text) {
		if e, ok := ParseFstab(l); ok && !wanted[e.File] {
			left = append(left, e)
		}
	}
	return left
}
