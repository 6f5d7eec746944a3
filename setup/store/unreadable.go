package store

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"
)

// MoveUnreadable moves volumes aside that keep glusterd from starting, which gets
// them from its peers. dir is glusterd's working directory.
func MoveUnreadable(dir, proc string, now time.Time, log *slog.Logger) error {
	node, err := Look(dir, proc)
	if err != nil {
		return fmt.Errorf("look at glusterd's store: %w", err)
	}
	if node.Running {
		log.Warn("a volume in glusterd's store cannot be read, but a glusterd runs: it is left alone",
			"directory", filepath.Join(dir, "vols"))
	}
	var errs []error
	for _, v := range Decide(node) {
		path := filepath.Join(dir, "vols", v.Volume)
		if v.Stays != "" {
			log.Error("glusterd cannot read a volume and will not start: write the file that is missing or empty "+
				"after the model of the others beside it, or take the directory from a backup",
				"volume", v.Volume, "directory", path, "damage", v.Damage, "not_moved_aside", v.Stays)
			continue
		}
		aside, err := MoveAside(dir, v.Volume, now)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		log.Warn("glusterd could not have read a volume, and would not have started: it is moved aside, "+
			"and glusterd gets it from its peers", "volume", v.Volume, "damage", v.Damage, "aside", aside)
	}
	return errors.Join(errs...)
}
