package bench

import (
	"encoding/json"
	"io"
)

// Result is what a run measured, also when it was stopped early. It is the
// JSON document of `gluster-setup bench --output json`:
//
//	complete            true if all rounds of all paths were measured
//	size_bytes          size of one file
//	files_per_round     files in a round
//	rounds              rounds asked for on each path
//	fsync, drop_cache   the options of the run
//	paths               one object a path, in the order of the command line
//	  path                    as given
//	  mount_point             where its file system is mounted
//	  file_system_type        for example fuse.glusterfs, tmpfs, xfs
//	  source                  what is mounted, for example cache1:/server
//	  free_bytes              free before the run
//	  round_seconds           one number a finished round, in order
//	  average_round_seconds   their mean: the articles' figure; absent without a finished round
//	  operations              one object an operation, in the order they are done;
//	                          those of an unfinished round are included
//	    operation             create, write, fsync, close, open, read or remove
//	    count                 how often it was measured
//	    mean_seconds, p50_seconds, p90_seconds, p99_seconds, max_seconds
//	comparisons         one object for each path but the first; only rounds that both paths finished
//	  base_path, path         the ratio is seconds of path divided by seconds of base_path
//	  rounds                  how many per-round ratios there are
//	  median_ratio            the ratio; above 1 means path is slower than base_path
//	  first_quartile_ratio, third_quartile_ratio, min_ratio, max_ratio   its spread
//	warnings            what makes the figures doubtful
//	notes               what else was done, for example leftovers removed
//
// Keys are never renamed or removed, only added. Lists are never null.
type Result struct {
	Complete      bool         `json:"complete"`
	SizeBytes     int64        `json:"size_bytes"`
	FilesPerRound int          `json:"files_per_round"`
	Rounds        int          `json:"rounds"`
	Fsync         bool         `json:"fsync"`
	DropCache     bool         `json:"drop_cache"`
	Paths         []PathResult `json:"paths"`
	Comparisons   []Comparison `json:"comparisons"`
	Warnings      []string     `json:"warnings"`
	Notes         []string     `json:"notes"`
}

// PathResult is what was measured on one path.
type PathResult struct {
	Path                string      `json:"path"`
	MountPoint          string      `json:"mount_point"`
	FileSystemType      string      `json:"file_system_type"`
	Source              string      `json:"source"`
	FreeBytes           uint64      `json:"free_bytes"`
	RoundSeconds        []float64   `json:"round_seconds"`
	AverageRoundSeconds float64     `json:"average_round_seconds,omitempty"`
	Operations          []Operation `json:"operations"`
}

// Operation is the distribution of one operation's times, in seconds. Mean
// and maximum are exact; percentiles are right to three digits.
type Operation struct {
	Operation   string  `json:"operation"`
	Count       int64   `json:"count"`
	MeanSeconds float64 `json:"mean_seconds"`
	P50Seconds  float64 `json:"p50_seconds"`
	P90Seconds  float64 `json:"p90_seconds"`
	P99Seconds  float64 `json:"p99_seconds"`
	MaxSeconds  float64 `json:"max_seconds"`
}

// Comparison is how the rounds of a path relate to those of the base path.
type Comparison struct {
	BasePath           string  `json:"base_path"`
	Path               string  `json:"path"`
	Rounds             int     `json:"rounds"`
	MedianRatio        float64 `json:"median_ratio"`
	FirstQuartileRatio float64 `json:"first_quartile_ratio"`
	ThirdQuartileRatio float64 `json:"third_quartile_ratio"`
	MinRatio           float64 `json:"min_ratio"`
	MaxRatio           float64 `json:"max_ratio"`
}

// WriteJSON writes the document that Result describes.
func (r Result) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}
