package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"brickyard/setup/machine"
)

// Journal is the file in which recover leaves what it did and what it waits
// for, for status and for the exporter. Keys do not change their meaning.
type Journal struct {
	Updated time.Time      `json:"updated"`
	Bricks  []BrickJournal `json:"bricks"`
	Emptied []Emptied      `json:"emptied"` // oldest first
}

// BrickJournal is one brick of this node.
type BrickJournal struct {
	Volume string    `json:"volume"`
	Set    int       `json:"replica_set"` // 1-based
	Path   string    `json:"path"`
	Action Action    `json:"action"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"` // of this action
}

// Emptied is one time that contents were thrown away or begun anew.
type Emptied struct {
	Volume string    `json:"volume"`
	Set    int       `json:"replica_set"` // 1-based
	Brick  string    `json:"brick"`
	Time   time.Time `json:"time"`
	Reason string    `json:"reason"`
}

// keepEmptied bounds the list of the past.
const keepEmptied = 100

// ReadJournal reads the file; one that does not exist is empty.
func ReadJournal(path string) (Journal, error) {
	var j Journal
	text, err := os.ReadFile(path)
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

// Write replaces the file as a whole.
func (j Journal) Write(path string) error {
	if n := len(j.Emptied) - keepEmptied; n > 0 {
		j.Emptied = j.Emptied[n:]
	}
	text, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	return machine.WriteFile(path, append(text, '\n'), 0o644)
}
