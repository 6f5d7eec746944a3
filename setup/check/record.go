package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"brickyard/setup/machine"
)

// Record is the file in which check leaves the last result of every replica
// set that this node compared, for the exporter and for whoever looks later.
// Keys do not change their meaning.
type Record struct {
	Updated time.Time   `json:"updated"`
	Sets    []SetResult `json:"sets"`
}

// recordedDifferences is how many differences of a set stay in the file.
const recordedDifferences = 100

// ReadRecord reads the file; one that does not exist is empty.
func ReadRecord(path string) (Record, error) {
	var r Record
	text, err := os.ReadFile(path) //nolint:gosec // our own word, in a directory of root's
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return Record{}, fmt.Errorf("%s: %w: remove the file, it is written anew", path, err)
	}
	return r, nil
}

// With returns the record with new results in the place of those before.
// Replica sets that keep does not know are forgotten.
func (r Record) With(results []SetResult, now time.Time, keep func(volume string, set int) bool) Record {
	out := Record{Updated: now.UTC().Truncate(time.Second), Sets: []SetResult{}}
	for _, s := range slices.Concat(results, r.Sets) {
		if n := len(s.Differences) - recordedDifferences; n > 0 {
			s.Differences, s.LeftOut = s.Differences[:recordedDifferences], s.LeftOut+int64(n)
		}
		there := slices.ContainsFunc(out.Sets, func(o SetResult) bool { return o.Volume == s.Volume && o.Set == s.Set })
		if !there && keep(s.Volume, s.Set) {
			out.Sets = append(out.Sets, s)
		}
	}
	slices.SortFunc(out.Sets, func(a, b SetResult) int {
		return 2*strings.Compare(a.Volume, b.Volume) + min(1, max(-1, a.Set-b.Set))
	})
	return out
}

// Write replaces the file as a whole.
func (r Record) Write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return machine.WriteFile(path, append(text, '\n'), 0o600) // names of files are nobody else's business
}
