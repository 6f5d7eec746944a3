package onefile

import (
	"slices"
	"time"
)

// Answer is what one other server says.
type Answer struct {
	Server string
	Silent bool  // it did not answer at all
	Word   *Word // nil also where it does not say, as former versions
}

// View is the cluster file of this run beside what this node and the others applied last.
type View struct {
	Node    string
	File    string // Digest of the file of this run
	Program string // the version of this program
	Allowed bool   // to take back what others have applied since
	Own     *Word  // nil where this node never applied a file
	Others  []Answer
}

// relation of another node's file to the one of this run.
type relation int

const (
	same relation = iota
	different
	newer
	older
)

// relation is what a word says about its file and the one of this run.
func (v View) relation(w *Word) relation {
	n, known := v.number()
	switch {
	case w == nil || w.File == v.File:
		return same
	case known && w.Number > n:
		return newer
	case known && w.Number < n:
		return older
	case known:
		return different
	case !slices.Contains(w.Replaced, v.File) || v.Own != nil && v.Own.Number >= w.Number:
		return older // nobody has had the file of this run, or this node had theirs: it comes after all of them
	default:
		return newer
	}
}

// number of the file of this run, where a node applied it last.
func (v View) number() (n uint64, known bool) {
	for _, w := range v.words() {
		if w.File == v.File {
			n, known = max(n, w.Number), true
		}
	}
	return n, known
}

// words are all that are known.
func (v View) words() []*Word {
	var all []*Word
	if v.Own != nil {
		all = append(all, v.Own)
	}
	for _, a := range v.Others {
		if a.Word != nil {
			all = append(all, a.Word)
		}
	}
	return all
}

// Newer are the servers whose file replaced the one of this run.
func (v View) Newer() []Answer {
	return slices.DeleteFunc(slices.Clone(v.Others), func(a Answer) bool { return v.relation(a.Word) != newer })
}

// Next is the word of this node once the file of this run is applied, and whether it differs from the one that it has.
func (v View) Next(now time.Time) (Word, bool) {
	own := Word{}
	if v.Own != nil {
		own = *v.Own
	}
	top := uint64(0)
	for _, w := range v.words() {
		top = max(top, w.Number)
	}
	replacedBy := v.Newer()
	n, known := v.number()
	back := len(replacedBy) > 0 && v.Allowed
	if back || !known && len(replacedBy) == 0 {
		n = top + 1
	} // a file that others have replaced, of which nobody allowed the return, stays below theirs
	if own.File == v.File && own.Number == n && own.Program == v.Program {
		return own, false
	}
	next := Word{File: v.File, Number: n, Applied: own.Applied, Program: v.Program, Replaced: slices.Clone(own.Replaced)}
	if own.File != v.File || back {
		next.Applied = now
	}
	replace := []string{own.File}
	if back {
		for _, a := range replacedBy {
			replace = append(replace, a.Word.File)
		}
	}
	for _, file := range replace {
		next.Replaced = slices.DeleteFunc(next.Replaced, func(d string) bool { return d == file || d == v.File })
		if file != "" && file != v.File {
			next.Replaced = append(next.Replaced, file)
		}
	}
	next.Replaced = next.Replaced[max(0, len(next.Replaced)-maxReplaced):]
	return next, true
}
