// Package resync makes a brick that may have lost what it had acknowledged
// equal to a survivor of its replica set.
//
// The brick is withheld meanwhile (package powerloss): nobody reads from it. Its
// directory is compared with the survivor, as the survivor shows itself, name
// by name. Nothing is copied here: where the two differ, the survivor is told
// to note that the brick lacks changes, as GlusterFS would have noted had it
// known, and the self-heal daemon is given the work. From then on replication
// itself keeps clients from reading there, and heals it from the survivor,
// removals included. What only the brick has is taken out and kept aside.
package resync

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/beneath"
	"brickyard/setup/check"
	"brickyard/setup/powerloss"
)

// Job is one brick to be made equal.
type Job struct {
	Set     check.Set
	Own     int    // index in Set.Bricks
	Sources []int  // as Own: all that serve, one after the other
	Brick   string // path of the own brick
	// Unproven says that the sources lost power, too, and serve only because
	// somebody has to begin: names that one of both has are kept on both.
	Unproven bool
	// Flushed is when the brick's file system was last flushed before the power
	// cut, by this machine's clock; zero where nobody knows.
	Flushed  time.Time
	Dir      string // of its own, for the client of the source
	Now      func() time.Time
	Progress func(entries int64) // from time to time
}

// Result is what a comparison found and did.
type Result struct {
	Entries   int64    `json:"entries"`        // names that were compared
	Bytes     int64    `json:"bytes_compared"` // of contents that were read, on both bricks
	Marked    int64    `json:"marked"`         // files and directories that wait to be healed now
	TakenOut  int64    `json:"taken_out"`      // names that only the brick had
	Copied    int64    `json:"copied"`         // files whose former contents were kept
	Undecided int64    `json:"undecided"`      // left as they are: see docs/power-loss.md
	Aside     string   `json:"aside"`          // directory with what was taken out or copied, "" where nothing was
	Listed    []string `json:"listed"`         // the first of what was taken out, copied or left
}

// listed bounds Result.Listed.
const listed = 50

// clockMargin is how much the clock of this machine may have been set back
// between a flush and a change after it.
const clockMargin = time.Minute

// Run compares and marks. It may be repeated: whatever a run that was
// interrupted did is not wrong.
func (j *Job) Run(ctx context.Context) (r Result, err error) {
	own, err := check.OpenLocal(j.Brick)
	if err != nil {
		return r, err
	}
	defer own.Close() //nolint:errcheck // read only
	tree, err := beneath.Open(j.Brick)
	if err != nil {
		return r, err
	}
	defer tree.Close() //nolint:errcheck // nothing was written through it
	m := &marker{job: j, own: tree, aside: powerloss.NewAside(j.Brick, "resync", j.Now()), result: Result{Listed: []string{}}}
	for i, source := range j.Sources {
		mount, err := check.MountToAccuse(ctx, j.Set, source, filepath.Join(j.Dir, strconv.Itoa(i)))
		if err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, mount.Close()) }()
		m.sources = append(m.sources, survivor{Mount: mount, brick: source})
	}
	for i := range m.sources {
		if err := m.walk(ctx, own, i); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return m.result, err
		}
	}
	return m.result, nil
}

// walk compares with one source. All of them are asked, because one may itself
// lack what another has, and each must note what this brick lacks: whoever is
// alone later must know.
func (m *marker) walk(ctx context.Context, own *check.Local, i int) error {
	m.source, m.marked = i, map[string]bool{}
	seen := m.result.Entries
	w := &check.Walker{
		Bricks: []gluster.Brick{m.job.Set.Bricks[m.job.Own], m.job.Set.Bricks[m.sources[i].brick]},
		Views:  []check.View{own, m.sources[i].Mount},
		First: func(dir, name string, entries []check.Entry, found []check.Finding) error {
			return m.undecided(path.Join(dir, name), m.differs(dir, name, entries, found))
		},
		Doubt: func(entries []check.Entry) (differs, read bool) { return Doubt(entries[0], entries[1], m.job.Flushed) },
	}
	if m.job.Progress != nil {
		w.Progress = func(entries int64) { m.job.Progress(seen + entries) }
	}
	if slices.ContainsFunc(w.Bricks, func(b gluster.Brick) bool { return b.Arbiter }) {
		w.Doubt = nil // it has no contents
	}
	counts, err := w.Walk(ctx)
	m.result.Entries += counts.Entries
	m.result.Bytes += counts.Bytes
	return err
}

// Doubt says of a file that looks the same on both bricks whether it is not,
// and whether its contents must be read to know. It is pure.
//
// What a power cut took is either a whole change, of which the attributes tell
// that clients changed the file later than this brick knows; or the data of a
// change whose attributes were written: then this machine's kernel changed the
// file after the last flush. No two clocks are compared.
func Doubt(own, source check.Entry, flushed time.Time) (differs, read bool) {
	switch {
	case own.Changed == 0 || source.Changed == 0 || flushed.IsZero():
		return false, true
	case own.Changed != source.Changed:
		return true, false
	default:
		return false, own.Touched >= flushed.Add(-clockMargin).UnixNano()
	}
}

// marker carries out what differences ask for.
type marker struct {
	job     *Job
	own     *beneath.Dir // the directory of the own brick
	sources []survivor
	source  int // index in sources of the one that is compared with
	aside   powerloss.Aside
	result  Result
	marked  map[string]bool // directories, on this source
}

// survivor is a source.
type survivor struct {
	*check.Mount
	brick int // index in Job.Set.Bricks
}

// undecided counts a name about which nothing can be known or done, and lets
// the comparison go on: one file that a disk cannot read must not keep all
// others from being compared. Errors that are not of the name alone stay errors.
func (m *marker) undecided(p string, err error) error {
	var errno unix.Errno
	if err == nil || errors.Is(err, check.ErrAway) || !errors.As(err, &errno) {
		return err
	}
	switch errno {
	case unix.ENOSPC, unix.EDQUOT, unix.EROFS, unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.ENODEV, unix.ESHUTDOWN:
		return err
	}
	m.result.Undecided++
	m.list(p)
	return nil
}

// differs is told of one name; entries are of the own brick and of the source.
func (m *marker) differs(dir, name string, entries []check.Entry, found []check.Finding) error {
	p := path.Join(dir, name)
	if len(entries) != 2 {
		return m.unlisted(dir, name)
	}
	own, source := entries[0], entries[1]
	what, err := m.decide(dir, p, own, source, found)
	if err != nil {
		return err
	}
	if what == leave || what == takeOut {
		if known, err := m.known(dir, name, own); known || err != nil {
			return err
		}
	}
	switch what {
	case leave:
		m.result.Undecided++
		m.list(p)
		return nil
	case markDirectory:
		return m.markDirectory(dir)
	case takeOut:
		// The mark comes first: if this ends in between, the next run finds it again.
		if err := m.markDirectory(dir); err != nil {
			return err
		}
		m.result.TakenOut++
		m.result.Aside = m.aside.Dir
		m.list(p)
		return m.aside.Move(p)
	case keepBoth:
		if err := m.markDirectory(dir); err != nil {
			return err
		}
		return m.accuseOthers(dir)
	case copyAndMark:
		m.result.Copied++
		m.result.Aside = m.aside.Dir
		m.list(p)
		if err := m.aside.Copy(p); err != nil {
			return err
		}
		return m.mark(p, own.IsDir())
	default:
		return m.mark(p, own.IsDir())
	}
}

// unlisted is told of a directory that one of both could not list, or that went
// away meanwhile. What is below was not compared: its names are healed, and that
// more may differ is for a person to know.
func (m *marker) unlisted(dir, name string) error {
	if e, err := m.sources[m.source].Look(dir, name, false); err == nil && e.State == check.Absent {
		return m.markDirectory(dir) // removed, which the source has noted by itself
	}
	p := path.Join(dir, name)
	m.result.Undecided++
	m.list(p)
	return errors.Join(m.markDirectory(dir), m.markDirectory(p))
}

// known reports whether another source has the very file: then what this one
// lacks is between those two, and the own brick is compared with the other.
func (m *marker) known(dir, name string, own check.Entry) (bool, error) {
	if own.State != check.Present {
		return false, nil
	}
	for i, s := range m.sources {
		if i == m.source {
			continue
		}
		e, err := s.Look(dir, name, false)
		if err != nil {
			return false, fmt.Errorf("look for /%s on %s: %w", path.Join(dir, name), m.job.Set.Bricks[s.brick], err)
		}
		if e.State == check.Present && e.ID == own.ID {
			return true, nil
		}
	}
	return false, nil
}

func (m *marker) list(p string) {
	if len(m.result.Listed) < listed {
		m.result.Listed = append(m.result.Listed, "/"+p)
	}
}

// decide gathers what Decide needs.
func (m *marker) decide(dir, p string, own, source check.Entry, found []check.Finding) (Remedy, error) {
	accused, err := m.accuses(dir, entryPart)
	if err != nil {
		return leave, err
	}
	newer := false
	if own.State == check.Present {
		newer, err = m.accuses(p, dataPart, metadataPart)
	}
	return Decide(own, source, found, accused, newer, m.job.Unproven), err
}

// accusation is the attribute by which a brick notes that the source lacks changes.
func (m *marker) accusation() string {
	return m.job.Set.Accusations[m.sources[m.source].brick]
}

// accuses reports whether the own brick notes that the source lacks changes of
// a file: then the own brick knows better.
func (m *marker) accuses(p string, parts ...int) (bool, error) {
	value := make([]byte, markLength)
	around, name, err := m.own.At(p)
	n := 0
	if err == nil {
		n, err = around.Getxattr(name, m.accusation(), value)
		err = errors.Join(err, around.Close())
	}
	switch {
	case errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR):
		return false, nil
	case err != nil:
		return false, err
	}
	for _, part := range parts {
		if n == markLength && value[part]|value[part+1]|value[part+2]|value[part+3] != 0 {
			return true, nil
		}
	}
	return false, nil
}
