package textfile

import (
	"fmt"
	"path"
	"slices"
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
			problems = append(problems, Problem{
				Line:    line.Number,
				Problem: fmt.Sprintf("%q already configures %s, the cluster file wants %q", strings.TrimSpace(line.Text), ours.File, ours),
				Remedy:  "remove that line (gluster-setup writes its own), or choose another path in the cluster file",
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
	return e.Spec == o.Spec && e.Type == o.Type && slices.Equal(norm(e.Options), norm(o.Options))
}

// ParseFstab reads an entry; comments, empty and short lines are not ok. The
// mount point is cleaned, so that "/a/" and "/a" are the same.
func ParseFstab(line string) (Fstab, bool) {
	f := asciiFields(line)
	if len(f) < 3 || f[0][0] == '#' {
		return Fstab{}, false
	}
	e := Fstab{Spec: unescape(f[0]), File: unescape(f[1]), Type: f[2]}
	if strings.HasPrefix(e.File, "/") {
		e.File = path.Clean(e.File)
	}
	if len(f) > 3 {
		e.Options = strings.Split(f[3], ",")
	}
	for i, p := range []*int{&e.Dump, &e.Pass} {
		if len(f) > 4+i {
			if _, err := fmt.Sscanf(f[4+i], "%d", p); err != nil {
				*p = 0 // as mount does: what is no number counts as 0
			}
		}
	}
	return e, true
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

func escape(s string) string {
	return strings.NewReplacer(`\`, `\134`, " ", `\040`, "\t", `\011`, "\n", `\012`, "\v", `\013`, "\f", `\014`, "\r", `\015`, "#", `\043`).Replace(s)
}
