package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// known is what the record says of one name.
type known struct {
	entry
	content []byte // of a file
	// Sure is false when nobody knows what the name stands for: an operation
	// on it failed, or was never answered.
	sure    bool
	busy    bool      // an operation on it is under way
	began   time.Time // when the last one was asked for
	changed time.Time // when it ended
	last    string    // what it was
}

// record is what was acknowledged to who changed the files of a volume, and
// only that. Names that were removed stay in it, as names that are not there.
type record struct {
	mu    sync.Mutex
	names map[string]*known
}

func newRecord() *record { return &record{names: map[string]*known{}} }

func (r *record) get(name string) *known {
	k := r.names[name]
	if k == nil {
		k = &known{sure: true}
		r.names[name] = k
	}
	return k
}

// begin notes that an operation is about to be asked for.
func (r *record) begin(o op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	touched := []*known{r.get(o.Path)}
	last := o.Kind
	if o.Kind == opRename {
		touched, last = append(touched, r.get(o.To)), fmt.Sprintf("rename %s to %s", o.Path, o.To)
	}
	for _, t := range touched {
		t.busy, t.began, t.last = true, time.Now(), last
	}
}

// end notes what came of it: failed is an operation that nobody confirmed.
func (r *record) end(o op, failed bool, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.get(o.Path)
	touched := []*known{k}
	if o.Kind == opRename {
		touched = append(touched, r.get(o.To))
	}
	for _, t := range touched {
		t.busy, t.changed = false, now
		if failed {
			t.sure = false
		}
	}
	if failed {
		return
	}
	data := func(b []byte) { k.content, k.entry, k.sure = b, fileOf(b), true }
	b := pattern(o.Seq, o.Size)
	switch o.Kind {
	case opCreate, opOverwrite:
		data(b)
	case opPatch:
		whole := slices.Clone(k.content)
		if len(b) >= len(whole) {
			whole = b
		}
		copy(whole, b)
		data(whole)
	case opAppend:
		data(slices.Concat(k.content, b))
	case opMkdir:
		k.entry, k.sure = entry{Type: directory}, true
	case opSymlink:
		k.entry, k.sure = entry{Type: symlink, Target: o.Target}, true
	case opRemove:
		k.content, k.entry, k.sure = nil, entry{}, true
	case opRename:
		to := touched[1]
		to.content, to.entry, to.sure = k.content, k.entry, k.sure
		k.content, k.entry, k.sure = nil, entry{}, true
	}
}

// pick returns names of which all is known, in order, that f wants.
func (r *record) pick(f func(name string, e entry) bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for name, k := range r.names {
		if k.sure && !k.busy && f(name, k.entry) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// settled returns the names of which all is known and that nobody has changed
// since.
func (r *record) settled(since time.Time) map[string]entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]entry{}
	for name, k := range r.names {
		if k.sure && !k.busy && k.changed.Before(since) {
			out[name] = k.entry
		}
	}
	return out
}

// age is how long a name had been as it is at a moment.
func (r *record) age(name string, at time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return at.Sub(r.get(name).changed)
}

// judge returns the names of what was seen between two moments that are not
// what they had to be. Names that were not settled for all that time may be
// anything.
func (r *record) judge(seen, before map[string]entry, since time.Time) []string {
	after := r.settled(since)
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		want, was := before[name]
		if _, is := after[name]; was && is && seen[name] != want {
			wrong = append(wrong, name)
		}
	}
	return wrong
}

// listed makes of a listing what it says of the names of one directory: only
// whether they are there.
func listed(dir string, names []string, before map[string]entry) (seen, want map[string]entry) {
	there := entry{Type: other}
	seen, want = map[string]entry{}, map[string]entry{}
	for name, e := range before {
		if parent(name) != dir {
			continue
		}
		seen[name], want[name] = entry{}, entry{}
		if e != (entry{}) {
			want[name] = there
		}
	}
	for _, n := range names {
		seen[path.Join(dir, n)] = there
	}
	return seen, want
}

// parent is the directory of a name; "" is the root.
func parent(name string) string {
	if d := path.Dir(name); d != "." {
		return d
	}
	return ""
}

// story says what was last done to a name.
func (r *record) story(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.get(name)
	return fmt.Sprintf("%s: last %s, asked for at %s, answered at %s", name, k.last, k.began.Format("15:04:05.000"), k.changed.Format("15:04:05.000"))
}

// counts are how many names stand for something, and how many of them are files.
func (r *record) counts() (names, files int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.names {
		if k.Type != "" {
			names++
		}
		if k.Type == file {
			files++
		}
	}
	return names, files
}

// differ says how trees differ from each other and from the record, one line a
// name. Of a name that is not sure they only must show the same.
func (r *record) differ(trees map[string]map[string]entry, withRecord bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	places := slices.Sorted(maps.Keys(trees))
	names := map[string]bool{}
	for _, t := range trees {
		for name := range t {
			names[name] = true
		}
	}
	for name := range r.names {
		names[name] = true
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		k := r.names[name]
		first := trees[places[0]][name]
		same := true
		for _, p := range places[1:] {
			same = same && trees[p][name] == first
		}
		want, sure := entry{}, k == nil || k.sure
		if k != nil {
			want = k.entry
		}
		if same && (!withRecord || !sure || first == want) {
			continue
		}
		var line strings.Builder
		fmt.Fprintf(&line, "%s:", name)
		for _, p := range places {
			fmt.Fprintf(&line, " %s: %v;", p, trees[p][name])
		}
		if sure {
			fmt.Fprintf(&line, " acknowledged: %v", want)
		} else {
			line.WriteString(" acknowledged: nobody knows")
		}
		out = append(out, line.String())
	}
	return out
}
