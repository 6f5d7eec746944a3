package check

import (
	"context"
	"fmt"
	"path"
	"time"
)

// settle looks again at what is due; with all it waits until everything is.
func (w *Walker) settle(ctx context.Context, all bool) error {
	queue := w.suspects
	w.suspects = nil
	for i, s := range queue {
		if d := time.Until(s.due); d > 0 {
			if !all {
				w.suspects = append(w.suspects, queue[i:]...)
				return nil
			}
			if err := sleep(ctx, d); err != nil {
				return err
			}
		}
		if err := w.look(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// look looks at a suspect once.
func (w *Walker) look(ctx context.Context, s waiting) error {
	if err := w.names[0].wait(ctx, 1); err != nil {
		return err
	}
	r := row{name: s.Name, entries: make([]Entry, len(w.Views))}
	err := w.each(func(i int) (err error) {
		r.entries[i], err = w.Views[i].Look(s.Dir, s.Name, s.nameless != nil && s.nameless[i])
		return err
	})
	if err != nil {
		return err
	}
	found, err := w.found(ctx, s.Dir, r)
	if err != nil {
		return err
	}
	pending, dirty := false, false
	for _, e := range r.entries {
		pending, dirty = pending || e.Pending, dirty || e.Dirty
	}
	verdict, certain := s.Look(found, pending, dirty)
	switch verdict {
	case Equal:
		if !s.walked && everywhere(r.entries, Entry.IsDir) {
			return w.walkLate(ctx, s.Suspect)
		}
	case Again:
		s.due = time.Now().Add(w.Pause)
		w.suspects = append(w.suspects, s)
	case Waiting:
		w.counts.Waiting++
	case Busy:
		w.counts.Busy++
	case Different:
		w.counts.Different++
		for _, f := range certain {
			w.counts.Differing[f.Kind]++
		}
		if w.Found != nil {
			w.Found(Difference{Path: path.Join("/", s.Dir, s.Name), Findings: certain})
		}
	default:
		return fmt.Errorf("verdict %d of %s", verdict, s.Name)
	}
	return nil
}

// walkLate compares a directory that was not there on all bricks, or could not
// be listed, when its turn came.
func (w *Walker) walkLate(ctx context.Context, s Suspect) error {
	if s.lists == needed {
		w.counts.Unlisted++
		return nil
	}
	if err := w.dir(ctx, path.Join(s.Dir, s.Name)); err != nil {
		return err
	}
	for i := range w.suspects {
		if n := &w.suspects[i].Suspect; !n.walked && n.Dir == s.Dir && n.Name == s.Name {
			n.lists = s.lists + 1
		}
	}
	return nil
}
