package recovery

import (
	"strings"

	"brickyard/gluster"
	"brickyard/setup/actual"
)

// command sets pairs of options; it is nil without any.
func command(volume string, pairs []string) gluster.Command {
	if len(pairs) == 0 {
		return nil
	}
	return gluster.VolumeSet(volume, pairs[0], pairs[1], pairs[2:]...)
}

// tell is the command that publishes the state of a brick of this node.
func tell(l actual.Local, p actual.Published, more ...string) gluster.Command {
	return command(l.Set.Volume, append(l.Words.Say(l.Brick().Number, actual.State(p)), more...))
}

// startForce starts the processes of bricks that are down. In spite of its name
// it forces nothing else on a volume that is started: glusterd leaves a brick
// whose directory is missing alone. Nothing else starts a single brick.
func startForce(volume string) gluster.Command {
	return append(gluster.VolumeStart(volume), "force")
}

// sanitize makes a text fit for one line of a log.
func sanitize(s string) string { return strings.Join(strings.Fields(s), " ") }
