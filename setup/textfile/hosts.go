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
// Debian's installer writes it.
func EditHosts(text string, lines []string, self string) (string, []Problem) {
	f, problem := Split(text)
	if problem != nil {
		return "", []Problem{*problem}
	}
	want := map[string]netip.Addr{}
	var own []string
	for _, l := range lines {
		h, ok := parseHost(l)
		if !ok {
			continue
		}
		for _, n := range h.Names {
			want[strings.ToLower(n)] = h.Address
		}
		if slices.Contains(h.Names, self) {
			own = h.Names
		}
	}
	var problems []Problem
	for _, line := range f.Outside() {
		h, ok := parseHost(line.Text)
		if !ok {
			continue
		}
		for _, n := range h.Names {
			addr, ours := want[strings.ToLower(n)]
			if !ours || addr == h.Address || (h.Address.IsLoopback() && slices.Contains(own, n)) || addr.Is4() != h.Address.Is4() {
				continue
			}
			problems = append(problems, Problem{
				Line:    line.Number,
				Problem: fmt.Sprintf("%q gives %s the address %s, the cluster file says %s", strings.TrimSpace(line.Text), n, h.Address, addr),
				Remedy:  "remove the name from this line, or correct nodes." + n + ".address in the cluster file",
			})
		}
	}
	return f.With(lines), problems
}

// parseHost reads an entry; comments, empty lines and lines that the resolver
// would skip as well are not ok.
func parseHost(line string) (HostLine, bool) {
	line, _, _ = strings.Cut(line, "#")
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return HostLine{}, false
	}
	addr, err := netip.ParseAddr(fields[0])
	if err != nil {
		return HostLine{}, false
	}
	return HostLine{Address: addr.Unmap(), Names: fields[1:]}, true
}
