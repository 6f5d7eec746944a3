package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// fresh is how long after a change other clients may still show what was
// before: their caches are told about it, or forget within a second; emulated
// machines are slow.
const fresh = 5 * time.Second

// reader reads what the record says is there, or gone, through one client,
// and compares. What is changed meanwhile, or just was, is not judged.
type reader struct {
	*record
	machines *machines
	name     string // of the machine
	mount    string
	first    string // path of what its mount showed at first, "" where nobody kept that
	since    time.Time
	forgets  bool // names may be missing
	rng      *rand.Rand
	say      func(string, ...any)

	mu     sync.Mutex
	reads  int
	stale  int
	errors int
	told   int
}

// work begins when the volume is mounted on the machine, which must be taking
// commands, and ends when it is told to, or the machine does not answer.
func (r *reader) work(ctx context.Context, stop <-chan struct{}) error {
	if r.first != "" {
		if err := r.judgeFirst(ctx, stop); err != nil {
			return err
		}
	}
	h, err := r.machines.hands(r.name, r.mount)
	if err != nil {
		return err
	}
	defer h.close()
	for {
		select {
		case <-stop:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond): // machines need time to heal
		}
		if err := r.one(ctx, h); err != nil {
			return err
		}
	}
}

// judgeFirst compares all that the mount showed when it had just come up.
func (r *reader) judgeFirst(ctx context.Context, stop <-chan struct{}) error {
	h, err := r.machines.hands(r.name, "/")
	if err != nil {
		return err
	}
	defer h.close()
	before := r.settled(r.since.Add(-fresh))
	for {
		got, err := h.do(ctx, op{Kind: opLook, Path: r.first})
		if err != nil {
			return err
		}
		if got.Entry.Type == file {
			break
		}
		select {
		case <-stop:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(300 * time.Millisecond):
		}
	}
	text, err := r.machines.on(ctx, r.name, "cat "+r.first)
	if err != nil {
		return err
	}
	shown, err := decode[reply](text)
	if err != nil {
		return err
	}
	seen := shown.Tree
	if seen == nil {
		seen = map[string]entry{}
	}
	for name := range before {
		if _, ok := seen[name]; !ok {
			seen[name] = entry{} // must be so, or is missed
		}
	}
	if shown.Error != "" {
		r.say("   . %s, when its mount came up: %s", r.name, shown.Error)
		r.fail()
	}
	r.judged(seen, before, r.since.Add(-fresh))
	r.say("   %s: %d names at the moment when its mount came up", r.name, len(shown.Tree))
	return nil
}

// done is at how many names it has looked.
func (r *reader) done() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reads
}

func (r *reader) fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors++
}

// judged compares, and counts.
func (r *reader) judged(seen, before map[string]entry, since time.Time) {
	wrong := r.judge(seen, before, since)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads += len(seen)
	for _, name := range wrong {
		switch {
		case r.forgets && seen[name] == (entry{}):
			continue
		case seen[name].Type == unreadable: // no lie
			r.errors++
		default:
			r.stale++
		}
		if r.told++; r.told <= 12 {
			began := since.Add(fresh)
			r.say("   ! read on %s: %s is %v, not %v: as it was acknowledged %.1f s before; the look took %.1f s",
				r.name, name, seen[name], before[name], r.age(name, began).Seconds(), time.Since(began).Seconds())
		}
	}
}

// one reads one name, and sometimes lists a directory.
func (r *reader) one(ctx context.Context, h doer) error {
	since := time.Now().Add(-fresh)
	before := r.settled(since)
	if len(before) == 0 {
		return nil
	}
	if r.rng.IntN(10) > 0 {
		names := make([]string, 0, len(before))
		for n := range before {
			names = append(names, n)
		}
		slices.Sort(names)
		name := names[r.rng.IntN(len(names))]
		got, err := h.do(ctx, op{Kind: opLook, Path: name})
		if err != nil {
			return err
		}
		r.judged(map[string]entry{name: got.Entry}, before, since)
		return nil
	}
	dirs := []string{""}
	for n, e := range before {
		if e.Type == directory {
			dirs = append(dirs, n)
		}
	}
	slices.Sort(dirs)
	dir := dirs[r.rng.IntN(len(dirs))]
	got, err := h.do(ctx, op{Kind: opList, Path: dir})
	if err == nil && got.Error != "" {
		// GlusterFS does not carry a listing that is under way over to another
		// brick: who lists sees an error, and lists again.
		got, err = h.do(ctx, op{Kind: opList, Path: dir})
	}
	if err != nil {
		return err
	}
	if got.Error != "" {
		r.fail()
		return nil
	}
	seen, want := listed(dir, got.Names, before)
	r.judged(seen, want, since)
	return nil
}
