package mounted

import (
	"context"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"

	"brickyard/setup/machine"
)

// What every client of GlusterFS shows at the root of its mount, also at that of a sub-directory, without asking a brick
// (xlators/meta, GlusterFS 9 to 11).
const (
	volfile   = "/.meta/graphs/active/volfile"
	arguments = "/.meta/cmdline"
)

// Look asks the mount's client what it shows. One that hangs, or has lost its process, tells nothing.
func Look(ctx context.Context, run machine.Exec, mnt *mountinfo.Info) Seen {
	seen := Seen{FSType: mnt.FSType, Source: mnt.Source, Root: mnt.Root}
	if mnt.FSType != "fuse.glusterfs" || mnt.Root != "/" {
		return seen
	}
	const most = "4194304" // bytes: the volfile of some thousand bricks
	var text [2]string
	for i, file := range []string{volfile, arguments} {
		out, err := machine.Ask(ctx, run, "head", "-c", most, mnt.Mountpoint+file)
		if err != nil {
			return seen
		}
		text[i] = string(out)
	}
	seen.Graph = graphOf(text[0], text[1])
	return seen
}

var subdirectory = regexp.MustCompile(`--subdir-mount=(\S+)`)

// graphOf reads a client's volfile and its arguments.
func graphOf(volfile, arguments string) Graph {
	var g Graph
	add := func(to *[]string, value string) {
		if !slices.Contains(*to, value) {
			*to = append(*to, value)
		}
	}
	for line := range strings.Lines(volfile) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "option" {
			continue
		}
		switch f[1] {
		case "volume-id":
			add(&g.VolumeIDs, f[2])
		case "remote-host":
			add(&g.Hosts, f[2])
		}
	}
	if m := subdirectory.FindStringSubmatch(arguments); m != nil {
		g.Subdirectory = strings.Trim(m[1], `/"`)
	}
	return g
}

// Resolve asks the system for the addresses of a name, for as long as a mount may take to answer.
func Resolve(ctx context.Context, run machine.Exec) func(host string) []netip.Addr {
	return func(host string) []netip.Addr {
		ctx, cancel := context.WithTimeout(ctx, machine.Patience)
		defer cancel()
		found, _ := machine.Resolve(ctx, run, host) //nolint:errcheck // a name that nobody knows proves nothing, whyever
		return found
	}
}
