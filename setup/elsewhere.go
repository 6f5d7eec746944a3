package main

import (
	"errors"
	"log/slog"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/host"
)

// elsewhere looks for a glusterd whose store or socket is not in its usual place.
func elsewhere() (gluster.Elsewhere, error) { return gluster.FindElsewhere("/", "/proc") }

// usualPlace refuses to work beside such a glusterd.
func usualPlace() error {
	e, err := elsewhere()
	if err != nil {
		return err
	}
	if c, ok := host.RefuseElsewhere(e); ok {
		return change.Conflicts{c}
	}
	return nil
}

// storeInSight reports whether glusterd's store is where this program looks for it, and logs where it is not: who starts
// glusterd is not kept from it.
func storeInSight(log *slog.Logger) bool {
	err := usualPlace()
	if err != nil {
		log.Error("glusterd's store may not be where it is looked for", "error", err)
	}
	_, surely := errors.AsType[change.Conflicts](err)
	return !surely
}
