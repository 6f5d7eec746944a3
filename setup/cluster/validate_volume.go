package cluster

import (
	"fmt"
	"slices"
	"strings"
)

const minSize = 16 << 20

// minXFS is the smallest file system that mkfs.xfs makes (xfsprogs 5.19 and
// later).
const minXFS = 300 << 20

func (v validator) volume(name string, n *node) {
	if message, hint := volumeNameProblem(name); message != "" {
		v.r.atKey(n, message, hint)
	}
	if n.kind != kindMap {
		return
	}
	vol := v.c.Volumes[name]
	what := "volume " + name
	v.replica(what, vol, n)
	v.bricks(what, vol, n)
	v.oneOf(what, n.get("profile"), ProfileCache, ProfileWeb, ProfileNone)
	v.options(what, vol, n)
	v.access(name, what, vol, n)
	v.owner(what, vol, n)
}

// oneOf checks a key that takes one word out of a few.
func (v validator) oneOf(what string, n *node, words ...string) {
	if n == nil || n.bad {
		return
	}
	if slices.Contains(words, n.text) {
		return
	}
	hint := "write one of " + strings.Join(words, ", ")
	if near := nearest(n.text, words); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	key := n.path[strings.LastIndexByte(n.path, '.')+1:]
	v.r.at(n, fmt.Sprintf("%s: %s %q is unknown", what, key, n.text), hint)
	n.bad = true
}

func (v validator) replica(what string, vol Volume, n *node) {
	replica, arbiter := n.get("replica"), n.get("arbiter")
	switch {
	case n.lacks("replica"):
		v.r.atKey(n, what+" has no replica", "add `replica: 3`, or `replica: 2`, which can end in split-brain")
		return
	case replica == nil || replica.bad:
		return
	case vol.Replica == 1:
		v.r.at(replica, what+": replica 1 keeps no second copy", "write 2 or 3")
	case vol.Replica > 3:
		v.r.at(replica, fmt.Sprintf("%s: replica %d is more than 3", what, vol.Replica),
			"write 3; bricks beyond the replica count make a distributed volume")
	case vol.Replica != 2 && vol.Replica != 3:
		v.r.at(replica, fmt.Sprintf("%s: replica %d is not a number of copies", what, vol.Replica), "write 2 or 3")
	}
	switch {
	case arbiter == nil || arbiter.bad || vol.Arbiter == 0:
	case vol.Arbiter != 1:
		v.r.at(arbiter, fmt.Sprintf("%s: arbiter %d is not possible", what, vol.Arbiter), "a replica set has one arbiter: write 1")
	case vol.Replica == 2:
		v.r.at(arbiter, what+": an arbiter needs replica 3", "write `replica: 3`: two nodes with data and one arbiter in each replica set")
	}
}

func (v validator) bricks(what string, vol Volume, n *node) {
	bricks := n.get("bricks")
	if n.lacks("bricks") {
		v.r.atKey(n, what+" has no bricks", "add `bricks:` with nodes and one of tmpfs, disk and directory")
	}
	if bricks == nil || bricks.bad || bricks.kind != kindMap {
		return
	}
	v.brickNodes(what, vol, n.get("replica"), bricks)
	v.brickPlace(what, bricks)
	if tmpfs := bricks.get("tmpfs"); tmpfs != nil && vol.Bricks.Tmpfs != nil && tmpfs.kind == kindMap {
		v.tmpfs(what, *vol.Bricks.Tmpfs, tmpfs)
	}
	if disk := bricks.get("disk"); disk != nil && vol.Bricks.Disk != nil && disk.kind == kindMap {
		v.disk(what, vol, disk)
	}
	v.path(what, bricks.get("directory"))
}

func (v validator) brickNodes(what string, vol Volume, replica, bricks *node) {
	list := bricks.get("nodes")
	if bricks.lacks("nodes") {
		v.r.atKey(bricks, what+": bricks has no nodes", "add `nodes:` with the nodes that hold a brick, in the order of the replica sets")
	}
	if list == nil || list.bad {
		return
	}
	v.fileNames(what, vol, list)
	v.nodeList(what, list, "a volume has one brick on a node: two copies on one machine are lost together")
	count := len(list.items)
	if replica == nil || replica.bad || (vol.Replica != 2 && vol.Replica != 3) || (count > 0 && count%vol.Replica == 0) {
		return
	}
	hint := fmt.Sprintf("give %d nodes, or another multiple of %d", vol.Replica, vol.Replica)
	if count > vol.Replica {
		down := count / vol.Replica * vol.Replica
		hint = fmt.Sprintf("give %d or %d nodes", down, down+vol.Replica)
	}
	if count == 2 && vol.Arbiter == 1 {
		hint = "add the arbiter's node as the third"
	}
	v.r.at(list, fmt.Sprintf("%s: %s cannot be grouped into replica sets of %d", what, plural(count, "brick node"), vol.Replica), hint)
}

// fileNames reports bricks for which GlusterFS could not name its files:
// VOLUME.HOST.PATH.vol has to fit into a directory entry.
func (v validator) fileNames(what string, vol Volume, list *node) {
	const longest = 255
	name := strings.TrimPrefix(what, "volume ")
	for _, item := range list.items {
		length := len(name) + len(".") + len(item.text) + len(".") + len(BrickPath(vol)) - 1 + len(".vol")
		if item.bad || length <= longest {
			continue
		}
		v.r.at(item, fmt.Sprintf("%s: the names of volume, node and brick path are too long together", what),
			fmt.Sprintf("GlusterFS makes a file name of them, which has %d characters and may have %d; shorten one of them", length, longest))
		return
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// brickPlace checks that exactly one of the three places is given.
func (v validator) brickPlace(what string, bricks *node) {
	var given []string
	for _, key := range bricks.keys {
		if key == "tmpfs" || key == "disk" || key == "directory" {
			given = append(given, key)
		}
	}
	switch {
	case len(given) == 0 && bricks.lacks("tmpfs") && bricks.lacks("disk") && bricks.lacks("directory"):
		v.r.atKey(bricks, what+": bricks says nothing of where they lie", "add one of tmpfs, disk and directory")
	case len(given) > 1:
		v.r.atKey(bricks.values[given[1]], fmt.Sprintf("%s has bricks on %s", what, strings.Join(given, " and on ")), "keep one of them")
	}
}

func (v validator) tmpfs(what string, t Tmpfs, n *node) {
	v.required(what, "tmpfs", n, "mount", "add `mount:` with the directory to mount it on")
	v.required(what, "tmpfs", n, "size", "add `size:`, such as `size: 512m`; without a limit a full cache takes the machine's memory")
	v.path(what, n.get("mount"))
	v.size(what, n.get("size"), t.Size, minSize)
}

func (v validator) disk(what string, vol Volume, n *node) {
	d := *vol.Bricks.Disk
	v.required(what, "disk", n, "mount", "add `mount:` with the directory to mount it on")
	v.required(what, "disk", n, "device", "add `device:` with /dev/..., UUID=..., LABEL=... or the path of an image file")
	v.path(what, n.get("mount"))
	v.oneOf(what, n.get("fstype"), FstypeXFS, FstypeExt4)
	v.oneOf(what, n.get("durability"), DurabilitySync, DurabilityAsync)
	least := Size(minSize)
	if d.Fstype == FstypeXFS {
		least = minXFS
	}
	v.size(what, n.get("size"), d.Size, least)
	v.device(what, vol, n)
}

// required reports a key that is missing, unless an unknown one may be meant
// for it.
func (v validator) required(what, parent string, n *node, key, hint string) {
	if n.lacks(key) {
		v.r.atKey(n, fmt.Sprintf("%s: %s has no %s", what, parent, key), hint)
	}
}

func (v validator) path(what string, n *node) {
	if n == nil || n.bad {
		return
	}
	if message, hint := pathProblem(n.text); message != "" {
		v.r.at(n, what+": "+message, hint)
		n.bad = true
	}
}

func (v validator) size(what string, n *node, size, least Size) {
	switch {
	case n == nil || n.bad:
	case size < least && least == minXFS:
		v.r.at(n, fmt.Sprintf("%s: size %s is less than %s", what, size, least), "mkfs.xfs makes no smaller file system; write 300m or more, or `fstype: ext4`")
	case size < least:
		v.r.at(n, fmt.Sprintf("%s: size %s is less than %s", what, size, least), "GlusterFS needs room for its own files; write 16m or more")
	case size%pageSize != 0:
		v.r.at(n, fmt.Sprintf("%s: size %s is no multiple of 4k", what, size), fmt.Sprintf("the kernel counts in pages; write %s", (size/pageSize+1)*pageSize))
	}
}
