package recovery

import (
	"fmt"
	"strings"

	"brickyard/gluster"
)

// Values of the options below, beside those of Published.
const (
	isComplete = "complete"
	yes, no    = "yes", "no"
)

// What nodes tell each other lives in options of the volume, so that glusterd
// carries it to every node and keeps it over reboots. One key a brick: two nodes
// never write the same one.
const (
	stateOption   = "user.brickyard-brick-%d"    // of brick number N: wiped or refilling
	givenUpOption = "user.brickyard-given-up-%d" // of brick number N: yes or no
	rebuildOption = "user.brickyard-rebuild-%d"  // of replica set number N: a person allowed to begin anew
)

// PublishedOf reads what is told about brick number i (0-based, in the order of
// the volume's brick list).
// GlusterFS cannot reset an option of this kind: words that no longer hold are
// overwritten.
func PublishedOf(v gluster.Volume, i int) Published {
	switch p := Published(v.Options[fmt.Sprintf(stateOption, i)]); p {
	case IsWiped, Refilling, IsSuspect, Behind, Unproven:
		return p
	default:
		return Nothing
	}
}

func givenUp(v gluster.Volume, i int) bool {
	return v.Options[fmt.Sprintf(givenUpOption, i)] == yes
}

func rebuildAllowed(v gluster.Volume, set int) bool {
	return v.Options[fmt.Sprintf(rebuildOption, set)] == yes
}

// tell is the command that publishes the state of a brick.
func tell(volume string, brick int, p Published) gluster.Command {
	word := string(p)
	if p == Nothing {
		word = isComplete
	}
	return gluster.VolumeSet(volume, fmt.Sprintf(stateOption, brick), word)
}

// startForce starts the processes of bricks that are down. In spite of its name
// it forces nothing else on a volume that is started: glusterd leaves a brick
// whose directory is missing alone. Nothing else starts a single brick.
func startForce(volume string) gluster.Command {
	return append(gluster.VolumeStart(volume), "force")
}

// sanitize makes a text fit for one line of a log.
func sanitize(s string) string { return strings.Join(strings.Fields(s), " ") }
