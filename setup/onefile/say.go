package onefile

import (
	"fmt"
	"strings"

	"brickyard/setup/change"
)

// CodeOlder is the code of the conflict about a file that others have replaced.
const CodeOlder = "older-file"

// About says of a server that has another file than this run which one and since when, with what to do; "" of one that has the same
// or does not say.
func (v View) About(server string) string {
	for _, a := range v.Others {
		if a.Server == server {
			return v.about(a)
		}
	}
	return ""
}

func (v View) about(a Answer) string {
	r := v.relation(a.Word)
	if r == same {
		return ""
	}
	words := fmt.Sprintf("%s has another cluster file (%s, here %s), applied %s by its own clock", a.Server, a.Word.short(), short(v.File), a.Word.since())
	if a.Word.Program != v.Program {
		words += " with gluster-setup " + a.Word.Program + ", here " + v.Program
	}
	switch r {
	case newer:
		return words + ", which replaced this one: copy that one here and run apply here, or " + v.back()
	case older:
		if _, known := v.number(); !known && (v.Own == nil || v.Own.Number < a.Word.Number) {
			words += ", and this node never had it (compare the two: apply here takes back what only that one has)"
		}
		return words + ": copy this one there and run apply there, or copy that one here if it is right, and run apply here"
	default:
		return words + ": find out which one is right, copy it to the other node, and run apply on both"
	}
}

// back says how to return to the file of this run.
func (v View) back() string {
	return fmt.Sprintf("run apply here with --allow %s:%s, which takes back what the other one changed", CodeOlder, v.Node)
}

// Differing says of every server that has another file which one and since when.
func (v View) Differing() []string {
	var words []string
	for _, a := range v.Others {
		if w := v.about(a); w != "" {
			words = append(words, w)
		}
	}
	return words
}

// Unsure says of whom it is not known, and who has another version of the program.
func (v View) Unsure() []string {
	var words []string
	for _, a := range v.Others {
		switch {
		case a.Silent:
			words = append(words, a.Server+" did not answer: what it knows of the pool, and which cluster file it has, is not known here; see that glusterd runs there and answers (systemctl status glusterd), then run this again")
		case a.Word == nil:
			words = append(words, a.Server+" does not say which cluster file it has: apply of this version has not run there")
		case a.Word.Program != v.Program && v.relation(a.Word) == same:
			words = append(words, fmt.Sprintf("%s applied the cluster file with gluster-setup %s, here is %s: install the same version on both, and run apply there", a.Server, a.Word.Program, v.Program))
		}
	}
	return words
}

// Refusal is the conflict of a run that would take back what others have applied since, and nil where it may go on.
func (v View) Refusal() *change.Conflict {
	replacedBy := v.Newer()
	if len(replacedBy) == 0 || v.Allowed {
		return nil
	}
	var who []string
	for _, a := range replacedBy {
		who = append(who, fmt.Sprintf("%s (%s, applied %s by its own clock)", a.Server, a.Word.short(), a.Word.since()))
	}
	return &change.Conflict{
		Code: CodeOlder, Object: v.Node,
		Problem: fmt.Sprintf("the cluster file here (%s) was replaced by another one on %s: this run would take back what that one changed", short(v.File), strings.Join(who, " and ")),
		Remedy:  "copy the cluster file of " + replacedBy[0].Server + " here and run apply here; or, if the one here is right, " + v.back(),
	}
}

func (w Word) since() string { return w.Applied.UTC().Format("2006-01-02 15:04:05 UTC") }

func (w Word) short() string { return short(w.File) }

// short are as many digits of a digest as persons compare.
func short(digest string) string { return digest[:min(8, len(digest))] }
