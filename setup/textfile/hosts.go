package textfile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// HostLine is one line of /etc/hosts.
type HostLine struct {
	Address netip.Addr
	Names   []string // the canonical name first
}

// String is the line as written to the file.
func (h HostLine) String() string { return h.Address.String() + " " + strings.Join(h.Names, " ") }

// EditHosts returns the text of /etc/hosts with the given lines as its managed
// block. A name that the rest of the file gives another address is a problem.
// The name of this host (self) may stand at a loopback address as well, as
// Debian's installer writes it; that of another node may not stand at a local
// address of any family, for GlusterFS takes it for this host then.
func EditHosts(text string, lines []string, self string, local func(netip.Addr) bool) (string, []Problem) {
	f, problem := Split(text)
	if problem != nil {
		return "", []Problem{*problem}
	}
	want := wanted(lines)
	var problems []Problem
	for _, line := range f.Outside() {
		h, ok := parseHost(line.Text)
		if !ok {
			continue
		}
		for _, n := range h.Names {
			w, ours := want[strings.ToLower(n)]
			if !ours {
				continue
			}
			own, here := w.isNamed(self), local(h.Address)
			why := ""
			switch {
			case own && h.Address.IsLoopback():
				continue
			case !own && here:
				why = ": GlusterFS would take it for this machine"
			case !w.contradicts(h.Address):
				continue
			}
			problems = append(problems, Problem{
				Line:    line.Number,
				Problem: fmt.Sprintf("%q gives %s the address %s, the cluster file says %s%s", strings.TrimSpace(line.Text), n, h.Address, w, why),
				Remedy:  "remove the name from this line, or correct nodes." + w.names[0] + ".address in the cluster file",
			})
		}
	}
	return f.With(lines), problems
}

// NamedHost is a line of /etc/hosts with its place.
type NamedHost struct {
	Line int // 1-based
	HostLine
}

// Hosts are the entries of the whole text of /etc/hosts, our block's included.
func Hosts(text string) []NamedHost {
	var out []NamedHost
	number := 0
	for line := range strings.Lines(text) {
		number++
		if h, ok := parseHost(strings.TrimRight(line, "\r\n")); ok {
			out = append(out, NamedHost{Line: number, HostLine: h})
		}
	}
	return out
}

// Has reports whether the line gives its address this name.
func (h HostLine) Has(name string) bool {
	return slices.ContainsFunc(h.Names, func(n string) bool { return strings.EqualFold(n, name) })
}

// LostHosts returns the names, one for each line that should be in our block, that the text gives another address or none; and whether
// our block is in it. The name of this host (self) may stand at a loopback address alone.
func LostHosts(text string, lines []string, self string) (names []string, block bool) {
	have := Hosts(text)
	for _, l := range lines {
		want, ok := parseHost(l)
		if !ok {
			continue
		}
		there := slices.ContainsFunc(have, func(h NamedHost) bool {
			own := want.Has(self) && h.Has(self) && h.Address.IsLoopback()
			return own || h.Address == want.Address && h.Has(want.Names[0])
		})
		if !there {
			names = append(names, want.Names[0])
		}
	}
	f, problem := Split(text)
	return names, problem == nil && f.found
}

// wantedName is what our block says about one name.
type wantedName struct {
	names     []string // of its line, the canonical one first
	addresses []netip.Addr
}

// wanted returns what the block says about each name, in lower case.
func wanted(lines []string) map[string]wantedName {
	want := map[string]wantedName{}
	for _, l := range lines {
		h, ok := parseHost(l)
		if !ok {
			continue
		}
		for _, n := range h.Names {
			w := want[strings.ToLower(n)]
			if w.names == nil {
				w.names = h.Names
			}
			w.addresses = append(w.addresses, h.Address)
			want[strings.ToLower(n)] = w
		}
	}
	return want
}

func (w wantedName) isNamed(name string) bool {
	return slices.ContainsFunc(w.names, func(n string) bool { return strings.EqualFold(n, name) })
}

// contradicts reports whether another address for the name is a second one of
// a family of which the block already gives one.
func (w wantedName) contradicts(a netip.Addr) bool {
	family := func(b netip.Addr) bool { return a.Is4() == b.Is4() }
	return !slices.Contains(w.addresses, a) && slices.ContainsFunc(w.addresses, family)
}

func (w wantedName) String() string {
	words := make([]string, 0, len(w.addresses))
	for _, a := range w.addresses {
		words = append(words, a.String())
	}
	return strings.Join(words, " and ")
}

// parseHost reads an entry; comments, empty lines and lines that the resolver
// would skip as well are not ok.
func parseHost(line string) (HostLine, bool) {
	line, _, _ = strings.Cut(line, "#")
	fields := asciiFields(line)
	if len(fields) < 2 {
		return HostLine{}, false
	}
	addr, err := netip.ParseAddr(fields[0])
	if err != nil {
		return HostLine{}, false
	}
	return HostLine{Address: addr.Unmap(), Names: fields[1:]}, true
}
