package cluster

import (
	"fmt"
	"slices"
	"strings"
)

// place is a path that a volume's bricks, a client mount or an image file
// takes.
type place struct {
	path  string
	what  string // such as "the bricks of volume server"
	nodes []string
	node  *node
	image bool // a file, not a directory
}

// places reports directories that two users take on one node, or of which one
// lies inside the other: whichever is mounted first is hidden by, or depends
// on, the second.
func (v validator) places(root *node) {
	all := v.allPlaces(root)
	byNode := map[string][]place{}
	for _, p := range all {
		for _, name := range p.nodes {
			byNode[name] = append(byNode[name], p)
		}
	}
	reported := map[[2]*node]bool{}
	for _, name := range v.c.NodeOrder {
		list := byNode[name]
		// A slash that sorts before everything else puts a directory's
		// contents right behind it.
		slices.SortStableFunc(list, func(a, b place) int {
			return strings.Compare(strings.ReplaceAll(a.path, "/", "\x00"), strings.ReplaceAll(b.path, "/", "\x00"))
		})
		var outer []place
		for _, p := range list {
			for len(outer) > 0 && !within(p.path, outer[len(outer)-1].path) {
				outer = outer[:len(outer)-1]
			}
			if len(outer) > 0 {
				v.collision(name, outer[len(outer)-1], p, reported)
			}
			outer = append(outer, p)
		}
	}
}

func (v validator) collision(name string, a, b place, reported map[[2]*node]bool) {
	if a.node == b.node || (a.image && b.image) || reported[[2]*node{a.node, b.node}] {
		return
	}
	reported[[2]*node{a.node, b.node}] = true
	first, second := a, b
	if b.node.line < a.node.line || (b.node.line == a.node.line && b.node.column < a.node.column) {
		first, second = b, a
	}
	const hint = "give each a directory of its own, none inside the other"
	switch {
	case a.path == b.path && a.what == b.what:
		v.r.at(second.node, fmt.Sprintf("on node %s, %s is taken twice by %s", name, a.path, a.what), "keep one of the two")
	case a.path == b.path:
		v.r.at(second.node, fmt.Sprintf("on node %s, %s is taken by both %s and %s", name, a.path, first.what, second.what), hint)
	default:
		v.r.at(second.node, fmt.Sprintf("on node %s, %s (%s) lies inside %s (%s)", name, b.path, b.what, a.path, a.what), hint)
	}
}

// allPlaces lists the directories in the order of the file. Paths that were
// refused already are left out.
func (v validator) allPlaces(root *node) []place {
	var all []place
	add := func(n *node, what string, nodes []string) {
		if n != nil && !n.bad {
			all = append(all, place{path: n.text, what: what, nodes: nodes, node: n})
		}
	}
	for _, name := range v.c.VolumeOrder {
		bricks := root.get("volumes").get(name).get("bricks")
		nodes := unique(v.c.Volumes[name].Bricks.Nodes)
		what := "the bricks of volume " + name
		for _, key := range []string{"tmpfs", "disk"} {
			add(bricks.get(key).get("mount"), what, nodes)
		}
		add(bricks.get("directory"), what, nodes)
	}
	mounts := root.get("mounts")
	for i, m := range v.c.Mounts {
		add(mounts.items[i].get("path"), "the mount of volume "+m.Volume, unique(m.Nodes))
	}
	return append(all, v.imagePlaces(root)...)
}

// imagePlaces lists image files: none may lie where something is mounted,
// because it would be hidden or gone.
func (v validator) imagePlaces(root *node) []place {
	var all []place
	for _, name := range v.c.VolumeOrder {
		vol := v.c.Volumes[name]
		field := root.get("volumes").get(name).get("bricks").get("disk").get("device")
		if vol.Bricks.Disk == nil || field == nil || field.bad {
			continue
		}
		vol.Bricks.Disk.Device.each(func(node, device string) {
			at, nodes := field, unique(vol.Bricks.Nodes)
			if node != "" {
				at, nodes = field.values[node], []string{node}
			}
			own := vol.Bricks.Disk.Mount
			if KindOf(device) == ImageFile && !at.bad && device != own {
				all = append(all, place{path: device, what: "the image file of volume " + name, nodes: nodes, node: at, image: true})
			}
		})
	}
	return all
}

func unique(list []string) []string {
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
