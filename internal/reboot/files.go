package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// contents is what a file holds: only its own name, how often it was written,
// and enough of both to fill size bytes.
func contents(name string, seq, size int) []byte {
	line := fmt.Appendf(nil, "%s %d\n", name, seq)
	return bytes.Repeat(line, size/len(line)+1)[:size]
}

// sum is a checksum of a file and, for persons, which write made it.
func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:8]) + " " + origin(b)
}

// origin says which contents these are, when they are those of one write.
func origin(b []byte) string {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	name, number, _ := strings.Cut(string(line), " ")
	seq, err := strconv.Atoi(number)
	if err != nil || !bytes.Equal(b, contents(name, seq, len(b))) {
		return fmt.Sprintf("(%d bytes of no single write)", len(b))
	}
	return fmt.Sprintf("(%d bytes of write %d)", len(b), seq)
}

// sums returns the checksum of every regular file below dir, by its path
// relative to dir. GlusterFS's own directories (the self-heal daemon moves what it removes into one of them) and that of
// the enemies are left out.
func sums(dir string) (map[string]string, error) {
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".glusterfs" || strings.HasPrefix(d.Name(), ".glusterfs-anonymous-inode-") || d.Name() == trap):
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		b, err := os.ReadFile(path) //nolint:gosec // what the enemies make is left out
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		out[name] = sum(b)
		return err
	})
	return out, err
}

type sumsCmd struct {
	Dirs []string `arg:""`
}

// Run prints a map of maps; a directory that cannot be read has an error in
// the place of its checksums.
func (c *sumsCmd) Run() error {
	out := map[string]map[string]string{}
	for _, d := range c.Dirs {
		s, err := sums(d)
		if err != nil {
			s = map[string]string{"error": err.Error()}
		}
		out[d] = s
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

type fillCmd struct {
	Dir   string `arg:""`
	Count int    `arg:""`
	Size  int    `arg:""`
	Seq   int    `arg:""`
}

func baseName(i int) string { return fmt.Sprintf("file-%04d", i) }

// Run writes files that hold contents(name, seq, size).
func (c *fillCmd) Run() error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	for i := range c.Count {
		name := baseName(i)
		if err := os.WriteFile(filepath.Join(c.Dir, name), contents(name, c.Seq, c.Size), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// baseSums is what fill makes.
func baseSums(count, size, seq int) map[string]string {
	out := map[string]string{}
	for i := range count {
		name := baseName(i)
		out[name] = sum(contents(name, seq, size))
	}
	return out
}

// state is what a writer knows of one of its files.
type state struct {
	Seq  int
	Sure bool // false: an operation failed, and nobody knows whether it took effect
	// Removed: it was the last one that its writer removed before it went on, or ended. Of two copies, the one that lives a moment
	// longer than the other may have taken it alone.
	Removed bool
}

// writtenSize is the size of the writers' files.
const writtenSize = 16000

// compare says how what is there differs from what must be there: the files
// that a fill made, below base, and those of the writers. One line a file.
func compare(have map[string]string, base map[string]string, written map[string]state) []string {
	var wrong []string
	want := map[string]bool{}
	check := func(name, sum string) {
		want[name] = true
		switch got, ok := have[name]; {
		case !ok:
			wrong = append(wrong, name+" is not there")
		case got != sum:
			wrong = append(wrong, fmt.Sprintf("%s has other contents: %s, not %s", name, got, sum))
		}
	}
	for name, s := range base {
		check("base/"+name, s)
	}
	for name, s := range written {
		if s.Removed {
			continue
		}
		if want[name] = true; s.Sure {
			check(name, sum(contents(name, s.Seq, writtenSize)))
		}
	}
	for name := range have {
		if !want[name] {
			wrong = append(wrong, name+" should not be there")
		}
	}
	slices.Sort(wrong)
	return wrong
}

// losses counts the files of what compare returns that are gone or changed.
func losses(differ []string) int {
	n := 0
	for _, d := range differ {
		if !strings.HasSuffix(d, " should not be there") {
			n++
		}
	}
	return n
}

// replace writes a small file as a whole.
func replace(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", b, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// load reads what replace wrote; nothing is not an error.
func load(path string, v any) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
