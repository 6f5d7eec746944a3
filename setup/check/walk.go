package check

import (
	"context"
	"errors"
	"path"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
)

// Difference is a name that is not the same on all bricks of its set.
type Difference struct {
	Path     string    `json:"path"` // from the root of the volume
	Findings []Finding `json:"findings"`
}

// Counts are what a comparison came to.
type Counts struct {
	Entries   int64          `json:"entries"`        // names that were compared
	Bytes     int64          `json:"bytes_compared"` // of contents, all bricks together
	Differing map[Kind]int64 `json:"differing"`      // by kind; an entry may count for several
	Different int64          `json:"different"`      // entries that differ
	Waiting   int64          `json:"waiting_for_heal"`
	Busy      int64          `json:"busy"`         // entries that changed at every look
	Again     int64          `json:"looked_again"` // entries that were not the same at first
	Unlisted  int64          `json:"unlisted"`     // directories that a brick refused to list
}

// Walker compares the bricks of one replica set.
type Walker struct {
	Bricks []gluster.Brick
	Views  []View // of the bricks
	// Content reads the contents of files, too.
	Content bool
	// Rate is how many names are compared a second, Bandwidth how many bytes of
	// each brick are read a second; 0 is no limit.
	Rate, Bandwidth float64
	// Pause is how long is waited between two looks at the same name: longer than
	// the kernel keeps what it was told. Default 4 s.
	Pause time.Duration
	// Found is told of each difference as it becomes certain.
	Found func(Difference)
	// First is told of each difference at the first look instead, and nothing is
	// looked at twice: for who does no harm by believing too many. Entries are in
	// the order of Bricks; none of a directory that could not be listed.
	First func(dir, name string, entries []Entry, found []Finding) error
	// Doubt says of regular files that look equal whether their times tell that
	// they are not, and whether their contents must be read in spite of Content.
	Doubt func(entries []Entry) (differs, read bool)
	// Progress is told from time to time how many names were compared.
	Progress func(entries int64)

	counts   Counts
	names    []*pace // by brick
	bytes    *pace
	mu       sync.Mutex // of bytes and of counts.Bytes
	suspects []waiting
	run      int // names sorted in memory
}

// waiting is a suspect and when to look at it.
type waiting struct {
	Suspect
	due time.Time
}

const (
	defaultPause = 4 * time.Second
	// batch is how many names are asked about at once.
	batch = 64
	// workers is how many questions a brick gets at once.
	workers = 4
	// mostSuspects bounds the memory for names to be looked at again: when they
	// are more, the walk waits.
	mostSuspects = 4096
)

// Walk compares everything. The counts are right also when it ends early.
func (w *Walker) Walk(ctx context.Context) (Counts, error) {
	w.names, w.bytes = nil, newPace(w.Bandwidth)
	for range w.Views {
		w.names = append(w.names, newPace(w.Rate))
	}
	w.counts = Counts{Differing: map[Kind]int64{}}
	if w.Pause == 0 {
		w.Pause = defaultPause
	}
	if w.run == 0 {
		w.run = runLength
	}
	err := w.root()
	if err == nil {
		err = w.dir(ctx, "")
	}
	for err == nil && len(w.suspects) > 0 {
		err = w.settle(ctx, true)
	}
	return w.counts, err
}

// root looks at the root of the volume.
func (w *Walker) root() error {
	if w.First == nil {
		w.suspect(Suspect{Name: ".", walked: true})
		return nil
	}
	entries := make([]Entry, len(w.Views))
	err := w.each(func(i int) (err error) {
		entries[i], err = w.Views[i].Look("", ".", false)
		return err
	})
	if err != nil {
		return err
	}
	if found := Compare(w.Bricks, entries); len(found) > 0 {
		return w.First("", ".", entries, found)
	}
	return nil
}

func (w *Walker) suspect(s Suspect) {
	w.suspects = append(w.suspects, waiting{s, time.Now().Add(w.Pause)})
}

// dir compares a directory that all bricks have, and those in it.
func (w *Walker) dir(ctx context.Context, dir string) error {
	below, err := w.compare(ctx, dir)
	if below != nil {
		defer below.close()
	}
	if err != nil {
		return err
	}
	if err := below.sorted(); err != nil {
		return err
	}
	for {
		l, from, more := below.peek()
		if !more {
			return w.settle(ctx, len(w.suspects) > mostSuspects)
		}
		if err := below.take(from); err != nil {
			return err
		}
		if err := w.dir(ctx, path.Join(dir, l.name)); err != nil {
			return err
		}
	}
}

// compare compares the names of a directory and returns the directories among
// them that all bricks have.
func (w *Walker) compare(ctx context.Context, dir string) (*sorter, error) {
	lists := make([]*sorter, len(w.Views))
	for i := range lists {
		lists[i] = newSorter(w.run)
		defer lists[i].close()
	}
	below := newSorter(w.run)
	err := w.each(func(i int) error {
		return w.Views[i].List(ctx, dir, lists[i].add, func(n int) error { return w.names[i].wait(ctx, n) })
	})
	if err != nil && dir != "" && ofName(err) {
		// It is not there any more, or a brick refuses.
		if w.First != nil {
			return below, w.First(parent(dir), path.Base(dir), nil, nil)
		}
		w.suspect(Suspect{Dir: parent(dir), Name: path.Base(dir)})
		return below, nil
	}
	if err != nil {
		return below, err
	}
	for _, l := range lists {
		if err := l.sorted(); err != nil {
			return below, err
		}
	}
	var rows []row
	err = merge(lists, func(r row) error {
		rows = append(rows, r)
		if len(rows) < batch {
			return nil
		}
		err := w.rows(ctx, dir, rows, below)
		rows = rows[:0]
		return err
	})
	if err == nil {
		err = w.rows(ctx, dir, rows, below)
	}
	return below, err
}

// ofName reports whether an error is about one name, not about a whole brick.
func ofName(err error) bool {
	var errno unix.Errno
	return errors.As(err, &errno) && !errors.Is(err, ErrAway)
}

func parent(dir string) string {
	if p := path.Dir(dir); p != "." {
		return p
	}
	return ""
}

// brickError is an error of one brick.
type brickError struct {
	brick gluster.Brick
	err   error
}

func (e *brickError) Error() string { return e.brick.String() + ": " + e.err.Error() }
func (e *brickError) Unwrap() error { return e.err }

// each calls do for all bricks at once.
func (w *Walker) each(do func(i int) error) error {
	errs := make([]error, len(w.Views))
	var wg sync.WaitGroup
	for i := range w.Views {
		wg.Go(func() {
			if err := do(i); err != nil {
				errs[i] = &brickError{w.Bricks[i], err}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// rows compares some names of a directory.
func (w *Walker) rows(ctx context.Context, dir string, rows []row, below *sorter) error {
	if len(rows) == 0 {
		return nil
	}
	w.counts.Entries += int64(len(rows))
	if w.Progress != nil {
		w.Progress(w.counts.Entries)
	}
	sure, err := w.deepen(dir, rows)
	if err != nil {
		return err
	}
	all, err := w.findings(ctx, dir, rows)
	if err != nil {
		return err
	}
	for i, r := range rows {
		if w.First != nil && len(all[i]) > 0 {
			if err := w.First(dir, r.name, r.entries, all[i]); err != nil {
				return err
			}
			if slices.ContainsFunc(all[i], func(f Finding) bool { return f.Kind == GFID }) {
				continue // what is below are two different directories
			}
		}
		if w.First == nil && (len(all[i]) > 0 || !sure) {
			w.counts.Again++
			s := Suspect{Dir: dir, Name: r.name, walked: everywhere(r.entries, Entry.IsDir), nameless: make([]bool, len(r.entries))}
			for i, e := range r.entries {
				s.nameless[i] = e.State == NoGFID
			}
			w.suspect(s)
			if len(w.suspects) > mostSuspects {
				if err := w.settle(ctx, true); err != nil {
					return err
				}
			}
		}
		if everywhere(r.entries, Entry.IsDir) {
			if err := below.add(listed{name: r.name}); err != nil {
				return err
			}
		}
	}
	return nil
}

// findings compares names, some at a time.
func (w *Walker) findings(ctx context.Context, dir string, rows []row) ([][]Finding, error) {
	all, errs := make([][]Finding, len(rows)), make([]error, len(rows))
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() {
			for i := k; i < len(rows); i += workers {
				if all[i], errs[i] = w.found(ctx, dir, rows[i]); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return all, errors.Join(errs...)
}

// found compares a name, and its contents where nothing else differs.
func (w *Walker) found(ctx context.Context, dir string, r row) ([]Finding, error) {
	found := Compare(w.Bricks, r.entries)
	if len(found) > 0 {
		return found, nil
	}
	read := w.Content
	if w.Doubt != nil && everywhere(r.entries, Entry.isFile) {
		differs, doubt := w.Doubt(r.entries)
		if differs {
			return []Finding{{Kind: Content}}, nil
		}
		read = read || doubt
	}
	if !read {
		return nil, nil
	}
	if err := w.sums(ctx, dir, r); err != nil {
		return nil, err
	}
	return Compare(w.Bricks, r.entries), nil
}

func everywhere(entries []Entry, is func(Entry) bool) bool {
	for _, e := range entries {
		if !is(e) {
			return false
		}
	}
	return true
}

// deepen asks each brick about names that look equal so far, with some questions
// at a time. It is not sure where the directory went away meanwhile.
func (w *Walker) deepen(dir string, rows []row) (sure bool, err error) {
	var equal []row
	for _, r := range rows {
		if len(Compare(w.Bricks, r.entries)) == 0 {
			equal = append(equal, r)
		}
	}
	err = w.each(func(i int) error {
		var wg sync.WaitGroup
		errs := make([]error, workers)
		for k := range workers {
			var names []string
			var entries []*Entry
			for n := k; n < len(equal); n += workers {
				names, entries = append(names, equal[n].name), append(entries, &equal[n].entries[i])
			}
			if len(names) > 0 {
				wg.Go(func() { errs[k] = w.Views[i].Deepen(dir, names, entries) })
			}
		}
		wg.Wait()
		return errors.Join(errs...)
	})
	if err != nil && ofName(err) {
		return false, nil
	}
	return err == nil, err
}

// sums reads a file that looks equal on all bricks with contents.
func (w *Walker) sums(ctx context.Context, dir string, r row) error {
	if !everywhere(r.entries, Entry.isFile) {
		return nil
	}
	if everywhere(r.entries, func(e Entry) bool { return e.Size == 0 }) {
		return nil
	}
	return w.each(func(i int) error {
		if w.Bricks[i].Arbiter {
			return nil
		}
		e := &r.entries[i]
		sum, n, err := w.Views[i].Sum(ctx, dir, r.name, e.Size, func(bytes int) error { return w.read(ctx, bytes) })
		w.mu.Lock()
		w.counts.Bytes += n
		w.mu.Unlock()
		if err != nil && ctx.Err() == nil && ofName(err) {
			*e, err = failed(err)
			return err
		}
		e.Sum = sum
		return err
	})
}

// read waits for leave to read on; Bandwidth is that of each brick.
func (w *Walker) read(ctx context.Context, n int) error {
	data := 0
	for _, b := range w.Bricks {
		if !b.Arbiter {
			data++
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes.wait(ctx, max(1, n/max(1, data)))
}
