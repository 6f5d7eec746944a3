package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"brickyard/setup/machine"
	"brickyard/setup/powerloss"
	"brickyard/setup/resync"
)

// Journal is the file in which recover leaves what it did and what it waits
// for, for status and for the exporter. Keys do not change their meaning.
type Journal struct {
	Updated time.Time      `json:"updated"`
	Bricks  []BrickJournal `json:"bricks"`
	Emptied []Emptied      `json:"emptied"` // oldest first
	// Unclean are the starts without a clean stop before, and Resynced the
	// comparisons after them, of this node's bricks, oldest first.
	Unclean  []powerloss.Unclean `json:"unclean"`
	Resynced []Resynced          `json:"resynced"`
}

// BrickJournal is one brick of this node.
type BrickJournal struct {
	Volume string    `json:"volume"`
	Set    int       `json:"replica_set"` // 1-based
	Path   string    `json:"path"`
	Action Action    `json:"action"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"` // of this action
	// Starts is how often glusterd was told in vain to start the brick, and Started when it last was.
	Starts  int       `json:"starts,omitempty"`
	Started time.Time `json:"started,omitzero"`
	// Heals is how often the self-heal daemons were told to look without any progress, Told when they last were, and Left
	// how many entries waited then.
	Heals int       `json:"heals,omitempty"`
	Told  time.Time `json:"told,omitzero"`
	Left  int       `json:"left,omitempty"`
	// Suspect says that the brick may have lost what it had acknowledged, and
	// Compared how many names the comparison that is under way has seen.
	Suspect  bool  `json:"suspect"`
	Compared int64 `json:"compared"`
	// Ignored is a file beside the brick that is not root's, in words; "" where there is none.
	Ignored string `json:"ignored,omitempty"`
}

// Emptied is one time that contents were thrown away or begun anew.
type Emptied struct {
	Volume string    `json:"volume"`
	Set    int       `json:"replica_set"` // 1-based
	Brick  string    `json:"brick"`
	Time   time.Time `json:"time"`
	Reason string    `json:"reason"`
}

// Resynced is a comparison of a suspect brick that came to its end, or the
// decision that it serves without one.
type Resynced struct {
	Volume   string    `json:"volume"`
	Set      int       `json:"replica_set"` // 1-based
	Path     string    `json:"path"`
	Source   string    `json:"source"` // those it was compared with; "" where nobody knew better
	Unproven bool      `json:"unproven"`
	Started  time.Time `json:"started"`
	Duration float64   `json:"duration_seconds"`
	resync.Result
}

// keepPast bounds the lists of the past.
const keepPast = 100

// ReadJournal reads the file; one that does not exist is empty.
func ReadJournal(path string) (Journal, error) {
	var j Journal
	text, err := os.ReadFile(path) //nolint:gosec // our own word, in a directory of root's
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return j, err
	}
	if err := json.Unmarshal(text, &j); err != nil {
		return Journal{}, fmt.Errorf("%s: %w: remove the file, it is written anew", path, err)
	}
	return j, nil
}

func latest[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list[max(0, len(list)-keepPast):]
}

// Write replaces the file as a whole.
func (j Journal) Write(path string) error {
	j.Emptied, j.Unclean, j.Resynced = latest(j.Emptied), latest(j.Unclean), latest(j.Resynced)
	text, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	return machine.WriteFile(path, append(text, '\n'), 0o644)
}

// look says what this machine has lost, once.
func (r *Runner) look() {
	if r.Lost == nil {
		return
	}
	lost := r.Lost()
	if lost != "" && lost != r.lost {
		r.Log.Error(lost) //nolint:sloglint // a sentence for persons
	}
	r.lost = lost
}
