// Package volfilter lets GlusterFS start bricks on a tmpfs that keeps no user
// attributes, as no tmpfs of Linux before 6.6 does.
//
// A brick asks its file system for the attribute "user.x" when it starts, and
// ends where there are no such attributes, unless its volfile says
// "mandate-attribute off" (posix_init, xlators/storage/posix/src/posix-common.c,
// 9.2 to 11.1). No volume option sets that. But glusterd runs the programs in its
// directory "filter" on each volfile that it writes (volgen_apply_filters,
// xlators/mgmt/glusterd/src/glusterd-volgen.c): this package puts one there, and
// runs it on the volfiles that were written before. GlusterFS itself keeps
// nothing in user attributes; clients' own are refused on such a volume.
package volfilter

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Node is what GlusterFS and the kernel of a machine have.
type Node struct {
	Keeps    bool              // a tmpfs keeps user attributes
	Dirs     []string          // where each GlusterFS that is installed looks for filters
	Filters  map[string]string // our filters that are there, by path
	Volfiles map[string]string // glusterd's volfiles of bricks, by path
}

// Act is one thing to do; the paths are those of the machine.
type Act struct {
	Action string // write, remove or edit
	Path   string
	Text   string // of the filter to write
	By     string // the filter that makes an edit
}

// The actions.
const (
	Write  = "write"
	Remove = "remove"
	Edit   = "edit"
)

// name is of our filter in the directory of filters.
const name = "gluster-setup-tmpfs"

// Decide says what is to be done so that the bricks, given as directories on
// tmpfs, start, and so that nothing is left behind where they do by themselves.
func Decide(n Node, bricks []string) []Act {
	needed := !n.Keeps && len(bricks) > 0
	text := Filter(bricks)
	var out []Act
	var wanted []string
	for _, dir := range n.Dirs {
		if path := filepath.Join(dir, name); needed {
			wanted = append(wanted, path)
			if n.Filters[path] != text {
				out = append(out, Act{Action: Write, Path: path, Text: text})
			}
		}
	}
	for path := range n.Filters {
		if !slices.Contains(wanted, path) {
			out = append(out, Act{Action: Remove, Path: path})
		}
	}
	for path, volfile := range n.Volfiles {
		if len(wanted) > 0 && refused(volfile, bricks) {
			out = append(out, Act{Action: Edit, Path: path, By: wanted[0]})
		}
	}
	// Filters first: edits are made by one.
	slices.SortFunc(out, func(a, b Act) int {
		if rank := order(a) - order(b); rank != 0 {
			return rank
		}
		return strings.Compare(a.Path, b.Path)
	})
	return out
}

func order(a Act) int { return slices.Index([]string{Write, Remove, Edit}, a.Action) }

// refused reports whether the brick of a volfile is one of these and asks for user attributes.
func refused(volfile string, bricks []string) bool {
	ours := false
	for line := range strings.Lines(volfile) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "option" {
			continue
		}
		switch words[1] {
		case option:
			return false
		case "directory":
			ours = slices.Contains(bricks, words[2])
		}
	}
	return ours
}

const option = "mandate-attribute"

// Still are the bricks and, beside them, those that our filters name and that glusterd has a volfile for: a cluster file that has
// lost a volume must not keep its bricks from starting.
func Still(n Node, bricks []string) []string {
	out := slices.Clone(bricks)
	for _, text := range n.Filters {
		for _, m := range filtered.FindAllStringSubmatch(text, -1) {
			brick := strings.ReplaceAll(m[1], `\.`, ".")
			if !slices.Contains(out, brick) && served(n.Volfiles, brick) {
				out = append(out, brick)
			}
		}
	}
	slices.Sort(out[len(bricks):])
	return out
}

// filtered is a line of our filter with its brick.
var filtered = regexp.MustCompile(`(?m)^  -e '\\\|\^ \*option directory (\S+)\$\|a`)

func served(volfiles map[string]string, brick string) bool {
	for _, text := range volfiles {
		for line := range strings.Lines(text) {
			if words := strings.Fields(line); len(words) == 3 && words[0] == "option" && words[1] == "directory" && words[2] == brick {
				return true
			}
		}
	}
	return false
}

// Filter is the program that glusterd runs, for bricks given as directories.
func Filter(bricks []string) string {
	var b strings.Builder
	b.WriteString(`#!/bin/sh
# Written by gluster-setup apply; edits are lost. glusterd runs this on each volfile
# that it writes. The bricks below lie on a tmpfs, and that of this kernel keeps no
# user attributes (Linux before 6.6): GlusterFS starts a brick without them only
# where its volfile says so.
grep -q '` + option + `' "$1" && exit 0
exec sed -i \
`)
	for _, brick := range bricks {
		b.WriteString(`  -e '\|^ *option directory ` + strings.ReplaceAll(brick, ".", `\.`) + `$|a\    option ` + option + ` off' \` + "\n")
	}
	b.WriteString(`  "$1"` + "\n")
	return b.String()
}
