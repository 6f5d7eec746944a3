package agree

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/desired"
)

// Copy is how one server has a volume.
type Copy struct {
	Server  string
	Missing bool   // it does not know the volume at all
	Version uint64 // 0 where the server does not tell it
	Trait   string // in what it differs from the newest: "stopped", "network.ping-timeout=10"; "" where only the version tells
}

// Difference is a volume that servers which accept each other have in different versions.
type Difference struct {
	Volume string
	Newest []string // the servers that have the newest version
	Copy   Copy     // as these have it; Server is the first of them
	Others []Copy   // as the others have it
}

// Differences compares what the servers say, each volume on its own, with those that were not asked about it left out. It is pure.
func Differences(nodes []actual.Node) []Difference {
	names := map[string]bool{}
	for _, v := range nodes {
		for _, volume := range v.Volumes {
			names[volume.Name] = true
		}
	}
	var found []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		asked := slices.DeleteFunc(slices.Clone(nodes), func(v actual.Node) bool { return slices.Contains(v.Unasked, name) })
		if d := difference(name, asked); len(d.Others) > 0 {
			found = append(found, d)
		}
	}
	return found
}

func difference(name string, nodes []actual.Node) Difference {
	of := func(v actual.Node) *gluster.Volume {
		i := slices.IndexFunc(v.Volumes, func(volume gluster.Volume) bool { return volume.Name == name })
		if i < 0 {
			return nil
		}
		return &v.Volumes[i]
	}
	newest := slices.MaxFunc(nodes, func(a, b actual.Node) int {
		return cmp.Or(cmp.Compare(knows(of(a)), knows(of(b))), cmp.Compare(a.Versions[name], b.Versions[name]))
	})
	d := Difference{Volume: name, Copy: Copy{Server: newest.Name, Version: newest.Versions[name]}}
	for _, v := range nodes {
		other := Copy{Server: v.Name, Version: v.Versions[name]}
		volume := of(v)
		if volume == nil {
			other.Missing = true
			d.Others = append(d.Others, other)
			continue
		}
		here, there := traits(*of(newest), *volume)
		apart := d.Copy.Version != 0 && other.Version != 0 && d.Copy.Version != other.Version
		if here == there && !apart {
			d.Newest = append(d.Newest, v.Name)
			continue
		}
		if d.Copy.Trait == "" {
			d.Copy.Trait = here
		}
		other.Trait = there
		d.Others = append(d.Others, other)
	}
	return d
}

func knows(v *gluster.Volume) int {
	if v == nil {
		return 0
	}
	return 1
}

// traits says in what two servers have a volume differently, what an administrator thinks of first.
func traits(a, b gluster.Volume) (string, string) {
	if a.ID != b.ID {
		return "id " + a.ID, "id " + b.ID
	}
	if a.Status != b.Status {
		return strings.ToLower(a.Status.String()), strings.ToLower(b.Status.String())
	}
	if !slices.Equal(a.Bricks, b.Bricks) {
		return fmt.Sprintf("bricks %v", a.Bricks), fmt.Sprintf("bricks %v", b.Bricks)
	}
	if name, is := Option(a, b, func(name string) bool { return strings.HasPrefix(name, actual.OwnWords) }); is {
		return setting(a, name), setting(b, name)
	}
	return "", ""
}

func setting(v gluster.Volume, name string) string {
	value, set := v.Options[name]
	if !set {
		return "no " + name
	}
	return name + "=" + value
}

// unread is an option that glusterd sets on every volume, and that GlusterFS 11 tells no more after a restart, although its
// file of the volume has it: what servers tell of it is no difference.
const unread = "nfs.disable"

// Option names the first option, of those that are not left out, that two servers have differently in a volume.
func Option(a, b gluster.Volume, out func(name string) bool) (name string, differs bool) {
	all := maps.Clone(a.Options)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, b.Options)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		x, here := a.Options[k]
		y, there := b.Options[k]
		if k != unread && !out(k) && (x != y || here != there) {
			return k, true
		}
	}
	return "", false
}

// Both returns those of the later differences that were there before, with the same server as far behind.
func Both(before, later []Difference) []Difference {
	behind := map[string]bool{}
	key := func(d Difference, c Copy) string {
		if c.Version != 0 {
			return fmt.Sprint(d.Volume, " ", c.Server, " ", c.Version)
		}
		return fmt.Sprint(d.Volume, " ", c)
	}
	for _, d := range before {
		for _, c := range d.Others {
			behind[key(d, c)] = true
		}
	}
	var out []Difference
	for _, d := range later {
		d.Others = slices.DeleteFunc(slices.Clone(d.Others), func(c Copy) bool { return !behind[key(d, c)] })
		if len(d.Others) > 0 {
			out = append(out, d)
		}
	}
	return out
}

// Together are the servers that this node's glusterd, or the one that was asked in its place, has in its pool and is
// connected to: only those should have the volumes alike. It is pure.
func Together(servers []desired.Server, node string, peers []gluster.Peer) []string {
	var out []string
	for _, s := range servers {
		if slices.ContainsFunc(peers, func(p gluster.Peer) bool {
			return p.Local && s.Name == node || !p.Local && p.Connected && p.State == gluster.PeerInCluster && s.Is(p.Names)
		}) {
			out = append(out, s.Name)
		}
	}
	return out
}

// Of are those nodes that are some servers.
func Of(nodes []actual.Node, servers []string) []actual.Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(v actual.Node) bool { return !slices.Contains(servers, v.Name) })
}
