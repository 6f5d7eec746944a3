// Package departed finds what the cluster file has lost of volumes that exist: such a file would take a brick, or what brings
// it back at boot, away from them.
package departed

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/textfile"
)

// Seen is what a machine has of volumes.
type Seen struct {
	Stored []gluster.StoredVolume // glusterd's own files have them, running or not
	UUID   string                 // this node's in the pool, "" where glusterd never ran
	Fstab  string                 // the text of /etc/fstab
	Ready  string                 // what apply told the other nodes of prepared bricks
	Asked  map[string]Answer      // of volumes that only a mount tells of
}

// Answer is what the servers of a volume said.
type Answer struct {
	Exists bool
	Why    string // nobody knows
}

// Decide says what a person must do before anything may be changed on this node; file is the cluster file.
func Decide(s *desired.State, file string, see Seen) []change.Conflict {
	var out []change.Conflict
	for _, v := range see.Stored {
		here := bricks(s, v, see)
		if !ours(v, here, see) {
			continue
		}
		if _, named := s.Pool.Volume(v.Name); !named {
			out = append(out, volumeLeft(v.Name, file, here))
			continue
		}
		for _, path := range here {
			if !slices.Contains(s.Bricks(v.Name), path) {
				out = append(out, brickLeft(v.Name, file, s.Node, path))
			}
		}
	}
	for _, volume := range unnamed(s, see) {
		a := see.Asked[volume]
		switch places := Mounts(see.Fstab, volume); {
		case a.Exists:
			out = append(out, volumeLeft(volume, file, nil))
		case a.Why != "":
			out = append(out, change.Conflict{
				Code: "volume-unasked", Object: "volume " + volume,
				Problem: fmt.Sprintf("%s does not have volume %s any more, this node has it in our lines of /etc/fstab, and nobody says whether it still exists: %s", file, volume, a.Why),
				Remedy: fmt.Sprintf("write volumes.%s back into %s; or let one of its servers answer, and run apply again; or, if they are gone for good, run \"umount %s\", and remove the lines with %s from our block in /etc/fstab",
					volume, file, strings.Join(places, " "), strings.Join(places, " and ")),
			})
		}
	}
	return out
}

// Bricks are those of this node that exist, and that the cluster file does not have, by volume.
func Bricks(s *desired.State, see Seen) map[string][]string {
	out := map[string][]string{}
	for _, v := range see.Stored {
		here := bricks(s, v, see)
		if !ours(v, here, see) {
			continue
		}
		for _, path := range here {
			if !slices.Contains(s.Bricks(v.Name), path) {
				out[v.Name] = append(out[v.Name], path)
			}
		}
	}
	return out
}

// bricks are those of a volume on this node.
func bricks(s *desired.State, v gluster.StoredVolume, see Seen) []string {
	var here []string
	for _, b := range v.Bricks {
		if see.UUID != "" && b.PeerUUID == see.UUID || ownServer(s).Is([]string{b.Host}) {
			here = append(here, b.Path)
		}
	}
	return here
}

// ours reports whether a volume was made, or adopted, by a cluster file. Others may have volumes in the same pool, and this node's
// glusterd may be of another pool than the one that it mounts volumes of, with volumes of the same names.
func ours(v gluster.StoredVolume, here []string, see Seen) bool {
	for option := range v.Options {
		if strings.HasPrefix(option, actual.OwnWords) {
			return true
		}
	}
	return slices.ContainsFunc(here, func(path string) bool { return desired.IsReady(see.Ready, path) })
}

func volumeLeft(volume, file string, here []string) change.Conflict {
	problem := fmt.Sprintf("%s does not have volume %s any more, and the volume still exists", file, volume)
	if len(here) > 0 {
		problem += ", with this node's brick " + strings.Join(here, " and ")
	}
	return change.Conflict{
		Code: "volume-left", Object: "volume " + volume, Problem: problem + ": nothing of it is taken away by a line that is missing",
		Remedy: fmt.Sprintf("write volumes.%[1]s back into %[2]s; or, if nobody needs its files any more, run \"gluster --mode=script volume stop %[1]s && gluster --mode=script volume delete %[1]s\" on one of its servers, and then apply on all nodes",
			volume, file),
	}
}

func brickLeft(volume, file, node, path string) change.Conflict {
	return change.Conflict{
		Code: "brick-left", Object: "volume " + volume,
		Problem: fmt.Sprintf("it has a brick on this node, %s, and %s does not have that one any more: nothing is taken away from a brick that is in use", path, file),
		Remedy: fmt.Sprintf("correct volumes.%s.bricks in %s, so that it has the brick %s on %s (\"gluster volume info %[1]s\" shows all of them); or move it with \"gluster volume replace-brick\" first, and run apply again",
			volume, file, path, node),
	}
}

// ownServer are this node's names and address.
func ownServer(s *desired.State) desired.Server {
	server := desired.Server{Name: s.Node, Address: s.Addresses[s.Node]}
	for _, h := range s.Hosts {
		if slices.Contains(h.Names, s.Node) {
			server.Aliases = h.Names
		}
	}
	return server
}

// unnamed are the volumes that our lines in /etc/fstab mount, and that neither the cluster file nor this node's glusterd has.
func unnamed(s *desired.State, see Seen) []string {
	var out []string
	for _, e := range lines(see.Fstab) {
		volume := gluster.ParseDevice(e.Spec).Volume
		_, named := s.Pool.Volume(volume)
		stored := slices.ContainsFunc(see.Stored, func(v gluster.StoredVolume) bool { return v.Name == volume })
		if !named && !stored && !slices.Contains(out, volume) {
			out = append(out, volume)
		}
	}
	return out
}

// lines are our lines in /etc/fstab that mount volumes.
func lines(fstab string) []textfile.Fstab {
	var out []textfile.Fstab
	for _, l := range textfile.Block(fstab) {
		if e, ok := textfile.ParseFstab(l); ok && e.Type == "glusterfs" {
			out = append(out, e)
		}
	}
	return out
}

// Mounts are where our lines in the text of /etc/fstab mount a volume.
func Mounts(fstab, volume string) []string {
	var out []string
	for _, e := range lines(fstab) {
		if gluster.ParseDevice(e.Spec).Volume == volume {
			out = append(out, e.File)
		}
	}
	return out
}

// StillMounts reports whether our lines in the fstab file at a path mount a volume.
func StillMounts(path, volume string) bool {
	text, err := os.ReadFile(path) //nolint:gosec // /etc/fstab
	return err == nil && len(Mounts(string(text), volume)) > 0
}

// servers are those that our lines in /etc/fstab would ask for a volume.
func servers(fstab, volume string) []string {
	var out []string
	add := func(names ...string) {
		for _, n := range names {
			if n != "" && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	for _, e := range lines(fstab) {
		d := gluster.ParseDevice(e.Spec)
		if d.Volume != volume {
			continue
		}
		add(d.Servers...)
		for _, o := range e.Options {
			if more, ok := strings.CutPrefix(o, "backup-volfile-servers="); ok {
				add(strings.Split(more, ":")...)
			}
		}
	}
	return out
}
