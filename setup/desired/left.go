package desired

import (
	"path"
	"slices"
	"strings"

	"brickyard/setup/cluster"
)

// DropIn is the file by which glusterd's unit knows of the bricks' file systems.
func DropIn() string { return path.Join(unitDir, dropIn) }

// WaitTemplate is the unit of which client mounts require an instance.
func WaitTemplate() string { return UnitPath("gluster-setup-wait@.service") }

// BrickOf is the brick on a file system of its own.
func BrickOf(mount string) string { return path.Join(mount, cluster.BrickDir) }

// OwnUnits are all units that any cluster file has apply write, in the order in which they are taken away: what starts others
// first. Units without this name and mark are somebody else's.
func OwnUnits() []string {
	return []string{
		"gluster-setup-check.timer", "gluster-setup-check.service", "gluster-setup-recover.timer", "gluster-setup-recover.service",
		"gluster-setup-hold.service", "gluster-setup-guard.service", ExporterUnit, ExporterSocket,
	}
}

// unitMark begins the first line of every unit and drop-in that apply writes.
const unitMark = "# Written by gluster-setup apply"

// Marked reports whether a unit says that apply wrote it.
func Marked(text string) bool {
	return slices.ContainsFunc(strings.Split(text, "\n"), func(line string) bool { return strings.HasPrefix(line, unitMark) })
}

// mark makes a unit of a replaced template say so, too.
func (s *State) mark(text string) string {
	if Marked(text) {
		return text
	}
	return unitMark + " from " + s.ClusterFile + "; edits are lost.\n" + text
}
