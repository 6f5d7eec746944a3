// Package textfile edits /etc/hosts and /etc/fstab as text: it replaces one
// managed block and never touches a byte outside it. Nothing here reads or
// writes a file.
package textfile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The lines around the managed block.
const (
	Begin = "# BEGIN gluster-setup: these lines are written by gluster-setup apply, edits are lost"
	End   = "# END gluster-setup"
)

const (
	beginPrefix = "# BEGIN gluster-setup"
	endPrefix   = "# END gluster-setup"
)

// Problem is something in a file that only a person can mend.
type Problem struct {
	Line    int    // 1-based
	Problem string // what is there, and what it collides with
	Remedy  string
}

// Line is a line of a file outside the managed block.
type Line struct {
	Number int // 1-based
	Text   string
}

// File is a file split around its managed block.
type File struct {
	before, block, after string
	found                bool
	crlf                 bool
}

// Split finds the managed block. A block without its end, an end without its
// begin and a second block are problems: guessing could lose lines.
func Split(text string) (*File, *Problem) {
	// A carriage return at the very end is the rest of a line that was cut.
	f := &File{crlf: strings.Contains(text, "\r\n") || strings.HasSuffix(text, "\r")}
	beginAt, endAt, offset := -1, -1, 0
	beginLine := 0
	for i, line := range strings.SplitAfter(text, "\n") {
		switch {
		case isMarker(line, beginPrefix):
			if beginAt >= 0 {
				return nil, &Problem{Line: i + 1, Problem: fmt.Sprintf("a second block of ours begins here, the first in line %d", beginLine), Remedy: "remove one of the two blocks"}
			}
			beginAt, beginLine = offset, i+1
		case isMarker(line, endPrefix):
			if beginAt < 0 || endAt >= 0 {
				return nil, &Problem{Line: i + 1, Problem: "our block ends here but never begins", Remedy: "remove this line"}
			}
			endAt = offset + len(line)
		}
		offset += len(line)
	}
	switch {
	case beginAt >= 0 && endAt < 0:
		return nil, &Problem{Line: beginLine, Problem: "our block begins here but never ends", Remedy: "add the line \"" + End + "\" behind the last line of the block, or remove the block"}
	case beginAt < 0:
		f.before = text
	default:
		f.before, f.block, f.after, f.found = text[:beginAt], text[beginAt:endAt], text[endAt:], true
	}
	return f, nil
}

// isMarker reports whether a line starts with one of our markers, and not with
// that of a program whose name merely starts like ours.
func isMarker(line, prefix string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix)
	if !ok {
		return false
	}
	next, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || (next != '-' && next != '_' && !unicode.IsLetter(next) && !unicode.IsDigit(next))
}

// CheckBlock says what keeps the lines from being a managed block: an edit
// with them could not be found again by the next one.
func CheckBlock(lines []string) error {
	for i, l := range lines {
		switch {
		case strings.ContainsAny(l, "\n\r\x00"):
			return fmt.Errorf("line %d of the block, %q, holds a line break or a NUL byte", i+1, l)
		case isMarker(l, beginPrefix), isMarker(l, endPrefix):
			return fmt.Errorf("line %d of the block, %q, looks like the line that begins or ends the block", i+1, l)
		}
	}
	return nil
}

// asciiFields splits at the white space that the C library takes for such.
// Any other, such as a no-break space, is part of a name.
func asciiFields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\r\n\v\f", r) })
}

// Outside returns the lines that are not ours.
func (f *File) Outside() []Line {
	var lines []Line
	n := 0
	add := func(text string) {
		if text == "" {
			return
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			n++
			lines = append(lines, Line{Number: n, Text: strings.TrimSuffix(line, "\r")})
		}
	}
	add(f.before)
	n += strings.Count(f.block, "\n")
	add(f.after)
	return lines
}

// With returns the file's text with the given lines as its managed block, in
// the place of the old block or at the end. No lines remove the block.
func (f *File) With(lines []string) string {
	before := f.before
	if len(lines) == 0 {
		return before + f.after
	}
	eol := "\n"
	if f.crlf {
		eol = "\r\n"
	}
	if before != "" && !strings.HasSuffix(before, "\n") {
		before += eol
	}
	var b strings.Builder
	b.WriteString(before + Begin + eol)
	for _, l := range lines {
		b.WriteString(l + eol)
	}
	b.WriteString(End + eol)
	return b.String() + f.after
}

// Block returns the lines of our managed block, without its markers. A file whose block cannot be told has none.
func Block(text string) []string {
	f, problem := Split(text)
	if problem != nil || !f.found {
		return nil
	}
	var lines []string
	for line := range strings.Lines(f.block) {
		if line = strings.TrimRight(line, "\r\n"); !isMarker(line, beginPrefix) && !isMarker(line, endPrefix) {
			lines = append(lines, line)
		}
	}
	return lines
}
