package check

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// listed is a name with what a listing told about it.
type listed struct {
	name string
	Entry
}

// runLength is how many names are sorted in memory; more go to a file, so that
// a directory of any size takes some megabytes.
const runLength = 8192

// sorter sorts the names of one directory of one brick, however many.
type sorter struct {
	length int
	buf    []listed
	file   *os.File
	out    *bufio.Writer
	end    int64
	runs   []*run
	last   int // in buf
}

// run is a sorted part of the file.
type run struct {
	in   *bufio.Reader
	head listed
	more bool
	from int64
	size int64
}

func newSorter(length int) *sorter { return &sorter{length: length} }

// add takes a name in.
func (s *sorter) add(l listed) error {
	s.buf = append(s.buf, l)
	if len(s.buf) < s.length {
		return nil
	}
	return s.spill()
}

func byName(a, b listed) int { return strings.Compare(a.name, b.name) }

func (s *sorter) spill() error {
	if s.file == nil {
		f, err := temporary()
		if err != nil {
			return err
		}
		s.file, s.out = f, bufio.NewWriter(f)
	}
	slices.SortFunc(s.buf, byName)
	r := &run{from: s.end}
	var record []byte
	for _, l := range s.buf {
		record = l.encode(record[:0])
		if _, err := s.out.Write(record); err != nil {
			return fmt.Errorf("sort the names of a large directory in %s: %w", filepath.Dir(s.file.Name()), err)
		}
		r.size += int64(len(record))
	}
	s.end += r.size
	s.runs = append(s.runs, r)
	s.buf = s.buf[:0]
	return nil
}

// sortingRoom is how much room a directory for temporary files should have, in bytes:
// some millions of names.
const sortingRoom = 256 << 20

// spillDir is the first of some directories that takes files and has enough
// room, or else the first.
func spillDir(dirs ...string) string {
	for _, dir := range dirs {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) == nil && st.Flags&unix.ST_RDONLY == 0 && st.Bfree*uint64(st.Bsize) >= sortingRoom { //nolint:gosec // sizes of blocks are not negative
			return dir
		}
	}
	return dirs[0]
}

// temporary returns a file without a name, on disk where /tmp may be memory:
// only where /var is full or read-only is it in memory.
func temporary() (*os.File, error) {
	f, err := os.CreateTemp(spillDir("/var/tmp", "/run"), "gluster-setup-check-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// sorted ends the adding; next returns the names in order then.
func (s *sorter) sorted() error {
	slices.SortFunc(s.buf, byName)
	s.last = 0
	if s.file == nil {
		return nil
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("sort the names of a large directory in %s: %w", filepath.Dir(s.file.Name()), err)
	}
	for _, r := range s.runs {
		r.in = bufio.NewReader(io.NewSectionReader(s.file, r.from, r.size))
		if err := r.advance(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) advance() error {
	l, err := decode(r.in)
	if errors.Is(err, io.EOF) {
		r.more, r.head = false, listed{}
		return nil
	}
	r.more, r.head = err == nil, l
	return err
}

// peek returns the next name without taking it.
func (s *sorter) peek() (l listed, from *run, more bool) {
	if s.last < len(s.buf) {
		l, more = s.buf[s.last], true
	}
	for _, r := range s.runs {
		if r.more && (!more || r.head.name < l.name) {
			l, from, more = r.head, r, true
		}
	}
	return l, from, more
}

// take removes what peek returned.
func (s *sorter) take(from *run) error {
	if from != nil {
		return from.advance()
	}
	s.last++
	return nil
}

// close gives the file back.
func (s *sorter) close() {
	if s.file != nil {
		_ = s.file.Close() //nolint:errcheck // nobody needs what was in it
	}
}

func (l listed) encode(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(l.name)))
	b = append(b, l.name...)
	b = append(b, byte(l.State))
	for _, v := range []uint64{uint64(l.Errno), uint64(l.Mode), uint64(l.UID), uint64(l.GID), uint64(l.Size), l.Rdev, l.ID, uint64(l.Changed), uint64(l.Touched)} { //nolint:gosec // back in decode
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func decode(r *bufio.Reader) (l listed, err error) {
	length, err := binary.ReadUvarint(r)
	if err != nil {
		return l, err
	}
	const longest = unix.PathMax // bytes: no file system has a longer name
	if length > longest {
		return l, fmt.Errorf("a file of sorted names is damaged: it has a name of %d bytes", length)
	}
	name := make([]byte, length+1)
	if _, err := io.ReadFull(r, name); err != nil {
		return l, fmt.Errorf("a file of sorted names is cut off: %w", err)
	}
	l.name, l.State = string(name[:length]), State(name[length])
	var v [9]uint64
	for i := range v {
		if v[i], err = binary.ReadUvarint(r); err != nil {
			return l, fmt.Errorf("a file of sorted names is cut off: %w", err)
		}
	}
	l.Errno, l.Mode, l.UID, l.GID = unix.Errno(v[0]), uint32(v[1]), uint32(v[2]), uint32(v[3]) //nolint:gosec // as encode wrote them
	l.Size, l.Rdev, l.ID = int64(v[4]), v[5], v[6]                                             //nolint:gosec // as above
	l.Changed, l.Touched = int64(v[7]), int64(v[8])                                            //nolint:gosec // as above
	return l, nil
}

// row is one name on all bricks.
type row struct {
	name    string
	entries []Entry
}

// merge calls do with every name that a brick has, in order. A name that a
// brick listed twice, as may happen while names change, counts once.
func merge(of []*sorter, do func(row) error) error {
	for {
		name, found := "", false
		for _, s := range of {
			if l, _, more := s.peek(); more && (!found || l.name < name) {
				name, found = l.name, true
			}
		}
		if !found {
			return nil
		}
		r := row{name: name, entries: make([]Entry, len(of))}
		for i, s := range of {
			for {
				l, from, more := s.peek()
				if !more || l.name != name {
					break
				}
				r.entries[i] = l.Entry
				if err := s.take(from); err != nil {
					return err
				}
			}
		}
		if err := do(r); err != nil {
			return err
		}
	}
}
