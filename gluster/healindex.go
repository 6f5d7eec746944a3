package gluster

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// HealBacklog is what a brick noted down about the other bricks of its set.
type HealBacklog struct {
	// Pending is the number of entries that this brick knows to be stale on others.
	Pending uint64
	// Dirty is the number of entries with a write under way, or interrupted in the middle.
	Dirty uint64
	// EntryChanges is the number of directories in which single names are to be healed.
	EntryChanges uint64
}

// HealIndex counts the backlog of one brick of this machine without listing it: every entry is a hard link to a base file, whose number of links
// less one is the number of entries. A brick's process makes base files of its own when it starts, and more at the file system's limit of
// links; so names of base files are remembered and looked for again now and then. Methods must not run at the same time.
type HealIndex struct {
	brick      string
	generation int
	bases      []string // paths below the brick
	next       time.Time
}

// NewHealIndex returns the index of the brick in a directory of this machine. It reads nothing.
func NewHealIndex(brick string) *HealIndex { return &HealIndex{brick: brick} }

// indexDir is where a brick's process keeps its index (xlators/features/index/src/index.c, 3.12 to 11.1).
const indexDir = ".glusterfs/indices"

// How often base files are looked for, which takes a listing: some 0.5 s for a million entries.
const (
	scanPause    = time.Minute
	scanFraction = 100 // of the time that a listing took is waited at least
)

// Read counts. Another generation, such as the process identifier of the brick, has base files looked for at once.
// A brick without an index, as one that just was made, has no backlog; errors are those of the file system. Needs CAP_DAC_READ_SEARCH.
func (x *HealIndex) Read(generation int) (HealBacklog, error) {
	if now := time.Now(); generation != x.generation || now.After(x.next) {
		bases, err := x.scan()
		if err != nil {
			return HealBacklog{}, fmt.Errorf("list the heal index of brick %s: %w", x.brick, err)
		}
		x.bases, x.generation = bases, generation
		x.next = time.Now().Add(max(scanPause, scanFraction*time.Since(now)))
	}
	var b HealBacklog
	counts := map[string]*uint64{"xattrop": &b.Pending, "dirty": &b.Dirty, "entry-changes": &b.EntryChanges}
	for _, base := range x.bases {
		var st unix.Stat_t
		err := unix.Lstat(filepath.Join(x.brick, indexDir, base), &st)
		switch {
		case errors.Is(err, unix.ENOENT):
		case err != nil:
			return HealBacklog{}, fmt.Errorf("count the heal index of brick %s: %w", x.brick, err)
		case st.Nlink > 0:
			*counts[filepath.Dir(base)] += uint64(st.Nlink) - 1
		}
	}
	return b, nil
}

// scan lists the names of all base files.
func (x *HealIndex) scan() (bases []string, err error) {
	for _, kind := range []string{"xattrop", "dirty", "entry-changes"} {
		d, err := os.Open(filepath.Join(x.brick, indexDir, kind)) //nolint:gosec // behind .glusterfs, where no client gets
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found, err := baseFiles(d, kind)
		if cerr := d.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, err
		}
		bases = append(bases, found...)
	}
	return bases, nil
}

// baseFiles are those whose names begin with that of their directory; an entry's name is a GFID.
func baseFiles(d *os.File, kind string) (bases []string, err error) {
	const batch = 1024
	for {
		names, err := d.Readdirnames(batch)
		for _, n := range names {
			if strings.HasPrefix(n, kind+"-") {
				bases = append(bases, filepath.Join(kind, n))
			}
		}
		if errors.Is(err, io.EOF) {
			return bases, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
