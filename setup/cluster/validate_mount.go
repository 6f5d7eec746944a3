package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (v validator) mount(m Mount, n *node) {
	if n.kind != kindMap {
		return
	}
	what := "mount"
	if m.Path != "" {
		what = "mount " + m.Path
	}
	v.mountVolume(what, n)
	if n.lacks("path") {
		v.r.at(n, what+" has no path", "add `path:` with the directory to mount the volume on")
	}
	v.path("mount", n.get("path"))
	switch nodes := n.get("nodes"); {
	case n.lacks("nodes"):
		v.r.at(n, what+" has no nodes", "add `nodes:` with the nodes that mount the volume")
	case nodes == nil || nodes.bad:
	case len(nodes.items) == 0:
		v.r.at(nodes, what+": nodes is empty", "list the nodes that mount the volume, or remove the mount")
	default:
		v.nodeList(what, nodes, "remove one of the two")
	}
	v.mountOptions(what, n.get("options"))
}

func (v validator) mountVolume(what string, n *node) {
	volume := n.get("volume")
	if n.lacks("volume") {
		v.r.at(n, what+" has no volume", "add `volume:` with the name of the volume")
	}
	if volume == nil || volume.bad {
		return
	}
	if _, ok := v.c.Volumes[volume.text]; ok {
		return
	}
	hint := "add it to volumes"
	if near := nearest(volume.text, v.c.VolumeOrder); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	} else if len(v.c.VolumeOrder) > 0 {
		hint = "add it to volumes, or use one of " + strings.Join(v.c.VolumeOrder, ", ")
	}
	v.r.at(volume, fmt.Sprintf("%s: volume %s is not declared in volumes", what, volume.text), hint)
}

func (v validator) mountOptions(what string, list *node) {
	if list == nil || list.bad {
		return
	}
	seen := map[string]bool{}
	for _, item := range list.items {
		if item.bad {
			continue
		}
		name, _, _ := strings.Cut(item.text, "=")
		if message, hint := mountOptionProblem(item.text); message != "" {
			v.r.at(item, what+": "+message, hint)
		} else if seen[name] {
			v.r.at(item, fmt.Sprintf("%s: option %s is there twice", what, name), "keep one of the two")
		}
		seen[name] = true
	}
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(c string) bool { return strings.EqualFold(c, s) })
}
