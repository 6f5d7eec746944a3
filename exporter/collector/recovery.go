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
	} `json:"bricks"`
	Emptied []struct {
		Volume string    `json:"volume"`
		Brick  string    `json:"brick"`
		Time   time.Time `json:"time"`
	} `json:"emptied"`
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
	person := gauge("recovery_needs_person", "Whether gluster-setup recover will do nothing until a person decides.", labels...)
	since := gauge("recovery_since_timestamp_seconds", "Since when the brick is in this state, in seconds since 1970.", labels...)
	info := gauge("recovery_info", "What gluster-setup recover does about the brick, and why. Always 1; absent for a brick that is complete.", "volume", "path", "action", "reason")
	emptied := gauge("recovery_emptied_timestamp_seconds", "When contents of the brick were last thrown away or begun anew, in seconds since 1970; absent where never.", "volume", "brick")
	times := gauge("recovery_emptied_events", "How often that happened, of the last hundred events of this node that recover remembers.", "volume", "brick")
	updated := gauge("recovery_updated_timestamp_seconds", "When gluster-setup recover last looked, in seconds since 1970.")
	return Collector{
		Name: "recovery", Help: "bricks that gluster-setup recover brings back, waits for, or emptied", Cost: "one small file",
		Metrics: []*Metric{recovering, waiting, person, since, info, emptied, times, updated},
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
			return nil
		},
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
