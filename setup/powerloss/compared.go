package powerloss

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"brickyard/setup/beneath"
)

// With which bricks a brick was compared after a power cut lies beside it,
// because it serves before all of them were there, and the machine may be
// rebooted in between. They are told by who they are (actual.ID); former
// versions noted the names of their nodes, which count for nothing.

func comparedPath(brick string) string {
	return filepath.Join(filepath.Dir(brick), ".gluster-setup-compared")
}

// Compared are the bricks with which a brick was compared since it last lost
// power.
func Compared(brick string) ([]string, error) {
	text, err := beneath.ReadState(comparedPath(brick))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.Fields(string(text)), err
}

// SetCompared remembers them.
func SetCompared(brick string, with []string) error {
	return beneath.WriteState(comparedPath(brick), []byte(strings.Join(with, "\n")+"\n"))
}

// ForgetCompared is for a brick that is complete, or lost power again.
func ForgetCompared(brick string) error { return beneath.RemoveState(comparedPath(brick)) }
