package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"brickyard/gluster"
)

// Set is a replica set of a volume as its clients know it.
type Set struct {
	Bricks []gluster.Brick
	// Accusations are the extended attributes by which a brick of the set notes
	// that another, in the order of Bricks, lacks changes.
	Accusations []string
	volfiles    []string // of a client that knows this brick alone
}

// block is one translator of a volfile.
type block struct {
	name, kind string
	options    map[string]string
	lines      []string // as they stand there, without volume and end-volume
	below      []string // subvolumes
}

var errVolfile = errors.New("is no volfile of a replicated volume")

// Sets reads the volfile of a volume's clients: its replica sets in order, and
// for each brick a volfile with the client of this brick and nothing above it.
// inet6 is for pools that talk IPv6, which the volfile does not say.
func Sets(text string, inet6 bool) ([]Set, error) {
	blocks, err := blocksOf(text)
	if err != nil {
		return nil, err
	}
	var sets []Set
	for _, b := range blocks {
		if b.kind != "cluster/replicate" {
			continue
		}
		var s Set
		for i, name := range b.below {
			k := slices.IndexFunc(blocks, func(b block) bool { return b.name == name && b.kind == "protocol/client" })
			if k < 0 {
				return nil, fmt.Errorf("the volfile %w: %s has no client %s", errVolfile, b.name, name)
			}
			c := blocks[k]
			s.Bricks = append(s.Bricks, gluster.Brick{
				Host: c.options["remote-host"], Path: c.options["remote-subvolume"],
				Arbiter: b.options["arbiter-count"] == "1" && i == len(b.below)-1,
			})
			s.volfiles = append(s.volfiles, c.volfile(inet6))
			s.Accusations = append(s.Accusations, "trusted.afr."+b.pending(i))
		}
		if len(s.Bricks) > 1 {
			sets = append(sets, s)
		}
	}
	if len(sets) == 0 {
		return nil, fmt.Errorf("the volfile %w", errVolfile)
	}
	return sets, nil
}

// pending is by what name a translator notes changes that its client i lacks:
// the client's own, unless the volfile says otherwise, which keeps the name when
// a brick was replaced.
func (b block) pending(i int) string {
	if names := strings.Split(b.options["afr-pending-xattr"], ","); i < len(names) && names[i] != "" {
		return names[i]
	}
	return b.below[i]
}

// volfile is the client alone.
func (b block) volfile(inet6 bool) string {
	var out strings.Builder
	fmt.Fprintf(&out, "volume %s\n    type %s\n", b.name, b.kind)
	for _, l := range b.lines {
		if inet6 && strings.HasPrefix(l, "option transport.address-family ") {
			l = "option transport.address-family inet6"
		}
		fmt.Fprintf(&out, "    %s\n", l)
	}
	if _, has := b.options["transport.address-family"]; inet6 && !has {
		out.WriteString("    option transport.address-family inet6\n")
	}
	out.WriteString("end-volume\n")
	return out.String()
}

func blocksOf(text string) ([]block, error) {
	var blocks []block
	var b *block
	number := 0
	for l := range strings.Lines(text) {
		number++
		l = strings.TrimSpace(l)
		word, rest, _ := strings.Cut(l, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case l == "" || strings.HasPrefix(l, "#"):
		case b == nil && word == "volume":
			b = &block{name: rest, options: map[string]string{}}
		case b == nil:
			return nil, fmt.Errorf("line %d of the volfile: %q outside of a volume", number, l)
		case word == "end-volume":
			blocks, b = append(blocks, *b), nil
		case word == "type":
			b.kind = rest
		case word == "subvolumes":
			b.below = strings.Fields(rest)
		case word == "option":
			key, value, _ := strings.Cut(rest, " ")
			b.options[key], b.lines = strings.TrimSpace(value), append(b.lines, l)
		}
	}
	if b != nil {
		return nil, fmt.Errorf("the volfile ends within volume %s", b.name)
	}
	return blocks, nil
}
