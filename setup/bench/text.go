package bench

import (
	"bytes"
	"fmt"
	"strings"
)

const (
	stampLen   = 16   // bytes of a stamp
	stampEvery = 4096 // bytes from stamp to stamp: every page of a file differs from that of other files
	wordsOf    = "the brick keeps what the other brick keeps and every client reads what any client wrote\n"
)

// newText makes size bytes of text.
func newText(size int64) []byte {
	n := int(size)/len(wordsOf) + 1
	return bytes.Repeat([]byte(wordsOf), n)[:size]
}

// stamp marks each page of the text with the file's number, so that a page of
// another file, read back by mistake, is noticed.
func stamp(text []byte, number uint64) {
	mark := fmt.Sprintf("%0*x", stampLen, number)
	for at := 0; at < len(text); at += stampEvery {
		copy(text[at:], mark)
	}
}

// CorruptError says that a file was read back differently from what was
// written and closed without an error.
type CorruptError struct {
	Path   string // the benchmarked path
	File   string // the file, below Path
	Offset int64  // of the first byte that differs
	Detail string // what is there instead
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s: file %s differs from what was written at byte %d: %s", e.Path, e.File, e.Offset, e.Detail)
}

// difference compares what was read with what was written.
func difference(wrote, read []byte) (offset int64, detail string, differs bool) {
	if bytes.Equal(wrote, read) {
		return 0, "", false
	}
	for i := range min(len(wrote), len(read)) {
		if wrote[i] != read[i] {
			return int64(i), fmt.Sprintf("wrote %s, read %s", excerpt(wrote[i:]), excerpt(read[i:])), true
		}
	}
	at := min(len(wrote), len(read))
	if len(read) < len(wrote) {
		return int64(at), fmt.Sprintf("the file ends here instead of at byte %d", len(wrote)), true
	}
	return int64(at), "the file goes on where it should end", true
}

func excerpt(b []byte) string {
	return strings.TrimSpace(fmt.Sprintf("%q", b[:min(len(b), 16)]))
}
