package stop

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/desired"
)

// stopping begins the names of the volume options by which nodes say that they are being stopped. A node's word stands under
// its UUID in the pool. For nodes of former versions, and for nobody else, it stands a second time under the number of the
// node in the cluster file, which is another one in another file.
const stopping = actual.OwnWords + "stopping"

func optionOf(peer string) string { return stopping + "." + strings.ToLower(peer) }

// formerOption is where former versions have the word of a node of the cluster file; "" of another one.
func formerOption(pool desired.Pool, node string) string {
	i := slices.IndexFunc(pool.Servers, func(s desired.Server) bool { return s.Name == node })
	if i < 0 {
		return ""
	}
	return fmt.Sprintf("%s-%d", stopping, i)
}

// claim is the word that a node left in a volume, if it did. One that stands under its number alone is that of a former
// version, unless another node said the same: each names the node's boot and time. It is pure.
func claim(v gluster.Volume, pool desired.Pool, peer, node string) (word, bool) {
	if w, ok := spoken(v.Options[optionOf(peer)]); ok && peer != "" {
		return w, true
	}
	value := v.Options[formerOption(pool, node)]
	for name, other := range v.Options {
		if strings.HasPrefix(name, stopping+".") && name != optionOf(peer) && other == value {
			return word{}, false
		}
	}
	return spoken(value)
}

// claimOptions are the pairs that leave a node's word in a volume: under who it is, under its number, and, where it takes its word
// back, under the number that it had in the cluster file when it gave it. It is pure.
func claimOptions(v gluster.Volume, pool desired.Pool, peer, node, word string) []string {
	var names []string
	if peer != "" {
		names = append(names, optionOf(peer))
	}
	if former := formerOption(pool, node); former != "" {
		names = append(names, former)
	}
	before := v.Options[optionOf(peer)]
	for _, name := range slices.Sorted(maps.Keys(v.Options)) {
		if _, said := spoken(before); said && strings.HasPrefix(name, stopping+"-") && v.Options[name] == before && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var out []string
	for _, name := range names {
		value := word
		if strings.HasPrefix(name, stopping+"-") && name != formerOption(pool, node) {
			value = withdrawn
		}
		out = append(out, name, value)
	}
	return out
}
