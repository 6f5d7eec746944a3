package desired

import (
	"slices"
	"strings"
)

// ReadyVolfile is the name under which a server's glusterd hands out the list of
// the bricks that its host part has prepared. The node that leads reads it
// before it creates a volume. Trying is no way to find out: GlusterFS
// would put a brick on whatever file system is there, and a glusterd that was
// asked for its own host name before /etc/hosts has it refuses the name until
// it is restarted (gf_is_local_addr keeps the answer).
const ReadyVolfile = "gluster-setup"

const readyPrefix = "brick "

// InfoVolfile is the name under which a server's glusterd hands out its own file of a volume, by a link that the host part
// makes: glusterd tells nobody the version in which it has a volume, and two that have different ones say so in their logs only.
func InfoVolfile(volume string) string { return ReadyVolfile + "-" + volume }

// FileVolfile is the name under which a server's glusterd hands out which cluster file its node applied last, by a link that the
// host part makes. No volume has a dot in its name.
const FileVolfile = ReadyVolfile + "-cluster.file"

// Ready is the text of ReadyVolfile once the host part is done.
func (s *State) Ready() string {
	b := strings.Builder{}
	b.WriteString("# Written by gluster-setup apply: the bricks that this node has prepared.\n")
	for _, path := range s.bricks() {
		b.WriteString(readyPrefix + path + "\n")
	}
	return b.String()
}

// Bricks are the bricks of a volume on this node, as directories.
func (s *State) Bricks(volume string) []string {
	var paths []string
	for _, m := range s.BrickMounts {
		if m.Volume == volume {
			paths = append(paths, m.BrickPath)
		}
	}
	for _, d := range s.Directories {
		if d.Volume == volume {
			paths = append(paths, d.BrickPath)
		}
	}
	return paths
}

func (s *State) bricks() []string {
	var paths []string
	for _, m := range s.BrickMounts {
		paths = append(paths, m.BrickPath)
	}
	for _, d := range s.Directories {
		paths = append(paths, d.BrickPath)
	}
	return paths
}

// IsReady reports whether a text that Ready made names a brick.
func IsReady(text, brick string) bool {
	return slices.Contains(strings.Split(text, "\n"), readyPrefix+brick)
}
