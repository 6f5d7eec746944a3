package check

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	humanize "github.com/dustin/go-humanize"

	"brickyard/gluster"
)

// WriteDifference prints a difference for a person: what each brick has.
func WriteDifference(w io.Writer, volume string, set int, bricks []gluster.Brick, d Difference) error {
	var b strings.Builder
	fmt.Fprintf(&b, "volume %s, replica set %d: %s\n", volume, set, Printable(d.Path))
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, f := range d.Findings {
		for i, v := range f.Values {
			kind := ""
			if i == 0 {
				kind = string(f.Kind)
			}
			fmt.Fprintf(t, "  %s\t%s\t%s\n", kind, bricks[i], Printable(v))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Printable is a path in which nothing can play with a terminal.
func Printable(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\uFFFD' }) {
		return fmt.Sprintf("%q", path)
	}
	return path
}

// WriteSummary prints how each set came out, and what to do about it.
func WriteSummary(w io.Writer, results []SetResult) error {
	var b strings.Builder
	kinds := map[Kind]bool{}
	for _, r := range results {
		words := []string{fmt.Sprintf("%s entries", humanize.Comma(r.Entries))}
		if r.Content {
			words = append(words, humanize.IBytes(uint64(max(0, r.Bytes)))+" of contents") //nolint:gosec // not negative
		}
		bricks := ""
		if len(r.Bricks) > 0 { // those that could be compared
			bricks = " (" + strings.Join(r.Bricks, ", ") + ")"
		}
		fmt.Fprintf(&b, "volume %s, replica set %d%s: compared %s in %s: ", r.Volume, r.Set, bricks,
			strings.Join(words, ", "), time.Duration(r.Duration*float64(time.Second)).Round(100*time.Millisecond))
		var came []string
		if r.Different > 0 {
			came = append(came, humanize.Comma(r.Different)+" DIFFER ("+kindWords(r.Differing)+")")
		}
		if r.Waiting > 0 {
			came = append(came, humanize.Comma(r.Waiting)+" wait to be healed")
		}
		if r.Busy > 0 {
			came = append(came, humanize.Comma(r.Busy)+" changed at every look")
		}
		if !r.Complete {
			came = append(came, "NOT COMPLETE: "+r.Problem)
		}
		fmt.Fprintln(&b, cmp.Or(strings.Join(came, "; "), "no differences"))
		for k, n := range r.Differing {
			kinds[k] = kinds[k] || n > 0
		}
	}
	if len(results) == 0 {
		fmt.Fprintln(&b, "nothing to compare: no replica set of this file is this node's to look at")
	}
	first := true
	for _, k := range Kinds() {
		if !kinds[k] {
			continue
		}
		if first {
			fmt.Fprintln(&b, "\nWhat to do (docs/check.md), in a client mount, when you know which copy is right:")
			first = false
		}
		fmt.Fprintf(&b, "  %-10s %s\n", k, Remedy(k))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func kindWords(differing map[Kind]int64) string {
	var words []string
	for _, k := range Kinds() {
		if n := differing[k]; n > 0 {
			words = append(words, fmt.Sprintf("%s %d", k, n))
		}
	}
	return strings.Join(words, ", ")
}

// Remedy says what to do about a difference.
func Remedy(k Kind) string {
	switch k {
	case Missing:
		return "to keep it: \"stat PATH\" or, of a directory, \"find PATH\", and then \"gluster volume heal VOLUME\"; to lose it: remove it"
	case Extra:
		return "only one brick has it: remove it; or keep it, as one that is missing"
	case Size, Content:
		return "copy the right one from its brick to a new name in the mount, and rename it over PATH"
	case Mode:
		return "\"chmod MODE PATH\" sets it on all bricks"
	case Owner:
		return "\"chown USER:GROUP PATH\" sets it on all bricks"
	case Target:
		return "remove the link and make it anew"
	case XattrKind:
		return "\"setfattr\" or \"setfacl\" sets it on all bricks"
	case GFID, TypeKind:
		return "two different files: copy what is right aside from its brick, then \"gluster volume heal VOLUME split-brain source-brick HOST:BRICK PATH\""
	case NoGFIDKind:
		return "a name that GlusterFS did not finish making: remove it from that brick's own directory if it is empty"
	case UnreadableKd:
		return "look at the brick's file system and its log in /var/log/glusterfs/bricks"
	default:
		return ""
	}
}

// Sum adds up results: whether everything was compared, and whether it is equal.
func Sum(results []SetResult) (complete, different bool) {
	complete = !slices.ContainsFunc(results, func(r SetResult) bool { return !r.Complete || r.Waiting > 0 })
	return complete, slices.ContainsFunc(results, func(r SetResult) bool { return r.Different > 0 })
}
