package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

// journal is what gluster-setup recover leaves: docs/output.md describes it.
type journal struct {
	Updated time.Time `json:"updated"`
	Bricks  []struct {
		Volume string    `json:"volume"`
		Path   string    `json:"path"`
		Action string    `json:"action"`
		Reason string    `json:"reason"`
		Since  time.Time `json:"since"`

		Suspect  bool  `json:"suspect"`
		Compared int64 `json:"compared"`
	} `json:"bricks"`
	Emptied []struct {
		Volume string    `json:"volume"`
		Brick  string    `json:"brick"`
		Time   time.Time `json:"time"`
	} `json:"emptied"`
	Unclean []struct {
		Volume string    `json:"volume"`
		Brick  string    `json:"brick"`
		Time   time.Time `json:"time"`
	} `json:"unclean"`
	Resynced []resynced `json:"resynced"`
}

// resynced is a comparison of a brick after a power cut.
type resynced struct {
	Volume    string    `json:"volume"`
	Path      string    `json:"path"`
	Unproven  bool      `json:"unproven"`
	Started   time.Time `json:"started"`
	Duration  float64   `json:"duration_seconds"`
	Entries   int64     `json:"entries"`
	Marked    int64     `json:"marked"`
	TakenOut  int64     `json:"taken_out"`
	Copied    int64     `json:"copied"`
	Undecided int64     `json:"undecided"`
}

// Actions of recover with a meaning here; all others say that it is at work.
const (
	actionNone = "none" // the brick is complete and serves
	actionWait = "wait" // it waits for somebody else
	actionStop = "stop" // it waits for a person
)

func recovery(path string) Collector {
	labels := []string{"volume", "path"}
	recovering := gauge("recovery_incomplete", "Whether the brick was empty, half-filled or down when gluster-setup recover last looked, and is not complete since.", labels...)
	waiting := gauge("recovery_waiting", "Whether gluster-setup recover waits, for another node or for a person, before it can bring the brick back.", labels...)
	person := gauge("recovery_needs_person", "Whether gluster-setup recover needs a person: to decide, or to mend what keeps a brick from starting.", labels...)
	since := gauge("recovery_since_timestamp_seconds", "Since when the brick is in this state, in seconds since 1970.", labels...)
	info := gauge("recovery_info", "What gluster-setup recover does about the brick, and why. Always 1; absent for a brick that is complete.", "volume", "path", "action", "reason")
	emptied := gauge("recovery_emptied_timestamp_seconds", "When contents of the brick were last thrown away or begun anew, in seconds since 1970; absent where never.", "volume", "brick")
	times := gauge("recovery_emptied_events", "How often that happened, of the last hundred events of this node that recover remembers.", "volume", "brick")
	updated := gauge("recovery_updated_timestamp_seconds", "When gluster-setup recover last looked, in seconds since 1970.")
	suspect := gauge("recovery_suspect", "Whether a power cut may have cost the brick what it had acknowledged, and nothing has proved the contrary yet.", labels...)
	compared := gauge("recovery_compared_entries", "Entries that the comparison of the brick with a complete one has seen so far; 0 where none is under way.", labels...)
	unclean := gauge("recovery_unclean_stop_timestamp_seconds", "When the node last started without having been stopped cleanly, in seconds since 1970; absent where never. Only bricks on disks.", labels...)
	resync := resyncs(labels)
	return Collector{
		Name: "recovery", Help: "bricks that gluster-setup recover brings back, waits for, or emptied", Cost: "one small file",
		Metrics: append([]*Metric{recovering, waiting, person, since, info, emptied, times, updated, suspect, compared, unclean}, resync.metrics()...),
		collect: func(_ context.Context, _ *node.Scrape, to sink) error {
			text, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil // this node was not set up by gluster-setup, or has no bricks
			}
			if err != nil {
				return err
			}
			var j journal
			if err := json.Unmarshal(text, &j); err != nil {
				return &gluster.Error{Op: "read", Object: path, Kind: gluster.ErrMalformed, Err: fmt.Errorf("%w", err)}
			}
			to.set(updated, seconds(j.Updated))
			for _, b := range j.Bricks {
				to.is(recovering, b.Action != actionNone, b.Volume, b.Path)
				to.is(waiting, b.Action == actionWait || b.Action == actionStop, b.Volume, b.Path)
				to.is(person, b.Action == actionStop, b.Volume, b.Path)
				to.set(since, seconds(b.Since), b.Volume, b.Path)
				to.is(suspect, b.Suspect, b.Volume, b.Path)
				to.set(compared, float64(b.Compared), b.Volume, b.Path)
				if b.Action != actionNone {
					to.set(info, 1, b.Volume, b.Path, b.Action, b.Reason)
				}
			}
			last, count := map[[2]string]time.Time{}, map[[2]string]int{}
			for _, e := range j.Emptied {
				key := [2]string{e.Volume, e.Brick}
				count[key]++
				if e.Time.After(last[key]) {
					last[key] = e.Time
				}
			}
			for key, at := range last {
				to.set(emptied, seconds(at), key[0], key[1])
				to.set(times, float64(count[key]), key[0], key[1])
			}
			stops := map[[2]string]time.Time{}
			for _, u := range j.Unclean { // oldest first
				stops[[2]string{u.Volume, u.Brick}] = u.Time
			}
			for key, at := range stops {
				to.set(unclean, seconds(at), key[0], key[1])
			}
			resync.send(to, j.Resynced)
			return nil
		},
	}
}

// resyncMetrics are of the last comparison of each brick after a power cut.
type resyncMetrics struct {
	at, duration, entries, marked, takenOut, copied, undecided, unproven *Metric
}

func resyncs(labels []string) resyncMetrics {
	g := func(name, help string) *Metric {
		return gauge("recovery_resync_"+name, "Of the latest comparison after a power cut, absent where there was none: "+help, labels...)
	}
	return resyncMetrics{
		at:        g("timestamp_seconds", "when it began, in seconds since 1970."),
		duration:  g("duration_seconds", "how long it took."),
		entries:   g("entries", "entries that were compared."),
		marked:    g("marked_entries", "files and directories that were found to differ and left to be healed."),
		takenOut:  g("taken_out_entries", "names that only this brick had, taken out and kept aside."),
		copied:    g("copied_entries", "files whose contents differed while no brick was known to be right; this brick's were kept aside."),
		undecided: g("undecided_entries", "entries that differ and were left as they are."),
		unproven:  g("unproven", "whether no brick of the replica set was known to be complete."),
	}
}

func (m resyncMetrics) metrics() []*Metric {
	return []*Metric{m.at, m.duration, m.entries, m.marked, m.takenOut, m.copied, m.undecided, m.unproven}
}

func (m resyncMetrics) send(to sink, all []resynced) {
	last := map[[2]string]resynced{}
	for _, r := range all { // oldest first
		last[[2]string{r.Volume, r.Path}] = r
	}
	for key, r := range last {
		to.set(m.at, seconds(r.Started), key[0], key[1])
		to.set(m.duration, r.Duration, key[0], key[1])
		for metric, n := range map[*Metric]int64{m.entries: r.Entries, m.marked: r.Marked, m.takenOut: r.TakenOut, m.copied: r.Copied, m.undecided: r.Undecided} {
			to.set(metric, float64(n), key[0], key[1])
		}
		to.is(m.unproven, r.Unproven, key[0], key[1])
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
