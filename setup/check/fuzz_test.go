package check

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
	"testing"
)

// FuzzSorter gives the sorter any names, in runs of any length: all come back, in order, and what is no record of its file
// is an error.
func FuzzSorter(f *testing.F) {
	f.Add([]byte("b\x00a\x00c\x00a"), 2)
	f.Add([]byte("\x00\x00\xff\xfe\x00"), 1)
	f.Add(bytes.Repeat([]byte("name\x00"), 50), 7)
	f.Add(bytes.Repeat([]byte{0xff}, 9), 1) // a length beyond any name's
	f.Add(listed{name: "name", Entry: Entry{Size: 1000}}.encode(nil), 3)
	f.Fuzz(func(t *testing.T, text []byte, length int) {
		if l, err := decode(bufio.NewReader(bytes.NewReader(text))); err == nil && len(l.name) > len(text) {
			t.Errorf("%d bytes hold a name of %d", len(text), len(l.name))
		}
		names := strings.Split(string(text), "\x00")
		s := newSorter(1 + int(uint(length)%16)) //nolint:gosec // any length
		defer s.close()
		for i, name := range names {
			if err := s.add(listed{name: name, Entry: Entry{Size: int64(i)}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.sorted(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for {
			l, from, more := s.peek()
			if !more {
				break
			}
			if err := s.take(from); err != nil {
				t.Fatal(err)
			}
			if names[l.Size] != l.name {
				t.Errorf("%q has what belongs to %q", l.name, names[l.Size])
			}
			got = append(got, l.name)
		}
		slices.Sort(names)
		if !slices.Equal(got, names) {
			t.Errorf("%q came back as %q", names, got)
		}
	})
}
