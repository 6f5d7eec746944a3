package verify

import (
	"encoding/json"
	"io"
	"slices"
	"time"
)

// Result is what one node found out. It is the JSON document of
// `gluster-setup verify --output json` for one mount:
//
//	complete               true if the test was done to its end, with or without failures
//	volume, path, node     what was tested, and from where
//	alone                  true if no other node mounts the volume there: only this node's own
//	                       writing, reading and removing was tested
//	rounds, rounds_completed
//	poll_interval_seconds  pause between two looks at the volume; delays contain about two of them
//	meeting_seconds        how long this node waited for the others to start
//	peers                  one object for each other node, by name; empty if they did not meet
//	  node
//	  seen                 this node's files, from closing a file until the answer of the peer that read it was back
//	  removed              the same for removing it, until the peer's answer that it is gone
//	    count              how many were measured
//	    min_round_trip_seconds, median_round_trip_seconds, max_round_trip_seconds
//	                       by this node's clock; each is an upper bound of the delay in one direction
//	    one_way_estimate_seconds
//	                       an estimate of the delay in one direction, on the assumption that the answer takes as
//	                       long as the file did, both being new files: for seen half the median round trip, for
//	                       removed the median round trip less that half
//	  failures             of this node's files at the peer; a peer that failed once is not tested again
//	    not_seen           the peer did not see the file in time
//	    wrong_content      the peer read something else
//	    still_there        the peer still saw the file after its removal
//	    left               the peer ended its run early
//	  observed             the peer's files as seen from this node
//	    files_read, removals_seen, files_wrong
//	  details              sentences about failures
//	notes                  what else was done, for example leftovers removed
//
// Keys are never renamed or removed, only added. Lists are never null.
type Result struct {
	Complete            bool         `json:"complete"`
	Volume              string       `json:"volume"`
	Path                string       `json:"path"`
	Node                string       `json:"node"`
	Alone               bool         `json:"alone"`
	Rounds              int          `json:"rounds"`
	RoundsCompleted     int          `json:"rounds_completed"`
	PollIntervalSeconds float64      `json:"poll_interval_seconds"`
	MeetingSeconds      float64      `json:"meeting_seconds"`
	Peers               []PeerResult `json:"peers"`
	Notes               []string     `json:"notes"`
}

// PeerResult is what this node found out about another.
type PeerResult struct {
	Node     string   `json:"node"`
	Seen     Delays   `json:"seen"`
	Removed  Delays   `json:"removed"`
	Failures Failures `json:"failures"`
	Observed Observed `json:"observed"`
	Details  []string `json:"details"`
}

// Delays are round trips, in seconds; all are 0 if none was measured.
type Delays struct {
	Count                  int     `json:"count"`
	MinRoundTripSeconds    float64 `json:"min_round_trip_seconds"`
	MedianRoundTripSeconds float64 `json:"median_round_trip_seconds"`
	MaxRoundTripSeconds    float64 `json:"max_round_trip_seconds"`
	OneWayEstimateSeconds  float64 `json:"one_way_estimate_seconds"`
}

// Failures counts what went wrong with this node's files at a peer, by kind.
type Failures struct {
	NotSeen      int `json:"not_seen"`
	WrongContent int `json:"wrong_content"`
	StillThere   int `json:"still_there"`
	Left         int `json:"left"`
}

// Observed counts what this node saw of a peer's files.
type Observed struct {
	FilesRead    int `json:"files_read"`
	RemovalsSeen int `json:"removals_seen"`
	FilesWrong   int `json:"files_wrong"`
}

func newResult(cfg Config) Result {
	return Result{
		Volume:              cfg.Volume,
		Path:                cfg.Path,
		Node:                cfg.Node,
		Alone:               len(cfg.Peers) == 0,
		Rounds:              cfg.Rounds,
		PollIntervalSeconds: cfg.Interval.Seconds(),
		Peers:               []PeerResult{},
		Notes:               []string{},
	}
}

// failure is the error for what went wrong, or nil.
func (r Result) failure() error {
	e := &FailedError{Volume: r.Volume}
	for _, p := range r.Peers {
		for _, detail := range p.Details {
			e.Failures = append(e.Failures, p.Node+": "+detail)
		}
	}
	if len(e.Failures) == 0 {
		return nil
	}
	return e
}

// delays sums round trips up. The estimate in one direction is the median
// less what the answer takes.
func delays(trips []time.Duration, answer time.Duration) Delays {
	if len(trips) == 0 {
		return Delays{}
	}
	m := median(trips)
	return Delays{
		Count:                  len(trips),
		MinRoundTripSeconds:    slices.Min(trips).Seconds(),
		MedianRoundTripSeconds: m.Seconds(),
		MaxRoundTripSeconds:    slices.Max(trips).Seconds(),
		OneWayEstimateSeconds:  max(m-answer, 0).Seconds(),
	}
}

// median is 0 if there are no durations.
func median(durations []time.Duration) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(durations))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// WriteJSON writes the document that Result describes.
func (r Result) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}
